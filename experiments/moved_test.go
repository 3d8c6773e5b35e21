package experiments_test

import (
	"context"
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
	if _, err := experiments.Resume(t.Context(), dir, experiments.Options{}); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("without its data: error %v", err)
	}
	if _, err := experiments.Resume(t.Context(), dir, experiments.Options{}, "data.root="+moved); err != nil {
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
