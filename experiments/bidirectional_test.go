package experiments_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestBidirectional: a run has its scores, perplexity and retrieval by the forward direction, and what the backward one adds under
// names of its own; an ensemble with itself says the same of both, and its captioner what the run said.
func TestBidirectional(t *testing.T) {
	config, results := crashFolder(t, crashData(t))
	r, err := experiments.Run(t.Context(), config, []string{"decoder.bidirectional=true", "decoding.direction=both", "training.epochs=3", "training.checkpoint_minutes=0",
		"training.learning_rate=0.02", "evaluation.controls=[]", "decoding.splits=validation", "runtime.tensorboard=false"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := opened(t, r.Dir)
	f := run.Results
	if f["validation_perplexity"] != math.Exp(f["validation_teacher_forced_loss"]) || f["validation_backward_teacher_forced_loss"] <= 0 ||
		f["validation_backward_teacher_forced_loss"] == f["validation_teacher_forced_loss"] {
		t.Errorf("perplexity %v of the losses %v forward, %v backward", f["validation_perplexity"], f["validation_teacher_forced_loss"], f["validation_backward_teacher_forced_loss"])
	}
	for _, name := range []string{"retrieval_median_rank", "retrieval_both_directions_median_rank"} {
		if f[name] < 1 || f[name] > f["retrieval_pictures"] {
			t.Errorf("%s is %v among %v pictures", name, f[name], f["retrieval_pictures"])
		}
	}
	page, err := os.ReadFile(filepath.Join(run.Dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Figure | Forward | Both directions | Chance |", "| `backward/lstm` |"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report lacks %q", want)
		}
	}

	same := filepath.Join(results, "same")
	if err := os.CopyFS(same, os.DirFS(run.Dir)); err != nil {
		t.Fatal(err)
	}
	r, err = experiments.Ensemble(t.Context(), []string{run.Dir, same}, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	both := opened(t, r.Dir)
	for name, want := range f {
		if got, ok := both.Results[name]; name != "best_epoch" && (!ok || math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want))) {
			t.Errorf("with itself %s is %v, alone %v", name, got, want)
		}
	}
	first := predictions(t, run)[0]
	said, err := experiments.CaptionFiles(t.Context(), both.Dir, []string{first.Path}, nil, experiments.Options{})
	if err != nil || len(said) != 1 || said[0].Caption != first.Caption || math.Abs(float64(said[0].LogProbability)-first.LogProbability) > 1e-4 {
		t.Errorf("the captioner says %+v (error %v), the run said %q (%v)", said, err, first.Caption, first.LogProbability)
	}
}
