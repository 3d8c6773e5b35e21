package experiments_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/token"
)

// TestEnsemble: a run together with a copy of itself, or decoded anew, says what it says alone; with the model of another epoch it loses no more
// than the mean of both, can be compared, and captions pictures. One training serves all: its checkpoints are of two epochs.
func TestEnsemble(t *testing.T) {
	ctx := t.Context()
	config, results := crashFolder(t, crashData(t))
	r, err := experiments.Run(ctx, config, []string{"training.epochs=2", "training.average_last=2", "training.learning_rate=0.02", "evaluation.retrieval=0",
		"evaluation.controls=zeroed", "decoding.splits=validation", "runtime.tensorboard=false"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := opened(t, r.Dir)
	mean, found, err := run.Mean()
	if err != nil || !found || mean.MeanOf != 2 || (run.Results["kept_mean_of_epochs"] == 2) != mean.Best {
		t.Errorf("the mean of the last epochs is %+v, found %v (%v); the figures have %v", mean, found, err, run.Results["kept_mean_of_epochs"])
	}
	if f := run.Results; f["validation_perplexity"] != math.Exp(f["validation_teacher_forced_loss"]) { // without the retrieval, too
		t.Errorf("perplexity %v of the loss %v", f["validation_perplexity"], f["validation_teacher_forced_loss"])
	}
	copied := func(name string) string {
		dir := filepath.Join(results, name)
		if err := os.CopyFS(dir, os.DirFS(run.Dir)); err != nil {
			t.Fatal(err)
		}
		return dir
	}

	r, err = experiments.Ensemble(ctx, []string{run.Dir, copied("same")}, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	same := opened(t, r.Dir)
	if r, err = experiments.Decode(ctx, run.Dir, nil, experiments.Options{}); err != nil {
		t.Fatal(err)
	}
	decoded := opened(t, r.Dir)
	if r, err = experiments.Decode(ctx, decoded.Dir, nil, experiments.Options{}); err != nil {
		t.Fatal(err)
	}
	again := opened(t, r.Dir)
	for _, c := range []struct {
		what    string
		run     *experiments.RunFolder
		members float64
	}{{"with itself", same, 2}, {"decoded", decoded, 1}, {"decoded again", again, 1}} {
		for name, want := range run.Results {
			got, ok := c.run.Results[name]
			if name != "best_epoch" && name != "kept_mean_of_epochs" && (!ok || math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want))) {
				t.Errorf("%s %s is %v, alone %v", c.what, name, got, want)
			}
		}
		alone, together := predictions(t, run), predictions(t, c.run)
		for n, want := range alone {
			if got := together[n]; got.ImageID != want.ImageID || got.Caption != want.Caption || math.Abs(got.LogProbability-want.LogProbability) > 1e-5*math.Max(1, math.Abs(want.LogProbability)) {
				t.Errorf("picture %s: %s %q (%v), alone %q (%v)", want.ImageID, c.what, got.Caption, got.LogProbability, want.Caption, want.LogProbability)
			}
		}
		if _, err := os.Stat(filepath.Join(c.run.Dir, "checkpoints")); !os.IsNotExist(err) || c.run.Results["ensemble_members"] != c.members {
			t.Errorf("%s it has checkpoints (%v), or %v members", c.what, err, c.run.Results["ensemble_members"])
		}
	}
	if want := run.Name + "-decoded"; decoded.Name != want || again.Name != want {
		t.Errorf("decoded, %s is %s and %s", run.Name, decoded.Name, again.Name)
	}

	epochs, err := run.Curve()
	if err != nil {
		t.Fatal(err)
	}
	other := epochs[2-int(run.Results["best_epoch"])] // not the best one
	earlier := copied("earlier")
	ends, _ := filepath.Glob(filepath.Join(earlier, "checkpoints", fmt.Sprintf("step-*-epoch-%04d", other.Epoch)))
	if len(ends) != 1 {
		t.Fatalf("checkpoints of epoch %d: %v", other.Epoch, ends)
	}
	_ = os.Remove(filepath.Join(earlier, "checkpoints", "mean")) // there where the mean was kept
	if err := os.WriteFile(filepath.Join(earlier, "checkpoints", "best"), []byte(filepath.Base(ends[0])+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err = experiments.Ensemble(ctx, []string{run.Dir, earlier}, []string{"decoding.method=beam", "experiment.name=both"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	both := opened(t, r.Dir)
	const loss = "validation_teacher_forced_loss"
	// The logarithm of a mean is at least the mean of the logarithms.
	if a, b, c := run.Results[loss], other.ValidationLoss, both.Results[loss]; c > (a+b)/2+1e-6 || c == a {
		t.Errorf("both together lose %v, alone %v and %v", c, a, b)
	}
	c, err := experiments.Compare(ctx, []string{run.Dir, both.Dir}, experiments.CompareOptions{Results: results, Resamples: 10})
	if err != nil || len(c.Groups) != 2 || len(c.LeftOut) != 0 {
		t.Errorf("the comparison has %d groups, %v left out (%v)", len(c.Groups), c.LeftOut, err)
	}
	want := predictions(t, both)[0]
	captions, err := experiments.CaptionFiles(ctx, both.Dir, []string{want.Path}, nil, experiments.Options{})
	if err != nil || captions[0].Caption != want.Caption || math.Abs(float64(captions[0].LogProbability)-want.LogProbability) > 1e-4 {
		t.Errorf("the picture's caption is %+v (%v), in the run %q (%v)", captions, err, want.Caption, want.LogProbability)
	}
}

// TestEnsembleRefuses: runs that can't be decoded together give one error that names both, and leave no folder behind.
func TestEnsembleRefuses(t *testing.T) {
	results := t.TempDir()
	vocabulary := func(kind string) string {
		words := token.WordSettings{Punctuation: "drop", Emoji: "drop"}
		tokens, err := token.Train(token.Settings{Tokenizer: kind, Unit: "grapheme", MinCount: 1, Words: words}, slices.Values([]string{"a dog here", "look"}))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := tokens.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	finished := func(name string, change map[string]string) string { // what a run leaves, as far as an ensemble looks before it opens anything
		dir := filepath.Join(results, name)
		files := map[string]string{
			"run.json": `{"name": "x", "status": "done", "hashes": {"features": "f"}}`, "config.resolved.toml": "[experiment]\nname = \"x\"\n",
			"vocab.json": vocabulary("char"), "scaler.json": "{}", "split.json": `{"splits": {"train": ["a"], "validation": ["b"], "test": ["c"]}}`,
			"checkpoints/best": "step-00000001-epoch-0001\n",
		}
		maps.Copy(files, change)
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	run := finished("run", nil)
	tokens := finished("tokens", map[string]string{"vocab.json": vocabulary("word")})
	encoder := finished("encoder", map[string]string{"run.json": `{"name": "x", "status": "done", "hashes": {"features": "g"}}`})
	scaler := finished("scaler", map[string]string{"scaler.json": `{"mean": [1]}`})
	split := finished("split", map[string]string{"split.json": `{"splits": {"train": ["a", "c"], "validation": ["b"]}}`})
	ensemble := finished("ensemble", map[string]string{"config.resolved.toml": fmt.Sprintf("[experiment]\nname = \"x\"\n[ensemble]\nruns = [%q]\n", run)})
	for _, c := range []struct {
		other string
		says  []string
	}{
		{tokens, []string{run, tokens, "different vocabularies", "(char)", "(word)"}},
		{encoder, []string{run, encoder, "different features"}},
		{scaler, []string{run, scaler, "scale their features differently"}},
		{split, []string{split + " trained on picture c", run + " has in its test split"}},
		{ensemble, []string{ensemble, "is an ensemble itself", run}},
		{run, []string{run, "is named twice"}},
	} {
		_, err := experiments.Ensemble(t.Context(), []string{run, c.other}, []string{"runtime.results=" + results}, experiments.Options{})
		if err == nil {
			t.Errorf("%v: no error", c.says)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error lacks %q: %v", want, err)
			}
		}
	}
	if _, err := experiments.Decode(t.Context(), run, []string{"training.epochs=2"}, experiments.Options{}); err == nil || !strings.Contains(err.Error(), "training.epochs=2") {
		t.Errorf("decoding trained: %v", err)
	}
	if folders, _ := filepath.Glob(filepath.Join(results, "*")); len(folders) != 6 {
		t.Errorf("six folders became %v", folders)
	}
}

func opened(t *testing.T, dir string) *experiments.RunFolder {
	t.Helper()
	r, err := experiments.OpenRun("", dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func predictions(t *testing.T, r *experiments.RunFolder) []experiments.Prediction {
	t.Helper()
	all, err := r.Predictions("validation")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d captions (%v)", len(all), err)
	}
	return all
}
