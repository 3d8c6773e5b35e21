package experiments_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/captionlab/captionlab/"

// layers: a package imports packages of strictly lower layers only, so siblings never know each other.
var layers = map[string]int{
	"internal/checkout": -1, "internal/ptb": -1, "internal/picture": -1, "internal/setting": -1, // below everything
	"internal/fetch": 0, "internal/captionfile": 0, "internal/score": 0, "internal/progress": 0, "internal/profile": 0, "internal/dataset": 0, "internal/token": 0, "internal/runfolder": 0,
	"internal/tensorboard": 0, "internal/mlflow": 0, "internal/slurm": 0,
	"internal/accel": 1, "internal/encoder": 1, "internal/model": 1, "internal/datacheck": 1, "internal/study": 1, "internal/compare": 1,
	"internal/bench": 1, "internal/bench/benchtest": 2, "internal/bench/benchtable": 2,
	"internal/accel/acceltest": 2, "internal/picture/picturetest": 0, "internal/setting/settingtest": 0, "internal/tensorboard/eventtest": 0, "internal/compare/comparetest": 2, "internal/dataset/flickr8ktest": 0, // for tests
	"internal/features": 2, "internal/batch": 2, "internal/train": 2, "internal/decode": 2, "internal/report": 2,
	"internal/config":        3,
	"experiments":            4,
	"experiments/captionlab": 5,
}

// backends may be imported by package accel alone.
var backends = regexp.MustCompile(`^github\.com/gomlx/(go-xla|compute/gobackend)`)

func TestLayersAndPackageDocs(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Name, Doc string
			Imports               []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		layer, known := layers[name]
		if !known {
			t.Errorf("%s has no layer: give it one in this test", name)
			continue
		}
		seen++
		for _, imported := range p.Imports {
			below, ours := layers[strings.TrimPrefix(imported, module)]
			if ours && strings.HasPrefix(imported, module) && below >= layer {
				t.Errorf("%s (layer %d) imports %s (layer %d)", name, layer, imported, below)
			}
			if backends.MatchString(imported) && name != "internal/accel" {
				t.Errorf("%s imports the backend %s: only internal/accel may", name, imported)
			}
		}
		prefix := "Package " + p.Name + " "
		if p.Name == "main" {
			prefix = "Command " + path.Base(name) + " "
		}
		if !strings.HasPrefix(p.Doc, prefix) {
			t.Errorf("%s: its doc comment must begin with %q and its one job, got %q", name, prefix, p.Doc)
		}
	}
	if seen != len(layers) {
		t.Errorf("%d packages found, %d have a layer", seen, len(layers))
	}
}
