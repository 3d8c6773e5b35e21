package experiments_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/compare/comparetest"
	"github.com/captionlab/captionlab/internal/study"
)

// TestFinishedRuns: what notebooks read of finished runs.
func TestFinishedRuns(t *testing.T) {
	results := t.TempDir()
	first := comparetest.Make(t, results, comparetest.Run{Name: "first", Seed: 1, Right: 0.5})
	comparetest.Make(t, results, comparetest.Run{Name: "second", Seed: 2, Right: 0.5, Epochs: 5})
	runs, err := experiments.Runs(results)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[0].Name != "first" || runs[1].Name != "second" || runs[0].Dir != first.Dir {
		t.Fatalf("runs %v", runs)
	}
	r, err := experiments.OpenRun(results, "last")
	if err != nil {
		t.Fatal(err)
	}
	curve, err := r.Curve()
	if err != nil || len(curve) != 5 || curve[4].ValidationNatsPerCharacter >= curve[0].ValidationNatsPerCharacter {
		t.Errorf("curve %v (%v)", curve, err)
	}
	predictions, err := r.Predictions("validation")
	if err != nil || len(predictions) != 60 || len(predictions[0].ScoredReferences) != 2 {
		t.Errorf("%d predictions (%v)", len(predictions), err)
	}
	if _, err := r.Predictions("test"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a split without captions: %v", err)
	}
	if _, err := r.Scores("validation"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a split without scores: %v", err)
	}
	config, err := r.Config()
	if err != nil {
		t.Fatal(err)
	}
	if epochs := config["training"].(map[string]any)["epochs"]; epochs != int64(5) {
		t.Errorf("training.epochs is %v", epochs)
	}
	settings, err := r.Settings()
	if err != nil || settings["training.epochs"] != "5" || settings["decoder.units"] != "256" {
		t.Errorf("settings %v (%v)", settings, err)
	}
	if r.Seconds() != 302 || r.Results["validation_nats_per_character"] != 1 || r.Report() != "" {
		t.Errorf("%g s, %v, report %q", r.Seconds(), r.Results, r.Report())
	}
	if size, err := r.Bytes(); err != nil || size < 1000 {
		t.Errorf("%d bytes (%v)", size, err)
	}
	d, err := experiments.DiffRuns(runs[0], runs[1])
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, c := range d.Config {
		keys = append(keys, c.Name)
	}
	if want := []string{"evaluation.gallery", "experiment.name", "training.epochs", "training.seed"}; !slices.Equal(keys, want) {
		t.Errorf("keys that differ: %v, want %v", keys, want)
	}
	if len(d.Environment) != 0 || len(d.Figures) != 3 {
		t.Errorf("environment %v, figures %v", d.Environment, d.Figures)
	}
}

// TestRelativePredictions: earlier versions wrote pictures' paths as the command had them, which mostly ran in the checkout.
func TestRelativePredictions(t *testing.T) {
	folder := comparetest.Make(t, t.TempDir(), comparetest.Run{})
	if err := folder.WritePredictions("validation", []experiments.Prediction{{ImageID: "a", Path: "configs/baseline.toml"}}); err != nil {
		t.Fatal(err)
	}
	r, err := experiments.OpenRun("", folder.Dir)
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := r.Predictions("validation")
	if want := filepath.Join(experiments.Root(), "configs", "baseline.toml"); err != nil || len(predictions) != 1 || predictions[0].Path != want {
		t.Errorf("predictions %v (%v), want the path %s", predictions, err, want)
	}
}

// TestCompareAStudy: a study's runs by its folder, written beside its ledger; another run may stand beside them.
func TestCompareAStudy(t *testing.T) {
	results := t.TempDir()
	ledger := &study.Ledger{Name: "tokens", Description: "which tokens?", Hash: "0123456789abcdef"}
	for _, tokenizer := range []string{"char", "word"} {
		for seed := range int64(2) {
			f := comparetest.Make(t, results, comparetest.Run{Name: "tokens", Tokenizer: tokenizer, Seed: seed, Right: 0.5})
			ledger.Cells = append(ledger.Cells, study.Cell{ID: filepath.Base(f.Dir), Run: filepath.Base(f.Dir), Status: "done"})
		}
	}
	ledger.Cells = append(ledger.Cells, study.Cell{ID: "later", Status: study.Pending})
	dir, err := study.Create(results, ledger)
	if err != nil {
		t.Fatal(err)
	}
	single := comparetest.Make(t, results, comparetest.Run{Name: "single", Right: 0.5, Epochs: 9})

	c, err := experiments.Compare(context.Background(), []string{dir}, experiments.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Title != "tokens" || c.Description != "which tokens?" || len(c.Groups) != 2 || len(c.Groups[1].Runs) != 2 {
		t.Errorf("%q, %q, %d groups", c.Title, c.Description, len(c.Groups))
	}
	page, err := c.Write("")
	if err != nil || page != filepath.Join(dir, "comparison.html") {
		t.Errorf("page %q (%v)", page, err)
	}
	if _, err := os.Stat(page); err != nil {
		t.Error(err)
	}
	// Asked for otherwise, it has a page of its own, the same whatever the baseline is called by.
	for _, baseline := range []string{filepath.Base(ledger.Cells[3].Run), filepath.Join(results, ledger.Cells[3].Run)} {
		c, err := experiments.Compare(context.Background(), []string{dir}, experiments.CompareOptions{Results: results, Resamples: 50, Baseline: baseline})
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Write("")
		want := "-against-" + filepath.Base(ledger.Cells[3].Run) + "-50-resamples"
		if at := filepath.Dir(page); err != nil || filepath.Dir(at) != results || !strings.HasPrefix(filepath.Base(at), "comparison-") || !strings.HasSuffix(at, want) {
			t.Errorf("page %q (%v), want comparison-…%s in %s", page, err, want, results)
		}
	}

	// A name that fits runs and the study is the study, alone; a run that was removed is left out.
	if err := os.RemoveAll(filepath.Join(results, ledger.Cells[0].Run)); err != nil {
		t.Fatal(err)
	}
	c, err = experiments.Compare(context.Background(), []string{"last"}, experiments.CompareOptions{Results: results, Resamples: 50})
	if err != nil || c.Title != "tokens" || len(c.Groups) != 2 || len(c.Groups[0].Runs) != 1 || len(c.LeftOut) != 1 || !strings.Contains(c.LeftOut[0].Reason, "does not exist") {
		t.Fatalf("the last study: %+v (%v)", c, err)
	}
	// One run, named in two ways, is one.
	t.Chdir(results)
	c, err = experiments.Compare(context.Background(), []string{single.Dir, filepath.Base(single.Dir), filepath.Join("..", filepath.Base(results), ledger.Cells[1].Run)},
		experiments.CompareOptions{Results: results, Resamples: 50})
	if err != nil || len(c.Runs()) != 2 {
		t.Errorf("a run named twice: %+v (%v)", c, err)
	}

	c, err = experiments.Compare(context.Background(), []string{dir, "single"}, experiments.CompareOptions{Results: results, Baseline: "single", Resamples: 50})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Groups) != 3 || c.Baseline != 2 || c.Groups[2].Runs[0].Dir != single.Dir || c.Title != "tokens and single" {
		t.Errorf("%d groups, baseline %d, title %q", len(c.Groups), c.Baseline, c.Title)
	}
	if page, err = c.Write(""); err != nil || !strings.HasPrefix(filepath.Base(filepath.Dir(page)), "comparison-") || filepath.Dir(filepath.Dir(page)) != results {
		t.Errorf("page %q (%v)", page, err)
	}
}
