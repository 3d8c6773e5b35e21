package experiments_test

import (
	"bytes"
	"encoding/json"
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
	setInfo(t, earlier, "status", "interrupted")
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
	log, err := os.ReadFile(filepath.Join(both.Dir, "log.txt"))
	if err != nil || !strings.Contains(string(log), "note: "+earlier+" is not done (interrupted)") || strings.Count(string(log), "is not done") != 1 {
		t.Errorf("of a member that isn't done the log (%v) has\n%s", err, log)
	}

	// A member with other weights is not what the ensemble was made of, and a finished one stays as it is.
	_ = os.Remove(filepath.Join(run.Dir, "checkpoints", "mean"))
	if err := os.WriteFile(filepath.Join(run.Dir, "checkpoints", "best"), []byte(filepath.Base(ends[0])+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refusal := "the weights of " + run.Dir + " are not those that this run began with"
	if _, err := experiments.Resume(ctx, both.Dir, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), refusal) || opened(t, both.Dir).Status != experiments.RunDone {
		t.Errorf("resumed: error %v, want %q; the run is %s", err, refusal, opened(t, both.Dir).Status)
	}
	if _, err := experiments.OpenCaptioner(ctx, both.Dir, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("opened: error %v, want %q", err, refusal)
	}
	setInfo(t, both.Dir, "hashes", map[string]string{"weights": both.Hashes["weights"]}) // as earlier versions left it
	if c, err := experiments.OpenCaptioner(ctx, both.Dir, nil, experiments.Options{}); err != nil {
		t.Errorf("of an earlier version: %v", err)
	} else {
		c.Close()
	}
}

// setInfo sets a value of a run's run.json.
func setInfo(t *testing.T, dir, name string, value any) {
	t.Helper()
	path := filepath.Join(dir, "run.json")
	var info map[string]any
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	info[name] = value
	if data, err = json.Marshal(info); err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
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
