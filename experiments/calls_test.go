package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/captionlab/captionlab/internal/compare/comparetest"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
)

// TestEpochPanics: a panic of the caller's function is none of ours, and its cause is found.
func TestEpochPanics(t *testing.T) {
	for _, value := range []any{"no room", fmt.Errorf("write: %w", syscall.ENOSPC)} {
		epoch := callersOwn(func(Epoch) { panic(value) })
		err := recovered(func() error { epoch(Epoch{}); return nil })
		if want := fmt.Sprintf("Options.Epoch panicked: %v", value); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		if cause, ok := value.(error); ok && !errors.Is(err, cause) {
			t.Errorf("%v is not %v", err, cause)
		}
	}
	if err := recovered(func() error { panic("shapes differ") }); err == nil || !strings.HasPrefix(err.Error(), "internal error, ") {
		t.Errorf("our own panic: error %v", err)
	}
	if callersOwn(nil) != nil {
		t.Error("no function became one")
	}
}

// TestNilContext: a run without a context ends as it would with one.
func TestNilContext(t *testing.T) {
	f := plannedRun(t)
	if err := f.WriteFile("vocab.json", []byte("{")); err != nil { // ends it early
		t.Fatal(err)
	}
	var none context.Context
	_, err := Resume(none, f.Dir, nil, Options{})
	info, readErr := f.Info()
	if err == nil || !strings.Contains(err.Error(), "vocabulary") || strings.Contains(err.Error(), "internal error") || readErr != nil || info.Status != runfolder.Failed {
		t.Errorf("error %v; the run is %s (%v)", err, info.Status, readErr)
	}
}

// TestSweepNilContext: so does a study without one.
func TestSweepNilContext(t *testing.T) {
	path, results := planFolder(t)
	overrides := []string{"data.emojigram.images=20", "data.emojigram.size=64", "runtime.cache=" + t.TempDir()}
	s := planned(t, path, overrides...)
	for n, c := range s.study.Configs {
		if s.study.Cells[n].ID != "epochs5-s1" {
			fakeRun(t, results, c, runfolder.Done, 1)
		} else if err := fakeRun(t, results, c, runfolder.Interrupted, 1).WriteFile("vocab.json", []byte("{")); err != nil { // ends it early
			t.Fatal(err)
		}
	}
	var none context.Context
	_, err := Sweep(none, path, overrides, SweepOptions{})
	var failed *FailedCells
	if !errors.As(err, &failed) || len(failed.Cells) != 1 || !strings.Contains(failed.Cells[0].Error, "vocabulary") {
		t.Errorf("error %v", err)
	}
}

// TestRunErrors: whatever goes wrong once there is a run folder says which.
func TestRunErrors(t *testing.T) {
	wantRunError := func(f *runfolder.Folder, cause error) {
		t.Helper()
		_, err := Resume(t.Context(), f.Dir, nil, Options{})
		var run *RunError
		if !errors.As(err, &run) || run.Dir != f.Dir || !errors.Is(err, cause) {
			t.Errorf("error %v, want one of %s that is %v", err, f.Dir, cause)
		}
	}
	f := plannedRun(t)
	if err := os.Mkdir(f.Path("log.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantRunError(f, syscall.EISDIR)
	unlock, err := f.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	wantRunError(f, ErrInProgress)
}

// TestBytesOfARunInProgress: what the run removes while its folder is measured is not in the way.
func TestBytesOfARunInProgress(t *testing.T) {
	f := plannedRun(t)
	r, err := OpenRun("", f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	done, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for step := 0; err == nil; step++ {
			select {
			case <-done:
				stopped <- nil
				return
			default:
			}
			dir := f.Path("checkpoints", fmt.Sprintf("step-%d", step))
			err = os.MkdirAll(dir, 0o755)
			for n := range 20 {
				err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), nil, 0o644))
			}
			err = errors.Join(err, os.RemoveAll(dir))
		}
		stopped <- err
	}()
	for range 2000 {
		if size, err := r.Bytes(); err != nil || size == 0 {
			t.Errorf("%d bytes, error %v", size, err)
			break
		}
	}
	close(done)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestSecondProfile: where a profile is being taken, a run that wants one doesn't begin.
