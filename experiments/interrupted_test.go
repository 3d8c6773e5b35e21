package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// plannedRun is the folder of a run that was interrupted before it began, alone in its results folder.
func plannedRun(t *testing.T) *runfolder.Folder {
	t.Helper()
	path, results := planFolder(t)
	s, err := newSweep(t.Context(), path, []string{"data.emojigram.images=20", "data.emojigram.size=64", "runtime.cache=" + t.TempDir()}, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fakeRun(t, results, s.study.Configs[0], runfolder.Interrupted, 1)
}

// TestInterruptedSaysWhy: an interruption is the context's error, too, and what failed while it came is not hidden.
func TestInterruptedSaysWhy(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	f := plannedRun(t)
	_, err := Resume(ctx, f.Dir, nil, Options{})
	if want := "interrupted\nrun folder: " + f.Dir; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	for _, is := range []error{ErrInterrupted, context.Canceled, enough} {
		if !errors.Is(err, is) {
			t.Errorf("%v is not %v", err, is)
		}
	}

	for _, test := range []struct {
		fails error
		want  string
	}{
		{fmt.Errorf("read a picture: %w", context.Canceled), "interrupted during features"},
		{enough, "interrupted during features"},
		{fmt.Errorf("write a row: %w", syscall.ENOSPC), "interrupted during features: write a row: " + syscall.ENOSPC.Error()},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		e := &experiment{folder: f}
		err := e.timed(ctx, "features", func(context.Context) error {
			cancel(enough)
			return test.fails
		})
		if err == nil || err.Error() != test.want || !errors.Is(err, ErrInterrupted) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestInterruptedStudy: the caller hears of the cell that begins and of its end, and finds the context's error.
func TestInterruptedStudy(t *testing.T) {
	path, _ := planFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	var heard []string
	s, err := Sweep(ctx, path, nil, SweepOptions{Cell: func(c StudyCell) {
		cancel()
		if _, err := os.Stat(c.Dir); err != nil {
			t.Error(err)
		}
		heard = append(heard, c.ID+" "+c.Status)
	}})
	if !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.Canceled) || s == nil {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"epochs5-s1 running", "epochs5-s1 interrupted"}, heard); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTimeLeft: what is done counts no longer, whatever was planned; of a study that was only read nothing is known until it is done.
func TestTimeLeft(t *testing.T) {
	done := StudyCell{Status: "done", Plan: planCompute, Estimate: 50}
	for _, test := range []struct {
		reason string
		cells  []StudyCell
		left   int
		known  bool
	}{
		{"planned", []StudyCell{{Status: "pending", Plan: planCompute, Estimate: 10}, {Status: "interrupted", Plan: planResume}}, 20, true},
		{"after Sweep", []StudyCell{done, {Status: "failed", Plan: planCompute, Estimate: 10}}, 0, true},
		{"stopped in between", []StudyCell{done, {Status: "interrupted", Plan: planCompute, Estimate: 10}}, 10, true},
		{"read", []StudyCell{{Status: "done"}, {Status: "pending"}}, 0, false},
		{"read, done", []StudyCell{{Status: "done"}}, 0, true},
	} {
		s := &Study{Cells: test.cells}
		if left, known := s.TimeLeft(); int(left) != test.left || known != test.known {
			t.Errorf("%s: %d, %v, want %d, %v", test.reason, left, known, test.left, test.known)
		}
	}
}

// TestByName: runs and studies of the default results folder are found by parts of their names, and what isn't there is fs.ErrNotExist.
func TestByName(t *testing.T) {
	f := plannedRun(t)
	results := filepath.Dir(f.Dir)
	t.Chdir(filepath.Dir(results)) // no checkout: results here is the default
	if _, err := study.Create(results, &study.Ledger{Name: "tokens", Hash: "0123456789abcdef", Cells: []study.Cell{{ID: "a", Status: study.Pending}}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokens", "last"} {
		if s, err := OpenStudy(name); err != nil || s.Name != "tokens" {
			t.Errorf("%s: study %v, error %v", name, s, err)
		}
	}
	if all, err := Studies(""); err != nil || len(all) != 1 || len(all[0].Cells) != 1 {
		t.Errorf("studies %v, error %v", all, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	const noVocabulary = "the run has no vocabulary"
	for what, open := range map[string]struct {
		do   func(run string) error
		want string // of a run's error that is found
	}{
		"Resume":        {func(run string) error { _, err := Resume(stopped, run, nil, Options{}); return err }, "interrupted"},
		"OpenCaptioner": {func(run string) error { _, err := OpenCaptioner(stopped, run, nil, Options{}); return err }, noVocabulary},
		"CaptionFiles": {func(run string) error {
			_, err := CaptionFiles(stopped, run, []string{"plan.toml"}, nil, Options{})
			return err
		}, noVocabulary},
		"Tokenize": {func(run string) error { _, err := Tokenize(stopped, run, nil, nil, nil); return err }, noVocabulary},
	} {
		if err := open.do("last"); err == nil || !strings.Contains(err.Error(), open.want) {
			t.Errorf("%s: error %v, want %q", what, err, open.want)
		}
		if err := open.do("none"); err == nil || what != "Tokenize" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of no run: error %v", what, err)
		}
	}
	for _, gone := range []string{"none", filepath.Join(results, "none")} {
		if _, err := OpenStudy(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("OpenStudy(%s): error %v", gone, err)
		}
		if _, err := OpenRun("", gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("OpenRun(%s): error %v", gone, err)
		}
	}
	if _, err := OpenRun("empty", "last"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no runs at all: error %v", err)
	}
}

// TestDoneStaysDone: a finished run is finished whatever ends its resumption, and the work of who finished it until another goes on.
func TestDoneStaysDone(t *testing.T) {
	f := plannedRun(t)
	finished := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := f.Update(func(i *runfolder.Info) {
		i.Status, i.Finished, i.Hashes["data"] = runfolder.Done, finished, "others"
		i.Process, i.Stages = runfolder.Process{GitCommit: "old", GoVersion: "go1.26"}, []runfolder.Stage{{Name: "data"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for what, resume := range map[string]func() error{
		"interrupted": func() error { _, err := Resume(stopped, f.Dir, nil, Options{}); return err },
		"failed":      func() error { _, err := Resume(t.Context(), f.Dir, nil, Options{}); return err },
		"killed": func() error {
			c, err := ownConfig(f)
			if err != nil {
				return err
			}
			e, err := newExperiment(f, c, Options{})
			if err != nil {
				return err
			}
			e.close()
			return ErrInterrupted
		},
	} {
		if err := resume(); err == nil || errors.Is(err, ErrInterrupted) == (what == "failed") {
			t.Errorf("%s: error %v", what, err)
		}
		if i, err := f.Info(); err != nil || i.Status != runfolder.Done || i.Error != "" || !i.Finished.Equal(finished) {
			t.Errorf("%s: the run is %s, %q, finished %v (%v)", what, i.Status, i.Error, i.Finished, err)
		} else if i.GitCommit != "old" || i.Earlier != nil || i.Resumed != nil {
			t.Errorf("%s: run.json takes a process that did nothing for the run's: %+v, before it %+v", what, i.Process, i.Earlier)
		}
	}
	c, err := ownConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newExperiment(f, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if err := e.stampFinished(); err != nil { // as after what the run is made from turned out to be the same
		t.Fatal(err)
	}
	if i, err := f.Info(); err != nil || len(i.Earlier) != 1 || i.Earlier[0].GitCommit != "old" || len(i.Resumed) != 1 {
		t.Errorf("resumed in earnest: before it %+v, resumed %v (%v)", i.Earlier, i.Resumed, err)
	}
}

// TestResumeOfAnEditedConfig: a run whose resolved config was edited does not go on; one of an earlier version does, with a note.
func TestResumeOfAnEditedConfig(t *testing.T) {
	f := plannedRun(t)
	path := f.Path(runfolder.ResolvedFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "learning_rate = 0.001", "learning_rate = 0.5", 1)
	earlier := strings.Replace(edited, "\nrecurrent_initializer = ", "\n# ", 1)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		reason, config, want, log string
	}{
		{"edited", edited, "config.resolved.toml was edited after the run began", ""},
		{"edited, of an earlier version", earlier, "interrupted", "note: config.resolved.toml: its hash is "},
		{"as it was", string(text), "interrupted", ""},
	} {
		if err := os.WriteFile(path, []byte(test.config), 0o644); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		if _, err := Resume(stopped, f.Dir, nil, Options{Stderr: &log}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.reason, err, test.want)
		}
		if !strings.Contains(log.String(), test.log) || test.log == "" && strings.Contains(log.String(), "note:") {
			t.Errorf("%s: said\n%s", test.reason, log.String())
		}
	}
	// Killed while the overrides of a resumption were written, after the hash and before the config.
	const moved = "encoder.sources=hub"
	c, err := ownConfig(f, moved)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Update(func(i *runfolder.Info) { i.ConfigHash = c.Hash }); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(stopped, f.Dir, []string{moved}, Options{}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("by the same overrides: error %v", err)
	}
}

// TestLongWarmup: a warm-up that lasts longer than the training is said, counted in updates.
func TestLongWarmup(t *testing.T) {
	s := train.Settings{Epochs: 2, Accumulate: 3, WarmupSteps: 8, LearningRate: 0.01} // 10 batches make 4 updates
	if got := longWarmup(s, 10); got != "" {
		t.Errorf("as long as the training: %s", got)
	}
	s.WarmupSteps = 16
	want := "training.warmup_steps = 16, but 2 epochs of cross-entropy have 8 updates: the learning rate never reaches training.learning_rate = 0.01"
	if got := longWarmup(s, 10); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestVocabularyOfARun: a resumed run takes its vocabulary for its own only where it is, and captions without a token are said.
func TestVocabularyOfARun(t *testing.T) {
	var said strings.Builder
	e := &experiment{folder: plannedRun(t), out: &said, splits: []string{dataset.Train}, data: &dataset.Dataset{
		Examples: []dataset.Example{{Captions: []dataset.Caption{{Text: "a dog"}, {Text: "🐶 …"}, {Text: "a cat a cat"}}}}, Splits: map[string][]int{dataset.Train: {0}},
	}}
	e.config.Text.Tokenizer, e.config.Text.Unit, e.config.Text.MinCount = "word", "grapheme", 1
	e.config.Text.Words = token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}
	if err := e.tokenize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "warning: 1 of 3 training captions have no token by text.tokenizer = \"word\""; !strings.Contains(said.String(), want) {
		t.Errorf("said %q, want %q", said.String(), want)
	}
	if err := e.tokenize(t.Context()); err != nil {
		t.Errorf("the same vocabulary: %v", err)
	}
	text, err := os.ReadFile(e.folder.Path("vocab.json"))
	if err != nil {
		t.Fatal(err)
	}
	swapped := strings.NewReplacer(`"dog"`, `"cat"`, `"cat"`, `"dog"`).Replace(string(text))
	if err := e.folder.WriteFile("vocab.json", []byte(swapped)); err != nil {
		t.Fatal(err)
	}
	if err := e.tokenize(t.Context()); err == nil || !strings.Contains(err.Error(), "vocab.json is not the vocabulary that this run began with") {
		t.Errorf("two tokens swapped: error %v", err)
	}
	if err := e.folder.Update(func(i *runfolder.Info) { delete(i.Hashes, "vocabulary") }); err != nil { // as an earlier version left it
		t.Fatal(err)
	}
	if err := e.tokenize(t.Context()); err != nil {
		t.Errorf("a run without the hash: %v", err)
	}
}

// TestResumeRefuses: a resumed run takes no key that changes what it computes, and one whose new data are others keeps its config.
func TestResumeRefuses(t *testing.T) {
	f := plannedRun(t)
	for _, override := range []string{"training.epochs=3", "runtime.device=cpu", "data.limit=3"} {
		if _, err := Resume(t.Context(), f.Dir, []string{override}, Options{}); err == nil || !strings.Contains(err.Error(), override) || !strings.Contains(err.Error(), "data.root, ") {
			t.Errorf("%s: error %v", override, err)
		}
	}
	if err := f.Update(func(i *runfolder.Info) { i.Hashes["data"] = "others" }); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(f.Path(runfolder.ResolvedFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(t.Context(), f.Dir, []string{"runtime.cache=" + t.TempDir()}, Options{}); err == nil || !strings.Contains(err.Error(), "not the one that this run began with") {
		t.Errorf("other data: error %v", err)
	}
	after, err := os.ReadFile(f.Path(runfolder.ResolvedFile))
	if err != nil || string(after) != string(before) {
		t.Errorf("the config changed (%v):\n%s", err, cmp.Diff(string(before), string(after)))
	}
	if unlock, err := f.Lock(); err != nil {
		t.Fatal(err)
	} else {
		defer unlock()
	}
	if _, err := Resume(t.Context(), f.Dir, nil, Options{}); !errors.Is(err, ErrInProgress) {
		t.Errorf("a run in progress: error %v", err)
	}
}
