package experiments_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestResumeMovedData: a run whose data have moved goes on when it is told where to, and its config, from which studies recognise it,
// has the new place; what it was given before still stands there.
func TestResumeMovedData(t *testing.T) {
	data := crashData(t)
	config, results := crashFolder(t, data)
	overrides := []string{"training.epochs=1", "evaluation.retrieval=0"}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := experiments.Run(ctx, config, overrides, experiments.Options{Epoch: func(experiments.Epoch) { cancel() }}); err == nil {
		t.Fatal("not interrupted")
	}
	dir := onlyRun(t, results)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(data, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := experiments.Resume(t.Context(), dir, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("without its data: error %v", err)
	}
	if _, err := experiments.Resume(t.Context(), dir, []string{"data.root=" + moved}, experiments.Options{}); err != nil {
		t.Fatal(err)
	}
	want, err := experiments.CheckConfig(config, append(overrides, "data.root="+moved))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.resolved.toml")
	got, err := experiments.CheckConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := opened(t, dir); got.Hash != want.Hash || r.ConfigHash != want.Hash || r.Status != "done" {
		t.Errorf("hash %s, in run.json %s, want %s; status %s", got.Hash, r.ConfigHash, want.Hash, r.Status)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], config) || lines[1] != "# Overridden: training.epochs=1" || lines[3] != "# Overridden when it was resumed: data.root="+moved {
		t.Errorf("the config begins with:\n%s", head)
	}
}

// TestLostCheckpoint: what the run measured before is read before an epoch is trained, and a training that begins again says so.
func TestLostCheckpoint(t *testing.T) {
	config, results := crashFolder(t, crashData(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := experiments.Run(ctx, config, []string{"training.epochs=1", "training.warmup_steps=100000", "runtime.tensorboard=false"}, experiments.Options{}); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	dir := onlyRun(t, results)
	for _, test := range []struct{ metrics, err, said, unsaid string }{
		{"not json\n", "metrics.jsonl:1: ", "train: ", "epoch 1/1"},
		{`{"epoch":1,"step":9}` + "\n", "interrupted", "warning: metrics.jsonl has epochs up to 1, but checkpoints has no file last", "nothing"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte(test.metrics), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var out strings.Builder
		_, err := experiments.Resume(ctx, dir, nil, experiments.Options{Stderr: &out, Epoch: func(experiments.Epoch) { cancel() }})
		cancel()
		said := out.String()
		if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(said, test.said) || !strings.Contains(said, "warning: training.warmup_steps = 100000") || strings.Contains(said, test.unsaid) {
			t.Errorf("metrics %q: error %v, said\n%s", test.metrics, err, said)
		}
	}
}
