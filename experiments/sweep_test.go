package experiments_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/captionlab/captionlab/experiments"
)

// sweepStudy is four cells of crashConfig, two of which go on from the other two.
const sweepStudy = `
extends = "crash.toml"
[study]
name = "sweep"
[study.axes]
text.tokenizer = ["char", "word"]
training.epochs = [2, 1]
[study.when.blind]
if = { text.tokenizer = "word" }
set = { evaluation.controls = ["zeroed", "blind"] }
`

func writeStudy(t *testing.T, config, name, text string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(config), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// runFolders are the folders of runs, by whether they are done.
func runFolders(t *testing.T, results string) (done, open []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(results, "*", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if runInfo(t, filepath.Dir(path)).Status == "done" {
			done = append(done, filepath.Dir(path))
		} else {
			open = append(open, filepath.Dir(path))
		}
	}
	return done, open
}

type infoFile struct {
	Status, Continues string
	Results           map[string]any
}

func runInfo(t *testing.T, dir string) (info infoFile) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &info); err != nil {
		t.Fatal(err)
	}
	return info
}

// studyTable reads a results folder's only study.csv without what two computations may differ in: folders and times.
func studyTable(t *testing.T, results string) [][]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(results, "*", "study.csv"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d study.csv, want one: %v", len(paths), err)
	}
	file, err := os.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"run", "seconds"} {
		at := slices.Index(rows[0], column)
		for n := range rows {
			rows[n] = slices.Delete(rows[n], at, at+1)
		}
	}
	return rows
}

