package experiments_test

import (
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/numpy"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// wantInputs exports what a run of crashConfig learnt from, and wants the data set's captions, the encoder's features, and the
// run's loss of a decoder that has the exported weights. The run's folder stays as it is.
func wantInputs(t *testing.T, config string, r *experiments.RunFolder) {
	before := listing(t, r.Dir)
	to := t.TempDir()
	dir, err := experiments.ExportInputs(t.Context(), r, to, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if after := listing(t, r.Dir); !slices.Equal(after, before) {
		t.Errorf("the run's folder has %q, before %q", after, before)
	}
	if entries, err := os.ReadDir(to); err != nil || len(entries) != 1 || entries[0].Name() != r.Folder {
		t.Errorf("%v is in the folder (%v), want %s alone", entries, err, r.Folder)
	}

	var in struct {
		Config       map[string]map[string]any
		Tokens       []string
		FeatureShape []int `json:"feature_shape"`
		Pictures     map[string][]string
	}
	text, err := os.ReadFile(filepath.Join(dir, "inputs.json"))
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil || in.Config["decoder"]["units"] != 16.0 || !slices.Equal(in.FeatureShape, []int{64}) {
		t.Fatalf("inputs.json: %v, units %v, features of shape %v", err, in.Config["decoder"]["units"], in.FeatureShape)
	}
	features, err := numpy.FromNpyFile(filepath.Join(dir, "features.npy"))
	if err != nil {
		t.Fatal(err)
	}
	values := tensors.MustCopyFlatData[float32](features)
	captions, err := numpy.FromNpzFile(filepath.Join(dir, "captions.npz"))
	if err != nil {
		t.Fatal(err)
	}
	array := func(name string) []int32 { return tensors.MustCopyFlatData[int32](captions[name]) }

	data, err := experiments.LoadDataset(t.Context(), config, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	var items []batch.Item // of the validation split
	longest := 0
	for _, split := range []string{"train", "validation"} {
		tokens, lengths, pictures := array(split+"_tokens"), array(split+"_lengths"), array(split+"_pictures")
		width, n := captions[split+"_tokens"].Shape().Dim(1), 0
		for k, at := range data.Splits[split] {
			p := data.Examples[at]
			if in.Pictures[split][k] != p.ID {
				t.Fatalf("%s: picture %d is %s, want %s", split, k, in.Pictures[split][k], p.ID)
			}
			for _, c := range p.Captions {
				row := tokens[n*width : (n+1)*width]
				said := ""
				for _, id := range row[:lengths[n]] {
					said += in.Tokens[id]
				}
				if said != c.Text || int(pictures[n]) != len(paths) || slices.ContainsFunc(row[lengths[n]:], func(id int32) bool { return id != 0 }) {
					t.Fatalf("%s: caption %d is %q of picture %d, want %q of %d", split, n, said, pictures[n], c.Text, len(paths))
				}
				if split == "validation" {
					items = append(items, batch.Item{Picture: int(pictures[n]), Tokens: row[:lengths[n]]})
					longest = max(longest, int(lengths[n]))
				}
				n++
			}
			paths = append(paths, p.Path)
		}
		if n != len(lengths) {
			t.Errorf("%s: %d captions, want %d", split, len(lengths), n)
		}
	}

	c, err := experiments.OpenCaptioner(t.Context(), r.Dir, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := c.Features(t.Context(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values, slices.Concat(rows...)) {
		t.Error("the features aren't those that the encoder gives")
	}

	for name, of := range map[string]string{"references.json": "captions_validation.json", "results.json": "captions_validation_results.json"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		want, errWant := os.ReadFile(filepath.Join(r.Dir, "coco", of))
		if err != nil || errWant != nil || string(got) != string(want) {
			t.Errorf("%s isn't the run's %s: %v, %v", name, of, err, errWant)
		}
	}

	weights, err := numpy.FromNpzFile(filepath.Join(dir, "weights.npz"))
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: 16, Embedding: 16}, model.Size{Features: 64, Vocabulary: len(in.Tokens)})
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := train.New(acceltest.XLA(t), decoder, train.Settings{Optimizer: "sgd", LearningRate: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for path, w := range weights {
		if _, err := trainer.Store().CreateVariable("/"+path, w); err != nil {
			t.Fatal(err)
		}
	}
	set, err := batch.New(items, batch.Features{Size: 64, Values: values}, batch.Options{Size: 4, Time: longest})
	if err != nil {
		t.Fatal(err)
	}
	score, err := trainer.Evaluate(t.Context(), set)
	if want := r.Results["validation_teacher_forced_loss"]; err != nil || math.Abs(score.Loss()-want) > 1e-6 {
		t.Errorf("the loss is %v, the run's %v (%v)", score.Loss(), want, err)
	}
}

// listing are the files below a folder with their times.
func listing(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && d.Type().IsRegular() {
			files = append(files, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantNoOtherInputs changes the data set of a run, and wants no export of what the run didn't learn from.
func wantNoOtherInputs(t *testing.T, data string, r *experiments.RunFolder) {
	picture, other := filepath.Join(data, "images", "p00.jpg"), filepath.Join(data, "images", "p01.jpg")
	before, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := os.ReadFile(other)
	if err == nil {
		err = os.WriteFile(picture, changed, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiments.ExportInputs(t.Context(), r, t.TempDir(), experiments.Options{}); err == nil || !strings.Contains(err.Error(), "the run's pictures had the hash") {
		t.Errorf("a changed picture: %v", err)
	}
	if _, err := experiments.Resume(t.Context(), r.Dir, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), "the picture files are not those that this run began with") {
		t.Errorf("resumed with a changed picture: %v", err)
	}
	if err := os.WriteFile(picture, before, 0o644); err != nil {
		t.Fatal(err)
	}

	// Where the run's own folder would be replaced, nothing is written.
	if _, err := experiments.ExportInputs(t.Context(), r, filepath.Dir(r.Dir), experiments.Options{}); err == nil || !strings.Contains(err.Error(), "it is not replaced") {
		t.Errorf("inputs in place of the run: %v", err)
	}
	if _, err := experiments.OpenRun("", r.Dir); err != nil {
		t.Error(err)
	}

	file, err := os.OpenFile(filepath.Join(data, "Flickr8k.token.txt"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("p00.jpg#2\tone more\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "inputs")
	if _, err := experiments.ExportInputs(t.Context(), r, to, experiments.Options{}); err == nil || !strings.Contains(err.Error(), "the run's data had the hash") {
		t.Errorf("changed captions: %v", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a refused export left a folder")
	}
}
