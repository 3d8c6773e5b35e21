package experiments_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// crashConfig is a whole experiment in seconds: real pictures through VGG16's first block, a small LSTM.
const crashConfig = `
[experiment]
name = "crash"
[data]
format = "flickr8k"
root = %q
ratio = [0.6, 0.2, 0.2]
[encoder]
layer = "block1_pool"
pooling = "avg"
normalize = "standardize"
batch = 4
[decoder]
units = 16
embedding = 16
[training]
epochs = 4
batch = 4
checkpoint_minutes = 0.0005
[runtime]
cache = %q
results = %q
`

// crashFolder holds the pictures, and the config with a cache and results of its own.
func crashFolder(t *testing.T, data string) (config, results string) {
	t.Helper()
	dir := t.TempDir()
	results = filepath.Join(dir, "results")
	cache := filepath.Join(dir, "cache")
	// The downloads are the checkout's; the features are not.
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, shared := range []string{"xla", "weights"} {
		target := filepath.Join(acceltest.CacheDir(), shared)
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(cache, shared)); err != nil {
			t.Fatal(err)
		}
	}
	config = filepath.Join(dir, "crash.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, crashConfig, data, cache, results), 0o644); err != nil {
		t.Fatal(err)
	}
	return config, results
}

// crashData makes 30 coloured pictures, each with two captions.
func crashData(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for n := range 30 {
		picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
		for y := range 48 {
			for x := range 64 {
				picture.Set(x, y, color.RGBA{uint8(8 * n), uint8(4 * x), uint8(5*y + 3*n), 255})
			}
		}
		name := fmt.Sprintf("p%02d.jpg", n)
		file, err := os.Create(filepath.Join(root, "images", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := jpeg.Encode(file, picture, nil); err != nil {
			t.Fatal(err)
		}
		file.Close()
		fmt.Fprintf(&rows, "%s#0\tcolour %d here\n%s#1\tlook: %d!\n", name, n%5, name, n%3)
	}
	if err := os.WriteFile(filepath.Join(root, "Flickr8k.token.txt"), []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestKilledAnywhereResumesBitIdentical kills the command with SIGKILL during extraction, training and report
// writing, resumes it, and wants every result as the run has it that was never killed.
func TestKilledAnywhereResumesBitIdentical(t *testing.T) {
	killedResumes(t, []string{"training.average_last=2"}, []moment{
		{"extraction", grown("cache/features/*/rows.bin")},
		{"the first checkpoint", grown("checkpoints/.writing-*/*")},
		{"training", grown("metrics.jsonl")},
		{"captioning", grown("predictions/*.jsonl")},
		{"report writing", grown("plots/loss.svg")},
	})
}

// moment is when a run is killed.
type moment struct {
	during string
	now    func(dir, config string) bool
}

// grown tells whether some file of this name has content, in the run's folder or beside its config.
func grown(glob string) func(dir, config string) bool {
	return func(dir, config string) bool {
		for _, root := range []string{dir, filepath.Dir(config)} {
			paths, _ := filepath.Glob(filepath.Join(root, glob))
			for _, path := range paths {
				if info, err := os.Stat(path); err == nil && info.Size() > 0 {
					return true
				}
			}
		}
		return false
	}
}

// killedResumes kills runs of the command with these overrides, each at a moment, and wants what they end with once they are
// resumed as the run has it that was never killed.
func killedResumes(t *testing.T, overrides []string, moments []moment) {
	t.Helper()
	binary := buildCommand(t)
	data := crashData(t)
	command := func(config string) *exec.Cmd {
		return exec.Command(binary, append([]string{"run", config}, overrides...)...)
	}
	config, results := crashFolder(t, data)
	run(t, command(config))
	whole := onlyRun(t, results)
	want := outcome(t, whole)
	want["tensorboard"] = fmt.Append(nil, wantEvents(t, whole))

	for _, c := range moments {
		t.Run(c.during, func(t *testing.T) {
			config, results := crashFolder(t, data)
			killWhen(t, command(config), func() bool {
				dirs, _ := filepath.Glob(filepath.Join(results, "*-crash-*"))
				return len(dirs) == 1 && c.now(dirs[0], config)
			})
			dir := onlyRun(t, results)
			run(t, exec.Command(binary, "resume", dir))
			got := outcome(t, dir)
			got["tensorboard"] = fmt.Append(nil, wantEvents(t, dir))
			for name := range want {
				if !bytes.Equal(got[name], want[name]) {
					t.Errorf("%s differs:\n%.300s\nwant\n%.300s", name, got[name], want[name])
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d results, want %d", len(got), len(want))
			}
		})
	}
}

// buildCommand builds the command and returns its path.
func buildCommand(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "captionlab")
	run(t, exec.Command("go", "build", "-o", binary, "./captionlab"))
	return binary
}

func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// killWhen starts the command and kills it as soon as the condition holds.
func killWhen(t *testing.T, c *exec.Cmd, condition func() bool) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		select {
		case err := <-exited:
			t.Fatalf("the run ended before it could be killed: %v\n%s", err, out.String())
		default:
		}
		if condition() {
			_ = c.Process.Kill()
			<-exited
			return
		}
		if time.Now().After(deadline) {
			_ = c.Process.Kill()
			t.Fatalf("the moment to kill never came\n%s", out.String())
		}
		time.Sleep(time.Millisecond)
	}
}

func onlyRun(t *testing.T, results string) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(results, "*-crash-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%d run folders, want one", len(dirs))
	}
	return dirs[0]
}

// outcome reads what must be the same: the metrics without their times, captions, vocabulary, split, scaling and
// both checkpoints' variables.
func outcome(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	out := map[string][]byte{}
	for _, name := range []string{"vocab.json", "split.json", "scaler.json", "predictions/validation.jsonl", "predictions/test.jsonl"} {
		out[name] = read(name)
	}
	var rows bytes.Buffer
	for _, line := range bytes.Split(bytes.TrimSpace(read("metrics.jsonl")), []byte("\n")) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		for _, timed := range []string{"seconds", "total_seconds", "examples_per_second"} {
			delete(row, timed)
		}
		data, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		rows.Write(append(data, '\n'))
	}
	out["metrics.jsonl"] = rows.Bytes()
	for _, pointer := range []string{"last", "best"} {
		name := strings.TrimSpace(string(read("checkpoints/" + pointer)))
		paths, err := filepath.Glob(filepath.Join(dir, "checkpoints", name, "*.bin"))
		if err != nil || len(paths) != 1 {
			t.Fatalf("checkpoint %s has %d .bin files", pointer, len(paths))
		}
		variables, err := os.ReadFile(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		out[pointer+" checkpoint"] = slices.Concat([]byte(name+"\n"), variables)
	}
	var info struct{ Status string }
	if err := json.Unmarshal(read("run.json"), &info); err != nil {
		t.Fatal(err)
	}
	out["status"] = []byte(info.Status)
	for _, name := range []string{"report.md", "report.html", "plots/loss.png", "plots/accuracy.png", "plots/loss.svg", "plots/accuracy.svg"} {
		if len(read(name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	for _, name := range []string{"coco/captions_validation.json", "coco/captions_validation_results.json", "dvc.yaml"} {
		out[name] = read(name)
	}
	return out
}
