package experiments

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

// planFolder holds a study of six cells and a results folder of its own.
func planFolder(t *testing.T) (path, results string) {
	t.Helper()
	dir := t.TempDir()
	results = filepath.Join(dir, "results")
	path = filepath.Join(dir, "plan.toml")
	text := fmt.Sprintf("runtime.results = %q\nencoder.layer = 'block5_pool'\nencoder.pooling = 'avg'\nencoder.sources = ['pypi']\n"+
		"[study]\nseeds = [1, 2]\n[study.axes]\ntraining.epochs = [20, 5, 10]\n", results)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, results
}

// TestPlanOfDecodings: one cell trains for all that differ in decoding and evaluation alone, and what differs in vain is said.
func TestPlanOfDecodings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.toml")
	text := fmt.Sprintf("runtime.results = %q\nencoder.layer = 'block5_pool'\nencoder.pooling = 'avg'\nencoder.sources = ['pypi']\ntraining.schedule = 'cosine'\ndecoder.reset_after = false\ndecoding.top_k = 3\n"+
		"[study]\n[study.axes]\ndecoding.method = ['greedy', 'beam']\ndecoding.beam_width = [1, 5]\nevaluation.references = ['raw', 'cleaned']\n", t.TempDir())
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := newSweep(t.Context(), path, nil, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range s.jobs {
		got = append(got, fmt.Sprintf("%s, wave %d", j.plan, j.wave))
	}
	// Raw and cleaned references are two trainings: training.select would go by them.
	want := []string{"compute, wave 0", "compute, wave 0"}
	for range 6 {
		want = append(want, "take over the training, wave 1")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	notes := []string{
		`decoder.reset_after: has no effect beside decoder.name = "lstm"`,
		`decoding.beam_width: has no effect beside decoding.method = "greedy", in 4 of 8 cells`,
		`decoding.top_k: has no effect beside decoding.method = "beam", in 4 of 8 cells`,
		`decoding.top_k: has no effect beside decoding.method = "greedy", in 4 of 8 cells`,
	}
	if diff := cmp.Diff(notes, s.result().Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// fakeRun leaves the folder of a run that computed nothing: a cell's config, a status, seconds an epoch.
func fakeRun(t *testing.T, results string, c *config.Loaded, status runfolder.Status, perEpoch float64) *runfolder.Folder {
	t.Helper()
	f, err := runfolder.Create(results, c.Config.Experiment.Name, c.Hash, c.Given, c.Resolved)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := f.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for n := range c.Config.Training.TotalEpochs() {
		if err := f.AppendEpoch(runfolder.Epoch{Epoch: n + 1, TotalSeconds: perEpoch * float64(n+1)}); err != nil {
			t.Fatal(err)
		}
	}
	if status == runfolder.Done {
		fakeCheckpoint(t, f, fmt.Sprintf("step-%08d-epoch-%04d", 10*c.Config.Training.Epochs, c.Config.Training.Epochs))
	}
	here := runfolder.Provenance(t.Context())
	err = f.Update(func(i *runfolder.Info) {
		i.Stamp(here)
		i.Status, i.Results = status, runfolder.Values{"validation_nats_per_character": 0.5}
		i.Stages = []runfolder.Stage{{Name: "features", Seconds: 1000}, {Name: "training", Seconds: 999}, {Name: "captions", Seconds: 7}}
		if status == runfolder.Failed {
			i.Error = "no room on disk"
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fakeCheckpoint leaves what is looked at of a checkpoint before it is read.
func fakeCheckpoint(t *testing.T, f *runfolder.Folder, name string) {
	t.Helper()
	for file, text := range map[string]string{name + "/state.json": "{}", "last": name + "\n"} {
		if err := f.WriteFile(checkpointsDir+"/"+file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func plans(s *sweep) (lines []string) {
	for n, j := range s.jobs {
		lines = append(lines, fmt.Sprintf("%s: %s, wave %d, %s", s.study.Cells[n].ID, j.plan, j.wave, j.estimate.Round(time.Second)))
	}
	return lines
}

// TestPlan: what is done with each cell, in which order, and how long it may take, as runs of every kind lie around.
func TestPlan(t *testing.T) {
	path, results := planFolder(t)
	load := func(o SweepOptions) *sweep {
		t.Helper()
		s, err := newSweep(t.Context(), path, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	check := func(reason string, s *sweep, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, plans(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
	s := load(SweepOptions{})
	check("nothing is there: the longer cells wait for the shorter", s,
		"epochs20-s1: go on after epoch 10, wave 2, 0s", "epochs20-s2: go on after epoch 10, wave 2, 0s",
		"epochs5-s1: compute, wave 0, 0s", "epochs5-s2: compute, wave 0, 0s",
		"epochs10-s1: go on after epoch 5, wave 1, 0s", "epochs10-s2: go on after epoch 5, wave 1, 0s")
	var order []string
	for _, wave := range s.waves() {
		for _, j := range wave {
			order = append(order, s.study.Cells[j.at].ID)
		}
	}
	if got, want := strings.Join(order, " "), "epochs5-s1 epochs5-s2 epochs10-s1 epochs10-s2 epochs20-s1 epochs20-s2"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if _, known := s.result().TimeLeft(); known {
		t.Error("a time is known before anything was run")
	}

	cell := func(id string) *config.Loaded {
		for n, c := range s.study.Cells {
			if c.ID == id {
				return s.study.Configs[n]
			}
		}
		t.Fatalf("no cell %s", id)
		return nil
	}
	fakeRun(t, results, cell("epochs10-s1"), runfolder.Done, 2)
	killed := fakeRun(t, results, cell("epochs5-s2"), runfolder.Running, 2) // its lock is gone
	fakeRun(t, results, cell("epochs10-s2"), runfolder.Failed, 2)           // by itself: this study hasn't tried it
	s = load(SweepOptions{})
	// 10 epochs of seed 1 took 2 s each and 7 s besides; features are cached by now.
	check("a finished run, a killed one and a failed one", s,
		"epochs20-s1: go on after epoch 10, wave 0, 27s", "epochs20-s2: go on after epoch 10, wave 2, 27s",
		"epochs5-s1: compute, wave 0, 17s", "epochs5-s2: resume, wave 0, 7s",
		"epochs10-s1: done already, wave 0, 0s", "epochs10-s2: resume, wave 1, 7s")
	if s.jobs[3].dir != killed.Dir {
		t.Errorf("the killed run is resumed in %s, want %s", s.jobs[3].dir, killed.Dir)
	}
	if left, known := s.result().TimeLeft(); !known || math.Abs(left.Seconds()-(27+27+17+7+7)) > 0.1 {
		t.Errorf("time left %s, %v", left, known)
	}
	if done := s.result().Cells[4]; done.Status != "done" || done.Figures["validation_nats_per_character"] != 0.5 || done.Seconds != 2006 {
		t.Errorf("the finished cell %+v", done)
	}

	// The study itself has tried a cell, and it failed.
	unlock, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ended(s.jobs[2], "", fmt.Errorf("no such picture")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.open(); err == nil || !strings.Contains(err.Error(), "in progress") {
		t.Errorf("a study was begun twice: %v", err)
	}
	unlock()
	s = load(SweepOptions{})
	if j, c := s.jobs[2], s.study.Cells[2]; j.todo || j.plan != planFailed || c.Status != runfolder.Failed || c.Error != "no such picture" {
		t.Errorf("a failed cell is %+v, %+v", j, c)
	}
	if s = load(SweepOptions{RetryFailed: true}); !s.jobs[2].todo || s.jobs[2].plan != planRetry {
		t.Errorf("a failed cell on request is %+v", s.jobs[2])
	}

	// Somebody else is at work on a cell.
	busy, err := killed.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer busy()
	if s = load(SweepOptions{}); s.jobs[3].todo || s.jobs[3].plan != planBusy || s.study.Cells[3].Status != study.Pending {
		t.Errorf("a cell in progress elsewhere is %+v", s.jobs[3])
	}
}

// TestSelfCriticalPlan: the epochs of self-critical training are among those that are left, and those that a donor has.
func TestSelfCriticalPlan(t *testing.T) {
	path, results := planFolder(t)
	plan := func(more ...string) *sweep {
		t.Helper()
		overrides := append([]string{"training.scst_epochs=4", "training.scst_learning_rate=0.001", "training.select=cider_d"}, more...)
		s, err := newSweep(t.Context(), path, overrides, SweepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := plan()
	for n, c := range s.study.Cells {
		if c.ID == "epochs10-s1" {
			fakeRun(t, results, s.study.Configs[n], runfolder.Done, 2)
		}
	}
	want := []string{"epochs20-s1: compute, wave 0, 55s", "epochs20-s2: compute, wave 0, 55s", "epochs5-s1: compute, wave 0, 25s", "epochs5-s2: compute, wave 0, 25s",
		"epochs10-s1: done already, wave 0, 0s", "epochs10-s2: compute, wave 0, 35s"}
	if diff := cmp.Diff(want, plans(plan())); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	if got := plans(plan("decoding.max_length=7"))[4]; got != "epochs10-s1: "+planShare+", wave 0, 0s" {
		t.Errorf("decoded in another way: %s", got)
	}
}

// TestDonor: a run goes on only from one of the same program that has its last checkpoint, the longest that is shorter.
func TestDonor(t *testing.T) {
	path, results := planFolder(t)
	s, err := newSweep(t.Context(), path, nil, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	five, ten := s.study.Configs[2], s.study.Configs[4]
	shorter := fakeRun(t, results, five, runfolder.Done, 1)
	other := fakeRun(t, results, ten, runfolder.Done, 1)
	donor := func() int {
		t.Helper()
		x, err := indexRuns(results)
		if err != nil {
			t.Fatal(err)
		}
		if d := x.donor(s.study.Configs[0], runfolder.Provenance(t.Context())); d != nil {
			return d.epochs()
		}
		return 0
	}
	if got := donor(); got != 10 {
		t.Errorf("goes on after epoch %d, want 10", got)
	}
	for what, change := range map[string]func(*runfolder.Info){
		"is another program's":               func(i *runfolder.Info) { i.GitCommit = "another" },
		"was resumed from another program's": func(i *runfolder.Info) { i.Earlier = []runfolder.Process{{GitCommit: "another"}} },
	} {
		before, err := other.Info()
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Update(change); err != nil {
			t.Fatal(err)
		}
		if got := donor(); got != 5 {
			t.Errorf("goes on after epoch %d, want 5: the longer run %s", got, what)
		}
		if err := other.Update(func(i *runfolder.Info) { *i = before }); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(other.Dir); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"step-00000050-epoch-0005", "last", ""} {
		if err := os.RemoveAll(shorter.Path(checkpointsDir, gone)); err != nil {
			t.Fatal(err)
		}
		if got := donor(); got != 0 {
			t.Errorf("goes on after epoch %d, though checkpoints/%s was removed", got, gone)
		}
	}
}

// TestOpenStudyAsItStands: whatever way leads to the study's folder, its cells are found, and a cell that ran when whoever kept the ledger
// was killed has its run's status.
func TestOpenStudyAsItStands(t *testing.T) {
	path, results := planFolder(t)
	s, err := newSweep(t.Context(), path, nil, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	run := fakeRun(t, results, s.study.Configs[2], runfolder.Done, 1)
	unlock, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	s.study.Cells[2].Run, s.study.Cells[2].Status = s.relative(run.Dir), runfolder.Running
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	unlock()
	if dirs, err := study.List(results); err != nil || len(dirs) != 1 {
		t.Errorf("study folders %v, error %v", dirs, err)
	}
	t.Chdir(s.dir)
	for _, dir := range []string{s.dir, s.dir + "/", ".", "../" + filepath.Base(s.dir)} {
		opened, err := OpenStudy(dir)
		if err != nil {
			t.Fatal(err)
		}
		c := opened.Cells[2]
		there, err := os.Stat(c.Dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if stat, err := os.Stat(run.Dir); err != nil || !os.SameFile(stat, there) || c.Status != "done" || c.Seconds != 2006 || len(c.Figures) != 1 {
			t.Errorf("%s: the cell is %+v, error %v", dir, c, err)
		}
		if g := opened.Groups(); g[1].Done != 1 {
			t.Errorf("%s: groups %+v", dir, g)
		}
	}
}

// TestCellsAreTheCallers: who changes a cell that he was given changes nothing of the study.
func TestCellsAreTheCallers(t *testing.T) {
	path, results := planFolder(t)
	fakeRun(t, results, planned(t, path).cell(t, "epochs20-s1").config, runfolder.Done, 1)
	s := planned(t, path)
	given, want := s.result().Cells[0], s.result().Cells[0]
	if given.ID != "epochs20-s1" || len(given.Settings) == 0 || len(given.Figures) == 0 {
		t.Fatalf("cell %+v", given)
	}
	clear(given.Settings)
	clear(given.Figures)
	if diff := cmp.Diff(want, s.result().Cells[0]); diff != "" || len(want.Settings) == 0 || len(want.Figures) == 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
