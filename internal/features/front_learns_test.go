package features_test

import (
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/features"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// TestFrontLearnsFromPixels: a CNN from random weights learns with its decoder to say in which quarter of a picture a square
// is, and what it then gives of each picture is enough for the decoder alone.
func TestFrontLearnsFromPixels(t *testing.T) {
	e, err := encoder.New(encoder.Settings{Name: "cnn", Size: 16, Blocks: 2, Channels: 4, Pooling: "flatten"})
	if err == nil {
		err = e.LoadWeights(t.Context(), t.TempDir(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	front, err := features.NewFront(e)
	if err != nil {
		t.Fatal(err)
	}
	const side, size = 16, 16 * 16 * 3
	pixels := make([]float32, 4*size)
	var rows [][]float32
	for n := range 4 {
		for y := range side / 2 {
			for x := range side / 2 {
				pixels[n*size+((y+n/2*side/2)*side+x+n%2*side/2)*3] = 1 // red
			}
		}
		rows = append(rows, pixels[n*size:(n+1)*size])
	}
	captions := []batch.Item{{Picture: 0, Tokens: []int32{4, 6}}, {Picture: 1, Tokens: []int32{4, 7}}, {Picture: 2, Tokens: []int32{5, 6}}, {Picture: 3, Tokens: []int32{5, 7}}}
	data := func(o batch.Options) *batch.Set {
		o.Time = 2
		s, err := batch.New(captions, batch.Features{Size: size, Values: pixels}, o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	d, err := model.New(model.Settings{Name: "lstm", Inject: "init", Units: 12, Embedding: 8}, model.Size{Features: e.FeatureSize(), Vocabulary: 8})
	if err != nil {
		t.Fatal(err)
	}
	s := train.Settings{Epochs: 80, Optimizer: "adam", LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, ClipNorm: 5, ScheduleEpochs: 8, Seed: 3}
	tr, err := train.New(acceltest.XLA(t), model.WithFront(d, front), s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Run(t.Context(), data(batch.Options{Name: "train", Size: 4}), data(batch.Options{Name: "validation", Size: 4}), train.Events{}); err != nil {
		t.Fatal(err)
	}
	score, err := tr.Evaluate(t.Context(), data(batch.Options{Name: "validation", Size: 4}))
	if err != nil || score.Accuracy() != 1 {
		t.Errorf("accuracy %v, loss %v (error %v)", score.Accuracy(), score.Loss(), err)
	}
	applied, err := front.Apply(acceltest.XLA(t), tr.Store())
	if err != nil {
		t.Fatal(err)
	}
	defer applied.Finalize()
	computed := make([][]float32, 4)
	if err := applied.Rows(t.Context(), rows, func(n int, row []float32) { computed[n] = slices.Clone(row) }); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]struct {
		decoder model.Decoder
		rows    [][]float32
	}{"behind the front": {model.WithFront(d, front), rows}, "on computed features": {d, computed}} {
		g, err := decode.New(acceltest.XLA(t), tr.Store(), from.decoder, decode.Settings{Method: "greedy", Batch: 2}, 2)
		if err != nil {
			t.Fatal(err)
		}
		said, err := g.Generate(t.Context(), from.rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n, c := range said {
			if !slices.Equal(c.Tokens, captions[n].Tokens) {
				t.Errorf("%s: picture %d: %v, want %v", name, n, c.Tokens, captions[n].Tokens)
			}
		}
	}
}
