package experiments_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fourCells are four cells of crashConfig, two of which go on from the other two.
const fourCells = `
extends = "crash.toml"
[study]
name = "sweep"
[study.axes]
text.tokenizer = ["char", "word"]
training.epochs = [2, 1]
`

// TestSlurmStandIn: a study whose cells run by the commands of Slurm, of which stand-ins run the tasks one by one, has the
// results of the local one, bit for bit.
func TestSlurmStandIn(t *testing.T) {
	bin, err := filepath.Abs("../internal/slurm/testdata/fake")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("FAKE_SLURM", t.TempDir())
	sameOnSlurm(t, newSlurmStudy(t, fourCells))
}

// TestSlurm needs a Slurm: make slurm starts one.
func TestSlurm(t *testing.T) {
	if os.Getenv("CAPTIONLAB_SLURM") == "" {
		t.Skip("no Slurm to test with: make slurm starts one of a single node; CAPTIONLAB_SLURM=1 takes the one that sbatch reaches")
	}
	if out, err := exec.Command("sinfo", "--noheader").CombinedOutput(); err != nil {
		t.Fatalf("sinfo: %v: %s", err, out)
	}
	first := newSlurmStudy(t, fourCells)

	// Slurm looks at time limits once in a while: this study waits for its end while the others run.
	endless := first.another(t, "extends = 'crash.toml'\ntraining.epochs = 100000\nslurm.time = '0:20'\n[study.axes]\ntext.tokenizer = ['char']\n")
	endless.must(t, "--detach")

	t.Run("same results", func(t *testing.T) { sameOnSlurm(t, first) })

	t.Run("Ctrl-C and a killed task", func(t *testing.T) {
		s := first.another(t, fourCells)
		var stderr bytes.Buffer
		c := s.command("--engine", "slurm")
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		s.until(t, "a cell trains", func() bool { return s.glob("*", "checkpoints", ".writing-*") || s.glob("*", "metrics.jsonl") })
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 130 || !strings.Contains(stderr.String(), "Slurm goes on with") || !strings.Contains(stderr.String(), "--engine slurm --cancel") {
			t.Fatalf("exit code %d:\n%s", code, stderr.String())
		}
		status := s.must(t, "--status")
		if !strings.Contains(status, "│ RUNNING") && !strings.Contains(status, "│ PENDING") {
			t.Fatalf("nothing goes on after Ctrl-C:\n%s", status)
		}
		t.Logf("after Ctrl-C:\n%s%s", stderr.String(), status)
		// It waits again, and is told of the cell that Slurm loses meanwhile: the one that comes last.
		c = s.command("--engine", "slurm")
		var said lockedBuffer
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		s.until(t, "the command waits", func() bool { return strings.Contains(said.String(), "in Slurm's queue") })
		task := s.taskOf(t, "word-epochs2")
		if out, err := exec.Command("scancel", task).CombinedOutput(); err != nil {
			t.Fatalf("scancel %s: %v: %s", task, err, out)
		}
		err := c.Wait()
		out := said.String()
		if err == nil || !strings.Contains(out, "cell word-epochs2: interrupted: cancelled") {
			t.Fatalf("the killed task is not told: %v\n%s", err, out)
		}
		t.Logf("with a killed task:\n%s", out)
		done, _ := runFolders(t, s.results)
		if len(done) != 3 {
			t.Errorf("%d cells are done, want three", len(done))
		}
		s.must(t, "--engine", "slurm")
		if diff := cmp.Diff(first.want, studyTable(t, s.results)); diff != "" {
			t.Errorf("table (-want +got):\n%s", diff)
		}
	})

	t.Run("cancel", func(t *testing.T) {
		s := first.another(t, fourCells)
		s.must(t, "--detach")
		s.until(t, "a cell trains", func() bool { return s.glob("*", "checkpoints", ".writing-*") || s.glob("*", "metrics.jsonl") })
		out := s.must(t, "--cancel")
		if !strings.Contains(out, "cancelled ") {
			t.Fatalf("cancelled nothing:\n%s", out)
		}
		s.until(t, "no cell waits or runs", func() bool {
			return strings.Contains(s.must(t, "--cancel"), "nothing to cancel")
		})
		status := s.must(t, "--status")
		if strings.Contains(status, "RUNNING") || !strings.Contains(status, "│ CANCELLED") {
			t.Errorf("after --cancel:\n%s", status)
		}
		t.Logf("%s%s", out, status)
		s.must(t, "--engine", "slurm")
		if diff := cmp.Diff(first.want, studyTable(t, s.results)); diff != "" {
			t.Errorf("table (-want +got):\n%s", diff)
		}
	})

	t.Run("memory", func(t *testing.T) {
		s := first.another(t, "extends = 'crash.toml'\ntraining.epochs = 1\nslurm.memory = '100M'\n[study.axes]\ntext.tokenizer = ['char']\n")
		out, err := s.run("--engine", "slurm")
		if err == nil || !strings.Contains(out, "failed: ran out of memory") || !strings.Contains(out, "/slurm/1/logs/") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		if out, err = s.run("--engine", "slurm", "slurm.memory=4G"); err == nil || !strings.Contains(out, "failed before") {
			t.Errorf("tried again without being asked to: %v\n%s", err, out)
		}
		s.must(t, "--engine", "slurm", "--retry-failed", "slurm.memory=4G")
	})

	t.Run("refused", func(t *testing.T) {
		s := first.another(t, fourCells)
		out, err := s.run("--engine", "slurm", "slurm.partition=nowhere")
		if err == nil || !strings.Contains(out, "captionlab: sbatch: invalid partition specified: nowhere") {
			t.Errorf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
	})

	t.Run("time limit", func(t *testing.T) {
		out, err := endless.run("--engine", "slurm")
		if err == nil || !strings.Contains(out, "stopped at its time limit after") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		if !endless.glob("*", "checkpoints", "last") {
			t.Error("it left no checkpoint to go on from")
		}
	})
}

// lockedBuffer is what a command that runs has said so far.
type lockedBuffer struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.String()
}

