package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestStudyInHelp: the study that the help shows is one.
func TestStudyInHelp(t *testing.T) {
	var text strings.Builder
	for _, line := range strings.Split(sweepCommand().Long, "\n") {
		if example, ok := strings.CutPrefix(line, "  "); ok {
			text.WriteString(example + "\n")
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "studies"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "studies", "help.toml")
	for name, content := range map[string]string{path: text.String(),
		filepath.Join(dir, "baseline.toml"): "encoder = { layer = 'block5_pool', pooling = 'avg', sources = ['pypi'] }\n"} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// 2 tokenizers × 4 numbers of epochs × 2 sizes × 2 kinds of cleaning × 3 seeds, less 2 × 2 × 2 × 1 × 3 left out.
	checked, err := experiments.CheckStudy(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if checked.Cells != 96-24 {
		t.Errorf("%d cells, want 72", checked.Cells)
	}
}
