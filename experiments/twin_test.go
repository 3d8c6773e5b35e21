package experiments_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestTwinsTrainTheSame: each recipe's twin draws its initial weights from the run's distributions. From the run's own, with its
// order of captions and its dropout masks, it has the run's validation losses after every epoch: the same loss, batches, dropout,
// optimiser, schedule, clipping, regularisation.
func TestTwinsTrainTheSame(t *testing.T) {
	python := os.Getenv("CAPTIONLAB_PYTHON")
	if python == "" {
		t.Skip("CAPTIONLAB_PYTHON names no Python with torch and numpy")
	}
	binary := buildCommand(t)
	for _, path := range recipes(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			out := t.TempDir()
			overrides, err := emojigramOverrides(path)
			if err != nil {
				t.Fatal(err)
			}
			overrides = append(overrides, "data.emojigram.images=40", "decoder.units=16", "decoder.embedding=16", "decoder.attention_units=16",
				"training.batch=32", "training.schedule_epochs=2", "training.patience=0", "decoding.max_length=5", "runtime.cache="+acceltest.CacheDir())
			inputs := func(name string, more ...string) string { // of a run
				run(t, exec.Command(binary, slices.Concat([]string{"run", path}, overrides, []string{"runtime.results=" + filepath.Join(out, name)}, more)...))
				runs, _ := filepath.Glob(filepath.Join(out, name, "*"))
				if len(runs) != 1 {
					t.Fatalf("runs %v", runs)
				}
				run(t, exec.Command(binary, "export", "inputs", runs[0], "--to", filepath.Join(out, name+"-inputs")))
				return filepath.Join(out, name+"-inputs", filepath.Base(runs[0]))
			}
			initial := inputs("initial", "training.epochs=1", "training.learning_rate=1e-12", "training.min_learning_rate=0")
			run(t, exec.Command(python, "testdata/twin/twin.py", "begin", initial))
			trained := inputs("trained", "training.epochs=6")
			run(t, exec.Command(python, "testdata/twin/twin.py", "train", trained, "--follow", filepath.Join(initial, "weights.npz"), "--out", filepath.Join(out, "twin"), "--captionlab", binary))
			var twin struct {
				Epochs []struct {
					Loss float64 `json:"validation_loss"`
				}
			}
			data, err := os.ReadFile(filepath.Join(out, "twin", "twin.json"))
			if err == nil {
				err = json.Unmarshal(data, &twin)
			}
			folder, openErr := experiments.OpenRun("", filepath.Join(out, "trained", filepath.Base(trained)))
			if err := errors.Join(err, openErr); err != nil {
				t.Fatal(err)
			}
			curve, err := folder.Curve()
			if err != nil || len(curve) != 6 || len(twin.Epochs) != 6 {
				t.Fatalf("%d and %d epochs (%v)", len(curve), len(twin.Epochs), err)
			}
			for n, e := range curve {
				if got := twin.Epochs[n].Loss; math.Abs(got-e.ValidationLoss) > 1e-4*e.ValidationLoss {
					t.Errorf("epoch %d: the run's loss is %v, the twin's %v", n+1, e.ValidationLoss, got)
				}
			}
			if moved := math.Abs(curve[5].ValidationLoss - curve[0].ValidationLoss); moved < 1e-3 {
				t.Errorf("training moved the loss by %v: the test shows nothing", moved)
			}
		})
	}
}

// TestTwins trains each recipe, small and on a few pictures of emojigram, and its PyTorch twin, by twins.sh. The twin with the
// run's weights must have the run's loss and captions, which twin.py checks, and the one that was trained about its loss.
// CAPTIONLAB_PYTHON names a Python with torch 2.9.1 and numpy.
func TestTwins(t *testing.T) {
	if os.Getenv("CAPTIONLAB_PYTHON") == "" {
		t.Skip("CAPTIONLAB_PYTHON names no Python with torch and numpy")
	}
	binary := buildCommand(t)
	for _, path := range recipes(t) {
		recipe := strings.TrimSuffix(filepath.Base(path), ".toml")
		t.Run(recipe, func(t *testing.T) {
			out := t.TempDir()
			c := exec.Command("bash", "testdata/twin/twins.sh", recipe, "1", "emojigram", "data.emojigram.images=40", "decoder.units=16", "decoder.embedding=16",
				"decoder.attention_units=16", "training.epochs=2", "runtime.cache="+acceltest.CacheDir())
			c.Env = append(os.Environ(), "CAPTIONLAB="+binary, "CAPTIONLAB_TWINS="+out)
			var stderr strings.Builder
			c.Stderr = &stderr
			row, err := c.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			if cells := strings.Split(strings.Trim(string(row), "| \n"), " | "); len(cells) != 10 || cells[0] != recipe {
				t.Errorf("the row is %q", row)
			}
			reports, _ := filepath.Glob(filepath.Join(out, "*", "run", "*", "report.md"))
			if len(reports) != 1 {
				t.Fatalf("%d reports", len(reports))
			}
			if text, err := os.ReadFile(reports[0]); err != nil || !strings.Contains(string(text), "every picture's features set to zero") {
				t.Errorf("the report has no control with zeroed features (%v)", err)
			}
			rows, _ := filepath.Glob(filepath.Join(out, "*", "twin", "row.json"))
			if len(rows) != 1 {
				t.Fatalf("%d rows", len(rows))
			}
			var r struct {
				Figures map[string]map[string]float64
			}
			data, err := os.ReadFile(rows[0])
			if err == nil {
				err = json.Unmarshal(data, &r)
			}
			ours, twins := r.Figures["captionlab"]["loss"], r.Figures["PyTorch"]["loss"]
			if err != nil || ours == 0 || math.Abs(ours-twins) > 0.1*ours {
				t.Errorf("losses %v and %v (%v)", ours, twins, err)
			}
		})
	}
}