// TestSweepKilledGoesOn: a study killed with SIGKILL at a random moment ends, by the same command, with the table of the
// study that was not killed, and repeats no finished cell. A cell that went on from a shorter one is bit for bit the run
// from zero. What is finished serves other studies.
func TestSweepKilledGoesOn(t *testing.T) {
	binary := buildCommand(t)
	data := crashData(t)
	config, results := crashFolder(t, data)
	study := writeStudy(t, config, "sweep.toml", sweepStudy)
	run(t, exec.Command(binary, "run", study)) // as make experiment does
	want := studyTable(t, results)
	if len(want) != 5 {
		t.Fatalf("%d rows: %v", len(want), want)
	}
	if pages, _ := filepath.Glob(filepath.Join(results, "*", "comparison.html")); len(pages) != 1 {
		t.Errorf("%d comparisons, want one beside the study's table", len(pages))
	}

	t.Run("killed", func(t *testing.T) {
		config, results := crashFolder(t, data)
		study := writeStudy(t, config, "sweep.toml", sweepStudy)
		interruptSweep(t, exec.Command(binary, "sweep", study), results)
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		after := 1 + random.IntN(3)
		moments := []string{"run.json", "checkpoints/.writing-*/*", "metrics.jsonl", "predictions/*.jsonl", "plots/loss.svg", "report.html"}
		moment := moments[random.IntN(len(moments))]
		t.Logf("seed %d: killed at %s of the run after %d finished ones", seed, moment, after)
		killWhen(t, exec.Command(binary, "sweep", study), func() bool {
			done := 0
			dirs, _ := filepath.Glob(filepath.Join(results, "*", "config.resolved.toml"))
			for _, path := range dirs {
				info, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "run.json"))
				if bytes.Contains(info, []byte(`"status": "done"`)) {
					done++
				}
			}
			if done < after || len(dirs) <= after {
				return done > after
			}
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(dirs[len(dirs)-1]), moment))
			return len(found) > 0 || done > after
		})
		finished := map[string][]byte{}
		done, open := runFolders(t, results)
		for _, dir := range done {
			info, err := os.ReadFile(filepath.Join(dir, "run.json"))
			if err != nil {
				t.Fatal(err)
			}
			finished[dir] = info
		}
		t.Logf("%d cells were done, %d open", len(done), len(open))
		run(t, exec.Command(binary, "sweep", study))
		if diff := cmp.Diff(want, studyTable(t, results)); diff != "" {
			t.Errorf("table (-want +got):\n%s", diff)
		}
		for dir, before := range finished {
			if after, err := os.ReadFile(filepath.Join(dir, "run.json")); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the finished cell %s was touched again: %v", dir, err)
			}
		}
		if done, open := runFolders(t, results); len(done) != 4 || len(open) != 0 {
			t.Errorf("%d runs done and %d open, want four cells' and no others", len(done), len(open))
		}
	})

	t.Run("as from zero", func(t *testing.T) {
		config, zeroResults := crashFolder(t, data)
		run(t, exec.Command(binary, "run", config, "text.tokenizer=word", "training.epochs=2", "evaluation.controls=zeroed,blind"))
		zero := onlyRun(t, zeroResults)
		extended := folderOf(t, results, "sweep-word-epochs2")
		if runInfo(t, extended).Continues != filepath.Base(folderOf(t, results, "sweep-word-epochs1")) {
			t.Error("the longer cell did not go on from the shorter one")
		}
		wanted, got := outcome(t, zero), outcome(t, extended)
		for name := range wanted {
			if !bytes.Equal(wanted[name], got[name]) {
				t.Errorf("%s differs:\n%.300s\nwant\n%.300s", name, got[name], wanted[name])
			}
		}
		if diff := cmp.Diff(runInfo(t, zero).Results, runInfo(t, extended).Results); diff != "" {
			t.Errorf("figures (-zero +extended):\n%s", diff)
		}

		// The single run is a cell of any study that has its config.
		one := writeStudy(t, config, "one.toml", "extends = 'crash.toml'\ntext.tokenizer = 'word'\nevaluation.controls = ['zeroed', 'blind']\n[study.axes]\ntraining.epochs = [2]\n")
		s, err := experiments.Sweep(context.Background(), one, nil, experiments.SweepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if c := s.Cells[0]; c.Plan != "done already" || c.Dir != zero || len(c.Figures) == 0 {
			t.Errorf("the finished run was not taken: %+v", c)
		}
	})

	t.Run("another study", func(t *testing.T) {
		other := writeStudy(t, config, "other.toml", "extends = 'crash.toml'\ntext.tokenizer = 'char'\n[study.axes]\ntraining.epochs = [1, 2]\n")
		s, err := experiments.Sweep(context.Background(), other, nil, experiments.SweepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Cells {
			if c.Plan != "done already" || c.Status != "done" || c.Figures["validation_nats_per_character"] == 0 {
				t.Errorf("cell %s: %s, %s, %v", c.ID, c.Plan, c.Status, slices.Sorted(maps.Keys(c.Figures)))
			}
		}
		if done, _ := runFolders(t, results); len(done) != 4 {
			t.Errorf("%d runs, want the four of before", len(done))
		}
		opened, err := experiments.OpenStudy(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Groups(), opened.Groups(), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("the study reads back differently (-sweep +open):\n%s", diff)
		}
		again, err := experiments.Sweep(context.Background(), other, nil, experiments.SweepOptions{})
		if err != nil || again.Dir != s.Dir {
			t.Errorf("the same study got another folder, %s: %v", again.Dir, err)
		}
	})
}

// interruptSweep sends Ctrl-C during the first cell's training: the study stops with a checkpoint and says so.
func interruptSweep(t *testing.T, c *exec.Cmd, results string) {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	for sent := false; ; {
		select {
		case <-exited:
			if code := c.ProcessState.ExitCode(); code != 130 || !strings.Contains(stderr.String(), "0 of 4 cells are done; the same command goes on") {
				t.Fatalf("exit code %d after Ctrl-C:\n%s", code, stderr.String())
			}
			_, open := runFolders(t, results)
			if len(open) != 1 || runInfo(t, open[0]).Status != "interrupted" {
				t.Fatalf("open runs %v, want one, interrupted", open)
			}
			if last, err := os.ReadFile(filepath.Join(open[0], "checkpoints", "last")); err != nil || len(last) == 0 {
				t.Fatalf("no checkpoint: %v", err)
			}
			return
		case <-time.After(time.Millisecond):
		}
		if found, _ := filepath.Glob(filepath.Join(results, "*", "checkpoints", ".writing-*")); len(found) > 0 && !sent {
			sent = true
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func folderOf(t *testing.T, results, name string) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(results, "*-"+name+"-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%d folders of %s, want one", len(dirs), name)
	}
	return dirs[0]
}

// TestSweepGoesPastFailures: a failed cell does not stop the others, is named, is left alone by the next call, and is
// tried again on request.
func TestSweepGoesPastFailures(t *testing.T) {
	data := crashData(t)
	config, results := crashFolder(t, data)
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "Flickr8k.token.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(broken, "images"), os.DirFS(filepath.Join(data, "images"))); err != nil {
		t.Fatal(err)
	}
	study := writeStudy(t, config, "roots.toml", fmt.Sprintf(
		"extends = 'crash.toml'\ntraining.epochs = 1\n[study.cases.folder]\nbroken = { data.root = %q }\nwhole = { data.root = %q }\n", broken, data))
	sweep := func(retry bool) (*experiments.Study, error) {
		return experiments.Sweep(context.Background(), study, nil, experiments.SweepOptions{RetryFailed: retry})
	}
	check := func(s *experiments.Study, err error, plans ...string) {
		t.Helper()
		var failed *experiments.FailedCells
		if !errors.As(err, &failed) || len(failed.Cells) != 1 || failed.Cells[0].ID != "broken" || !strings.Contains(err.Error(), "1 of 2 cells") ||
			!strings.Contains(err.Error(), "is empty") {
			t.Fatalf("error %v", err)
		}
		for n, want := range [][2]string{{"failed", plans[0]}, {"done", plans[1]}} {
			if c := s.Cells[n]; c.Status != want[0] || c.Plan != want[1] {
				t.Errorf("cell %s is %s (%s), want %v", c.ID, c.Status, c.Plan, want)
			}
		}
	}
	s, err := sweep(false)
	check(s, err, "compute", "compute")
	markdown, err := os.ReadFile(filepath.Join(s.Dir, "study.md"))
	if err != nil || !strings.Contains(string(markdown), "- broken: failed: ") {
		t.Errorf("study.md doesn't name the failed cell: %v\n%s", err, markdown)
	}
	s, err = sweep(false)
	check(s, err, "failed before", "done already")
	s, err = sweep(true)
	check(s, err, "retry", "done already")

	token, err := os.ReadFile(filepath.Join(data, "Flickr8k.token.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "Flickr8k.token.txt"), token, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err = sweep(true)
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.Cells[0], s.Cells[1]
	if a.Status != "done" || a.Figures["validation_nats_per_character"] != b.Figures["validation_nats_per_character"] {
		t.Errorf("the mended cell is %s with %v, the same data gave %v", a.Status, a.Figures, b.Figures)
	}
	if done, open := runFolders(t, results); len(done) != 2 || len(open) != 0 {
		t.Errorf("%d runs done and %d open, want two and none", len(done), len(open))
	}
}

// TestSweepDecodesOneTraining: cells that differ in how captions are generated share one training, and have the captions of runs of
// their own. A training isn't gone on with where its data have changed since: the cell trains from zero.
func TestSweepDecodesOneTraining(t *testing.T) {
	data := crashData(t)
	config, _ := crashFolder(t, data)
	study := writeStudy(t, config, "decoding.toml", "extends = 'crash.toml'\ntraining.epochs = 2\n[study.axes]\ndecoding.method = ['greedy', 'beam']\n")
	s, err := experiments.Sweep(t.Context(), study, nil, experiments.SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	greedy, beam := s.Cells[0], s.Cells[1]
	if greedy.Plan != "compute" || beam.Plan != "take over the training" {
		t.Errorf("plans %q and %q", greedy.Plan, beam.Plan)
	}
	alone, err := experiments.Run(t.Context(), config, []string{"training.epochs=2", "decoding.method=beam"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	same := func(file string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(beam.Dir, file))
		want, errAlone := os.ReadFile(filepath.Join(alone.Dir, file))
		if err := errors.Join(err, errAlone); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from that of a run of its own", file)
		}
	}
	same("predictions/validation.jsonl")

	captions := filepath.Join(data, "Flickr8k.token.txt")
	text, err := os.ReadFile(captions)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(captions, append(text, "p00.jpg#9\tone more caption\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	s, err = experiments.Sweep(t.Context(), study, []string{"training.epochs=3"}, experiments.SweepOptions{Options: experiments.Options{Stderr: &said}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "that this run began with") || !strings.Contains(said.String(), "; it trains from zero") {
		t.Errorf("other captions: said\n%s", said.String())
	}
	longer := s.Cells[0]
	if c := runInfo(t, longer.Dir).Continues; c != "" || s.Cells[1].Status != "done" || runInfo(t, s.Cells[1].Dir).Continues != filepath.Base(longer.Dir) {
		t.Errorf("other captions: the first cell continues %q, the second is %+v", c, s.Cells[1])
	}
	alone, err = experiments.Run(t.Context(), config, []string{"training.epochs=3"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(runInfo(t, alone.Dir).Results, runInfo(t, longer.Dir).Results); diff != "" {
		t.Errorf("other captions (-a run of its own +the cell):\n%s", diff)
	}
}
