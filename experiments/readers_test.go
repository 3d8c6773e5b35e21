package experiments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/tensorboard/eventtest"
)

// TestOtherToolsRead kills a run, lets it end, and has TensorBoard, MLflow, pycocotools and DVC read what it left. They come
// from PyPI: make readers installs them and runs this test; CAPTIONLAB_READERS names the folder with their two environments,
// bin/python and dvc/bin/dvc.
func TestOtherToolsRead(t *testing.T) {
	readers := os.Getenv("CAPTIONLAB_READERS")
	if readers == "" {
		t.Skip("CAPTIONLAB_READERS names no folder with TensorBoard, MLflow, pycocotools and DVC; make readers installs them and runs this test")
	}
	binary := buildCommand(t)
	config, results := crashFolder(t, crashData(t))
	killWhen(t, exec.Command(binary, "run", config), func() bool {
		metrics, _ := filepath.Glob(filepath.Join(results, "*-crash-*", "metrics.jsonl"))
		return len(metrics) == 1
	})
	dir := onlyRun(t, results)
	run(t, exec.Command(binary, "resume", dir))
	r, err := experiments.OpenRun("", dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Curve()
	if err != nil {
		t.Fatal(err)
	}
	// read has a tool read, and takes what it prints.
	read := func(t *testing.T, into any, args ...string) {
		t.Helper()
		c := exec.Command(filepath.Join(readers, "bin", "python"), append([]string{"testdata/readers.py"}, args...)...)
		c.Env = append(os.Environ(), "CAPTIONLAB_DVC="+filepath.Join(readers, "dvc", "bin", "dvc"))
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr.String())
		}
		if err := json.Unmarshal(out, into); err != nil {
			t.Fatalf("%v: %v\n%.500s", args, err, out)
		}
	}

	t.Run("TensorBoard", func(t *testing.T) {
		var seen struct {
			Runs map[string]struct {
				Scalars  map[string][][2]float64
				Texts    map[string][]string
				Pictures map[string]struct {
					Sizes [][4]int
					Title string
				}
			}
			Columns  []string
			Sessions []struct {
				HParams  map[string]any
				Metrics  map[string]float64
				Statuses []string
			}
		}
		read(t, &seen, "tensorboard", dir)
		for name, sub := range map[string]string{"tensorboard": "", "tensorboard/by_epoch": "by_epoch"} {
			kept := eventtest.Kept(eventtest.Read(t, filepath.Join(dir, "tensorboard", sub))) // which wantEvents holds against the metrics log
			if got := seen.Runs[name].Scalars; len(got) != len(kept) || len(got) == 0 {
				t.Errorf("%s: %d scalars, want %d", name, len(got), len(kept))
			}
			for tag, points := range kept {
				var got []eventtest.Point
				for _, p := range seen.Runs[name].Scalars[tag] {
					got = append(got, eventtest.Point{Step: int(p[0]), Value: p[1]})
				}
				if !slices.Equal(got, points) {
					t.Errorf("%s: %v, want %v", tag, got, points)
				}
			}
		}
		wantEvents(t, dir)
		whole := seen.Runs["tensorboard"]
		predictions, err := r.Predictions("validation")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range predictions {
			picture := whole.Pictures["pictures_validation/"+p.ImageID]
			if picture.Title != p.Caption || len(picture.Sizes) != 1 || picture.Sizes[0] != [4]int{64, 48, 64, 48} {
				t.Errorf("%s: %+v, want 64 by 48 once, titled %q", p.ImageID, picture, p.Caption)
			}
			if !strings.Contains(strings.Join(whole.Texts["captions/validation"], ""), strings.Fields(p.Caption + " |")[0]) {
				t.Errorf("the caption of %s is not in the text", p.ImageID)
			}
		}
		if s := whole.Pictures["plots/loss"].Sizes; len(s) != 1 || s[0][0] != s[0][2] || s[0][0] < 100 {
			t.Errorf("plots/loss: %v", s)
		}
		resolved, err := os.ReadFile(filepath.Join(dir, "config.resolved.toml"))
		if texts := whole.Texts["config"]; err != nil || len(texts) != 1 || !strings.Contains(texts[0], string(resolved)) {
			t.Errorf("the config is %d texts, or another one (%v)", len(whole.Texts["config"]), err)
		}
		if len(seen.Sessions) != 1 {
			t.Fatalf("%d sessions in the HPARAMS tab, want 1", len(seen.Sessions))
		}
		s := seen.Sessions[0]
		for name, want := range map[string]any{"training.epochs": 4., "decoder.inject": "pre", "text.lowercase": false, "data.ratio": "[0.6, 0.2, 0.2]"} {
			if s.HParams[name] != want {
				t.Errorf("%s is %v, want %v", name, s.HParams[name], want)
			}
		}
		if len(s.HParams) < 50 || s.HParams["runtime.results"] != nil || !slices.Equal(s.Statuses, []string{"STATUS_SUCCESS"}) {
			t.Errorf("%d hyperparameters, statuses %q", len(s.HParams), s.Statuses)
		}
		if len(seen.Columns) < 15 {
			t.Errorf("columns %q", seen.Columns)
		}
		for _, tag := range seen.Columns {
			if x, want := s.Metrics[tag], r.Results[strings.TrimPrefix(tag, "results/")]; x != float64(float32(want)) {
				t.Errorf("%s is %v, want %v", tag, x, want)
			}
		}
	})

	t.Run("MLflow", func(t *testing.T) {
		store := filepath.Join(t.TempDir(), "ml runs")
		for range 2 { // the second replaces the first
			if _, err := experiments.ExportMLflow(context.Background(), []*experiments.RunFolder{r}, store, "a name: with marks"); err != nil {
				t.Fatal(err)
			}
		}
		var runs []struct {
			Experiment, Name, Status string
			Start, End               int64
			Params, Tags             map[string]string
			Metrics                  map[string]float64
			Histories                map[string][][3]float64
			ReportBytes              int64 `json:"report_bytes"`
		}
		read(t, &runs, "mlflow", store)
		if len(runs) != 1 {
			t.Fatalf("%d runs, want 1", len(runs))
		}
		m := runs[0]
		if m.Experiment != "a name: with marks" || m.Name != r.Folder || m.Status != "FINISHED" || m.Start != r.Started.UnixMilli() || m.End != r.Finished.UnixMilli() {
			t.Errorf("%+v", m)
		}
		settings, err := r.Settings()
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(m.Params) != fmt.Sprint(settings) {
			t.Errorf("parameters %v, want %v", m.Params, settings)
		}
		for name, x := range r.Results {
			if m.Metrics["final_"+name] != x {
				t.Errorf("final_%s is %v, want %v", name, m.Metrics["final_"+name], x)
			}
		}
		history := m.Histories["validation_teacher_forced_loss"]
		if len(history) != len(rows) {
			t.Fatalf("%d points, want %d", len(history), len(rows))
		}
		for n, p := range history {
			if int(p[0]) != rows[n].Step || p[1] != rows[n].ValidationLoss || p[2] < float64(m.Start) || n > 0 && p[2] < history[n-1][2] {
				t.Errorf("epoch %d: %v", n+1, p)
			}
		}
		if stat, err := os.Stat(r.Report()); err != nil || stat.Size() != m.ReportBytes {
			t.Errorf("report.html has %d bytes (%v)", m.ReportBytes, err)
		}
	})

	t.Run("pycocotools and pycocoevalcap", func(t *testing.T) {
		var seen struct {
			Images, Captions int
			Scores           map[string]float64
		}
		read(t, &seen, "coco", filepath.Join(dir, "coco", "captions_validation.json"), filepath.Join(dir, "coco", "captions_validation_results.json"))
		if seen.Images != 6 || seen.Captions != 6 {
			t.Errorf("%+v, want 6 of both", seen)
		}
		for name, x := range seen.Scores { // none without Java
			if want, ok := r.Results["validation_"+name]; !ok || math.Abs(x-want) > 1e-9 {
				t.Errorf("%s is %v, in the run %v", name, x, want)
			}
		}
	})

	t.Run("DVC", func(t *testing.T) {
		copied := filepath.Join(t.TempDir(), "run") // DVC makes a repository of it
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		var seen struct {
			Metrics map[string]struct {
				Data map[string]struct{ Data map[string]float64 }
			}
			Plots struct {
				Data map[string][]struct {
					Type    string
					Content struct {
						Data struct{ Values []map[string]any }
					}
				}
			}
		}
		read(t, &seen, "dvc", copied)
		metrics := seen.Metrics[""].Data["metrics.json"].Data
		if fmt.Sprint(metrics) != fmt.Sprint(map[string]float64(r.Results)) {
			t.Errorf("metrics %v, want %v", metrics, r.Results)
		}
		for _, name := range []string{"loss", "accuracy", "loss by epoch", "accuracy by epoch"} {
			if p := seen.Plots.Data[name]; len(p) != 1 || p[0].Type != "vega" || len(p[0].Content.Data.Values) < 2*len(rows) {
				t.Errorf("plot %q: %.300v; want %d points of two curves", name, p, len(rows))
			}
		}
		if p := seen.Plots.Data["plots/confusion_classes_teacher_forced.png"]; len(p) != 1 || p[0].Type != "image" {
			t.Errorf("pictures: %v", p)
		}
	})
}