// slurmStudy is a study in a folder of its own, whose path holds what shells and Slurm mind.
type slurmStudy struct {
	binary, data, path, results string
	want                        [][]string // the table of the same study, run locally
	local                       string     // its results
}

// newSlurmStudy makes the study, and runs it locally, elsewhere.
func newSlurmStudy(t *testing.T, text string) *slurmStudy {
	t.Helper()
	binary := buildCommand(t)
	s := &slurmStudy{binary: binary, data: crashData(t)}
	config, results := crashFolder(t, s.data)
	run(t, exec.Command(binary, "sweep", writeStudy(t, config, "sweep.toml", text)))
	s.want, s.local = studyTable(t, results), results
	n := s.another(t, text)
	n.want, n.local = s.want, s.local
	return n
}

// another is a study with results of its own.
func (s *slurmStudy) another(t *testing.T, text string) *slurmStudy {
	t.Helper()
	config, _ := crashFolder(t, s.data)
	results := filepath.Join(filepath.Dir(config), `it's 100% "mine"`)
	given, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(given, []byte("results = "))
	given = fmt.Appendf(given[:from:from], "results = %q\n[slurm]\ncpus = 1\nmemory = '4G'\ntime = '10'\n", results)
	if err := os.WriteFile(config, given, 0o644); err != nil {
		t.Fatal(err)
	}
	return &slurmStudy{binary: s.binary, data: s.data, path: writeStudy(t, config, "sweep.toml", text), results: results}
}

func (s *slurmStudy) command(args ...string) *exec.Cmd {
	return exec.Command(s.binary, append([]string{"sweep", s.path}, args...)...)
}

func (s *slurmStudy) run(args ...string) (output string, err error) {
	out, err := s.command(args...).CombinedOutput()
	return string(out), err
}

func (s *slurmStudy) must(t *testing.T, args ...string) (output string) {
	t.Helper()
	out, err := s.run(args...)
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(s.results, "*", "slurm", "*", "logs", "*"))
		for _, path := range logs {
			text, _ := os.ReadFile(path)
			t.Logf("%s:\n%s", path, text)
		}
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// glob reports whether there is such a file among the results.
func (s *slurmStudy) glob(pattern ...string) bool {
	found, _ := filepath.Glob(filepath.Join(append([]string{s.results}, pattern...)...))
	return len(found) > 0
}

func (s *slurmStudy) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			out, err := s.run("--status")
			t.Fatalf("never: %s\n%s%v", what, out, err)
		}
	}
}

// taskOf is the Slurm task of a cell, by the submission's file.
func (s *slurmStudy) taskOf(t *testing.T, cell string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.results, "*", "slurm", "1", "submission.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d submissions: %v", len(paths), err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	var sub struct {
		Cells []struct {
			Number json.Number
			ID     string
		}
		Jobs []struct {
			ID    string
			Cells []json.Number
		}
	}
	if err := json.Unmarshal(data, &sub); err != nil {
		t.Fatal(err)
	}
	for _, c := range sub.Cells {
		for _, j := range sub.Jobs {
			for _, number := range j.Cells {
				if c.ID == cell && number == c.Number {
					return j.ID + "_" + number.String()
				}
			}
		}
	}
	t.Fatalf("no task of %s in %s", cell, data)
	return ""
}

// sameOnSlurm runs the study on Slurm and compares its results with the local ones. A second call repeats nothing.
func sameOnSlurm(t *testing.T, s *slurmStudy) {
	t.Helper()
	out := s.must(t, "--engine", "slurm")
	t.Logf("%s", out)
	if diff := cmp.Diff(s.want, studyTable(t, s.results)); diff != "" {
		t.Errorf("table (-local +Slurm):\n%s", diff)
	}
	for _, cell := range []string{"char-epochs1", "char-epochs2", "word-epochs1", "word-epochs2"} {
		local, slurm := folderOf(t, s.local, "sweep-"+cell), folderOf(t, s.results, "sweep-"+cell)
		want, got := outcome(t, local), outcome(t, slurm)
		for name := range want {
			if !bytes.Equal(want[name], got[name]) {
				t.Errorf("%s of %s differs from the local one's", name, cell)
			}
		}
		if a, b := runInfo(t, local), runInfo(t, slurm); cmp.Diff(a.Results, b.Results) != "" || (a.Continues == "") != (b.Continues == "") {
			t.Errorf("figures of %s (-local +Slurm):\n%s\nit continues %q, the local one %q", cell, cmp.Diff(a.Results, b.Results), b.Continues, a.Continues)
		}
		text, err := os.ReadFile(filepath.Join(slurm, "log.txt"))
		if err != nil || !bytes.Contains(text, []byte("; 0 computed, 30 from the cache")) {
			t.Errorf("%s computed features again: %v\n%s", cell, err, text)
		}
	}
	s.must(t, "--engine", "slurm")
	if s.glob("*", "slurm", "2") {
		t.Error("a finished study was submitted again")
	}
	if status := s.must(t, "--status"); !strings.Contains(status, "4 cells, 4 done") {
		t.Errorf("status:\n%s", status)
	}
}
