package experiments_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestTwins trains each recipe, small and on a few pictures of emojigram, and its PyTorch twin, by twins.sh. The twin with the
// run's weights must have the run's loss and captions, which twin.py checks, and the one that was trained must come as far.
// CAPTIONLAB_PYTHON names a Python with torch 2.9.1 and numpy.
func TestTwins(t *testing.T) {
	if os.Getenv("CAPTIONLAB_PYTHON") == "" {
		t.Skip("CAPTIONLAB_PYTHON names no Python with torch and numpy")
	}
	binary := filepath.Join(t.TempDir(), "captionlab")
	run(t, exec.Command("go", "build", "-o", binary, "./captionlab"))
	for _, path := range recipes(t) {
		recipe := strings.TrimSuffix(filepath.Base(path), ".toml")
		t.Run(recipe, func(t *testing.T) {
			out := t.TempDir()
			c := exec.Command("bash", "testdata/twin/twins.sh", recipe, "1", "emojigram", "data.emojigram.images=40", "decoder.units=16", "decoder.embedding=16",
				"decoder.attention_units=16", "training.epochs=2", "runtime.cache="+acceltest.CacheDir())
			c.Env = append(os.Environ(), "CAPTIONLAB="+binary, "CAPTIONLAB_TWINS="+out)
			var stderr strings.Builder
			c.Stderr = &stderr
			row, err := c.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			if cells := strings.Split(strings.Trim(string(row), "| \n"), " | "); len(cells) != 10 || cells[0] != recipe {
				t.Errorf("the row is %q", row)
			}
			reports, _ := filepath.Glob(filepath.Join(out, "*", "run", "*", "report.md"))
			if len(reports) != 1 {
				t.Fatalf("%d reports", len(reports))
			}
			if text, err := os.ReadFile(reports[0]); err != nil || !strings.Contains(string(text), "every picture's features set to zero") {
				t.Errorf("the report has no control with zeroed features (%v)", err)
			}
			rows, _ := filepath.Glob(filepath.Join(out, "*", "twin", "row.json"))
			if len(rows) != 1 {
				t.Fatalf("%d rows", len(rows))
			}
			var r struct {
				Figures map[string]map[string]float64
			}
			data, err := os.ReadFile(rows[0])
			if err == nil {
				err = json.Unmarshal(data, &r)
			}
			ours, twins := r.Figures["captionlab"]["loss"], r.Figures["PyTorch"]["loss"]
			if err != nil || ours == 0 || math.Abs(ours-twins) > 0.1*ours {
				t.Errorf("losses %v and %v (%v)", ours, twins, err)
			}
		})
	}
}