func TestSecondProfile(t *testing.T) {
	f := plannedRun(t)
	if err := pprof.StartCPUProfile(&bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	dir := t.TempDir()
	path, results := filepath.Join(dir, "x.toml"), filepath.Join(dir, "results")
	if err := os.WriteFile(path, fmt.Appendf(nil, "runtime.results = %q\n", results), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), path, nil, Options{Profile: true})
	if _, missing := os.Stat(results); err == nil || !strings.Contains(err.Error(), "profile") || missing == nil {
		t.Errorf("Run: error %v; its folder is there: %v", err, missing == nil)
	}
	_, err = Resume(t.Context(), f.Dir, nil, Options{Profile: true})
	if info, readErr := f.Info(); err == nil || !strings.Contains(err.Error(), "profile") || readErr != nil || info.Status != runfolder.Interrupted {
		t.Errorf("Resume: error %v; the run is %s (%v)", err, info.Status, readErr)
	}
}

// TestCancelledBefore: what only looks hears of its context, too.
func TestCancelledBefore(t *testing.T) {
	f := plannedRun(t)
	c, err := ownConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := token.Train(c.Config.Text.Settings, slices.Values([]string{"a dog"}))
	if err != nil {
		t.Fatal(err)
	}
	var vocabulary bytes.Buffer
	if err := tokenizer.Save(&vocabulary); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile("vocab.json", vocabulary.Bytes()); err != nil {
		t.Fatal(err)
	}
	config := f.Path(runfolder.ResolvedFile)
	if _, err := Tokenize(t.Context(), config, nil, nil, nil); err != nil { // so that the data are at hand
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Doctor":             func() error { _, err := Doctor(ctx); return err },
		"Tokenize, a config": func() error { _, err := Tokenize(ctx, config, nil, nil, nil); return err },
		"Tokenize, a run":    func() error { _, err := Tokenize(ctx, f.Dir, nil, []string{"a"}, nil); return err },
		"Summary":            func() error { _, err := Summary(ctx, config, nil, 100, nil); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestRefusedArguments: what can't be meant is refused before anything is written, in the words of this package.
func TestRefusedArguments(t *testing.T) {
	results := t.TempDir()
	comparetest.Make(t, results, comparetest.Run{Name: "first", Seed: 1, Right: 0.5})
	comparetest.Make(t, results, comparetest.Run{Name: "second", Seed: 2, Right: 0.5})
	runs, err := Runs(results)
	if err != nil {
		t.Fatal(err)
	}
	here, config := t.TempDir(), filepath.Join(t.TempDir(), "x.toml")
	vectors := filepath.Join(filepath.Dir(config), "vectors.txt")
	text := fmt.Sprintf("text.tokenizer = 'word'\ndecoder.vectors = %q\ndecoder.embedding = 2\n", vectors)
	if err := errors.Join(os.WriteFile(vectors, []byte("dog 1 2\n"), 0o644), os.WriteFile(config, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	for _, test := range []struct {
		want string
		call func() error
	}{
		{"bootstrap: Resamples is -4; expected at least 1, or 0 for 1,000", func() error {
			_, err := Compare(t.Context(), []string{runs[0].Dir, runs[1].Dir}, CompareOptions{Resamples: -4})
			return err
		}},
		{"bootstrap: Resamples is -1; expected at least 1, or 0 for none", func() error {
			_, err := ScoreFiles(t.Context(), ScoreOptions{References: "none", Candidates: "none", Resamples: -1})
			return err
		}},
		{"MLflow store: expected a folder, got an empty path", func() error { _, err := ExportMLflow(t.Context(), runs, "", ""); return err }},
		{"export of " + runs[0].Folder + ": expected a folder to write below, got an empty path", func() error {
			_, err := ExportInputs(t.Context(), runs[0], "", Options{})
			return err
		}},
		{"weights zz: the layers of vgg16 come from no file; only those of onnx do", func() error { _, err := EncoderSummary("vgg16", "zz", false); return err }},
		{"vocabulary 100: how many tokens have a word vector depends on the tokens; with decoder.vectors expected 0", func() error {
			_, err := Summary(t.Context(), config, nil, 100, nil)
			return err
		}},
		{filepath.Dir(config) + " is there and holds no inputs.json: it is not replaced; name another folder", func() error { return replaceable(filepath.Dir(config)) }},
		{"training.epochs=5: a run goes on as it began", func() error {
			_, err := Resume(t.Context(), runs[0].Dir, []string{"training.epochs=5"}, Options{})
			return err
		}},
	} {
		if err := test.call(); err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "--") {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if entries, err := os.ReadDir(here); err != nil || len(entries) > 0 {
		t.Errorf("the working folder has %v (%v)", entries, err)
	}
}
