package experiments_test

import (
	"context"
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
	"github.com/captionlab/captionlab/internal/compare/comparetest"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/tensorboard/eventtest"
)

// wantEvents wants a run's event files to show the metrics log, each epoch and each step once, however often the run was
// killed; and it returns the losses of all steps, which no kill may change.
func wantEvents(t *testing.T, dir string) (losses []eventtest.Point) {
	t.Helper()
	r, err := experiments.OpenRun("", dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Curve()
	if err != nil || len(rows) == 0 {
		t.Fatal(err, len(rows))
	}
	events := eventtest.Read(t, filepath.Join(dir, "tensorboard"))
	kept := eventtest.Kept(events)
	wantCurves(t, rows, kept, func(row experiments.Epoch) int { return row.Step }, map[string]string{
		"train_teacher_forced_loss": "train/teacher_forced_loss", "train_teacher_forced_accuracy": "train/teacher_forced_accuracy",
		"validation_teacher_forced_loss": "validation/teacher_forced_loss", "validation_teacher_forced_accuracy": "validation/teacher_forced_accuracy",
		"validation_nats_per_character": "validation/nats_per_character", "validation_bits_per_character": "validation/bits_per_character",
		"validation_nats_per_caption": "validation/nats_per_caption", "learning_rate": "run/learning_rate", "seconds": "run/seconds",
		"total_seconds": "run/total_seconds", "examples_per_second": "run/examples_per_second",
	})
	byEpoch := map[string]string{}
	for name := range jsonRow(t, rows[0]) {
		byEpoch[name] = "by_epoch/" + name
	}
	wantCurves(t, rows, eventtest.Kept(eventtest.Read(t, filepath.Join(dir, "tensorboard", "by_epoch"))), func(row experiments.Epoch) int { return row.Epoch }, byEpoch)

	last := rows[len(rows)-1].Step
	losses = kept["train/batch_loss"]
	for n, p := range losses {
		if p.Step != n+1 {
			t.Fatalf("%s: the loss of step %d comes after %d others", dir, p.Step, n)
		}
	}
	if len(losses) != last {
		t.Errorf("%s: losses of %d steps, want %d", dir, len(losses), last)
	}
	for name, x := range r.Results {
		if got := kept["results/"+name]; len(got) != 1 || got[0] != (eventtest.Point{Step: last, Value: float64(float32(x))}) {
			t.Errorf("%s: results/%s is %v, want %v at step %d", dir, name, got, x, last)
		}
	}
	count := map[string]int{}
	for _, e := range events {
		for _, v := range e.Values {
			if group, _, ok := strings.Cut(v.Tag, "/"); ok && v.Plugin != "" {
				count[group]++ // _hparams_, captions, pictures_validation, pictures_test, plots
			} else if v.Plugin != "" {
				count[v.Tag]++
			}
		}
	}
	if want := map[string]int{"_hparams_": 3, "config": 1, "captions": 2, "pictures_validation": 6, "pictures_test": 6, "plots": 2}; !maps.Equal(count, want) {
		t.Errorf("%s: event files have %v, want %v", dir, count, want)
	}
	return losses
}

// wantCurves wants each column of the metrics log under its tag, a point for each of its rows.
func wantCurves(t *testing.T, rows []experiments.Epoch, kept map[string][]eventtest.Point, at func(experiments.Epoch) int, tags map[string]string) {
	t.Helper()
	want := map[string][]eventtest.Point{}
	for _, row := range rows {
		for name, x := range jsonRow(t, row) {
			if tags[name] == "" {
				t.Fatalf("the metrics log has %s, for which no tag is known", name)
			}
			want[tags[name]] = append(want[tags[name]], eventtest.Point{Step: at(row), Value: float64(float32(x))})
		}
	}
	for tag, points := range want {
		if !slices.Equal(kept[tag], points) {
			t.Errorf("%s is %v, want %v", tag, kept[tag], points)
		}
	}
}

// jsonRow is a line of metrics.jsonl without its step, its epoch and what is no number.
func jsonRow(t *testing.T, row experiments.Epoch) map[string]float64 {
	t.Helper()
	line, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(line, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, value := range all {
		if x, ok := value.(float64); ok && name != "step" && name != "epoch" {
			out[name] = x
		}
	}
	return out
}

// TestExports runs an experiment without event files, reads what it left for other tools, and exports the rest.
func TestExports(t *testing.T) {
	data := crashData(t)
	config, results := crashFolder(t, data)
	result, err := experiments.Run(context.Background(), config, []string{"runtime.tensorboard=false", "training.epochs=2"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(result.Dir, "tensorboard")); err == nil {
		t.Error("event files, though runtime.tensorboard is false")
	}
	r, err := experiments.OpenRun("", result.Dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Curve()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("COCO results score as the run did", func(t *testing.T) {
		scores, err := experiments.ScoreFiles(context.Background(), experiments.ScoreOptions{Metrics: []string{"bleu", "rouge_l", "cider", "chrf"},
			References: filepath.Join(result.Dir, "coco", "captions_validation.json"), Candidates: filepath.Join(result.Dir, "coco", "captions_validation_results.json")})
		if err != nil {
			t.Fatal(err)
		}
		if len(scores.Images) != 6 {
			t.Errorf("%d pictures, want 6", len(scores.Images))
		}
		for name, x := range scores.Metrics {
			if want, ok := r.Results["validation_"+name]; !ok || math.Abs(x-want) > 1e-12 {
				t.Errorf("%s is %v, in the run %v", name, x, want)
			}
		}
		before, err := os.ReadFile(filepath.Join(result.Dir, "coco", "captions_test.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(result.Dir, "coco")); err != nil {
			t.Fatal(err)
		}
		paths, err := experiments.ExportCOCO(r)
		if err != nil || len(paths) != 4 {
			t.Fatalf("%q, %v", paths, err)
		}
		if after, err := os.ReadFile(paths[2]); err != nil || string(after) != string(before) {
			t.Errorf("the exported %s differs from the run's: %v", paths[2], err)
		}
	})

	t.Run("DVC's metrics are the run's figures", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(result.Dir, "metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		var metrics map[string]float64
		if err := json.Unmarshal(text, &metrics); err != nil || !maps.Equal(metrics, r.Results) {
			t.Errorf("metrics.json is %v, want %v (%v)", metrics, r.Results, err)
		}
	})

	t.Run("TensorBoard, afterwards and twice", func(t *testing.T) {
		for range 2 {
			dir, err := experiments.ExportTensorBoard(r, "")
			if err != nil {
				t.Fatal(err)
			}
			kept := eventtest.Kept(eventtest.Read(t, dir))
			want := []eventtest.Point{{Step: rows[0].Step, Value: float64(float32(rows[0].ValidationLoss))}, {Step: rows[1].Step, Value: float64(float32(rows[1].ValidationLoss))}}
			if got := kept["validation/teacher_forced_loss"]; !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "events*")); len(files) != 1 {
				t.Errorf("%q, want one file", files)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(result.Dir, ".tmp")); len(left) != 0 {
			t.Errorf("%q is left", left)
		}
	})

	t.Run("MLflow's store", func(t *testing.T) {
		store := filepath.Join(filepath.Dir(results), "mlruns")
		dirs, err := experiments.ExportMLflow(context.Background(), []*experiments.RunFolder{r}, store, "")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := os.ReadFile(filepath.Join(dirs[0], "metrics", "validation_teacher_forced_loss"))
		if fields := strings.Fields(string(lines)); err != nil || len(fields) != 6 ||
			fields[1] != fmt.Sprint(rows[0].ValidationLoss) || fields[2] != fmt.Sprint(rows[0].Step) || fields[5] != fmt.Sprint(rows[1].Step) {
			t.Errorf("%q, %v: want a line an epoch of time, value, step", lines, err)
		}
		if epochs, err := os.ReadFile(filepath.Join(dirs[0], "params", "training.epochs")); err != nil || string(epochs) != "2" {
			t.Errorf("training.epochs is %q, %v", epochs, err)
		}
		if _, err := os.Stat(filepath.Join(dirs[0], "artifacts", "plots", "loss.png")); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dirs[0], "artifacts", "checkpoints")); err == nil {
			t.Error("checkpoints were copied")
		}
	})

	t.Run("inputs", func(t *testing.T) { wantInputs(t, config, r) })
	t.Run("inputs of other data", func(t *testing.T) { wantNoOtherInputs(t, data, r) })
}

// TestExportsOfNow: a run that goes on after it was opened is exported as it stands then.
func TestExportsOfNow(t *testing.T) {
	f := comparetest.Make(t, t.TempDir(), comparetest.Run{Right: 0.5, Status: runfolder.Interrupted})
	r := opened(t, f.Dir)
	err := f.Update(func(i *runfolder.Info) { i.Status, i.Results["validation_nats_per_character"] = runfolder.Done, 0.25 })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiments.ExportDVC(r); err != nil {
		t.Fatal(err)
	}
	var metrics map[string]float64
	text, err := os.ReadFile(f.Path("metrics.json"))
	if err == nil {
		err = json.Unmarshal(text, &metrics)
	}
	if err != nil || metrics["validation_nats_per_character"] != 0.25 {
		t.Errorf("metrics.json has %v (%v)", metrics, err)
	}
	dir, err := experiments.ExportTensorBoard(r, "")
	if err != nil {
		t.Fatal(err)
	}
	kept := eventtest.Kept(eventtest.Read(t, dir))["results/validation_nats_per_character"]
	if len(kept) != 1 || kept[0].Value != 0.25 {
		t.Errorf("TensorBoard has %v", kept)
	}
	dirs, err := experiments.ExportMLflow(t.Context(), []*experiments.RunFolder{r}, filepath.Join(t.TempDir(), "mlruns"), "")
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(filepath.Join(dirs[0], "metrics", "final_validation_nats_per_character"))
	if fields := strings.Fields(string(line)); err != nil || len(fields) != 3 || fields[1] != "0.25" {
		t.Errorf("MLflow has %q (%v)", line, err)
	}
}
