package train_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// wordVectors are those of four of the twelve tokens.
func wordVectors() *model.Vectors {
	v := &model.Vectors{Tokens: []int32{4, 5, 8, 11}}
	for n := range 4 * 8 {
		v.Values = append(v.Values, float32(n%7)/5-0.5)
	}
	return v
}

func vectorTrainer(t *testing.T, s train.Settings, trainable bool, dir string) *train.Trainer {
	t.Helper()
	d, err := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: 16, Embedding: 8, Dropout: 0.2, VectorsTrainable: trainable},
		model.Size{Features: features.Size, Vocabulary: vocabulary, Pretrained: wordVectors()})
	if err != nil {
		t.Fatal(err)
	}
	return trainerOf(t, d, s, dir)
}

func variable(t *testing.T, store *gomodel.Store, path string) []float32 {
	t.Helper()
	v := store.GetVariable(path)
	if v == nil {
		t.Fatalf("%s is missing", path)
	}
	return tensors.MustCopyFlatData[float32](v.MustValue())
}

// TestFrozenVectorsStayBitEqual: whatever the optimiser, training leaves frozen vectors as the file had them and keeps no
// moments for them, while the tokens without vectors learn; trainable vectors change. Both resume bit for bit.
func TestFrozenVectorsStayBitEqual(t *testing.T) {
	data := func() *batch.Set { return set(t, batch.Options{Name: "train", Size: 1, Shuffle: true, Seed: 5}) }
	validation := func() *batch.Set { return set(t, batch.Options{Name: "validation", Size: 4}) }
	for _, c := range []struct {
		optimizer string
		trainable bool
	}{{"adam", false}, {"adam", true}, {"adamw", false}} { // adamw's decay moves what has no gradient, too
		s := settings()
		if s.Optimizer = c.optimizer; c.optimizer == "adamw" {
			s.ClipNorm = 0
		}
		whole := vectorTrainer(t, s, c.trainable, t.TempDir())
		if err := whole.Run(t.Context(), data(), validation(), train.Events{}); err != nil {
			t.Fatal(err)
		}
		if same := slices.Equal(variable(t, whole.Store(), "/embedding/vectors"), wordVectors().Values); same == c.trainable {
			t.Errorf("%s, trainable %v: the vectors are as in the beginning: %v", c.optimizer, c.trainable, same)
		}
		others := variable(t, whole.Store(), "/embedding/embeddings")
		if largest := max(slices.Max(others), -slices.Min(others)); len(others) != 8*8 || largest <= 0.05 {
			t.Errorf("%s: the %d values of tokens without vectors are within %v: not trained", c.optimizer, len(others), largest)
		}
		for v := range whole.Store().IterVariables() {
			if !c.trainable && strings.Contains(v.Path(), "embedding/vectors") && v.Path() != "/embedding/vectors" {
				t.Errorf("%s keeps %s for vectors that it does not change", c.optimizer, v.Path())
			}
		}
		if c.optimizer != "adam" {
			continue
		}
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		err := vectorTrainer(t, s, c.trainable, dir).Run(ctx, data(), validation(), train.Events{Step: func(int, int, int, float64) {
			if steps++; steps == 6 {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("error %v", err)
		}
		resumed := vectorTrainer(t, s, c.trainable, dir)
		if err := resumed.Run(t.Context(), data(), validation(), train.Events{}); err != nil {
			t.Fatal(err)
		}
		compareStores(t, resumed.Store(), whole.Store())
	}
}
