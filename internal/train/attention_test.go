package train_test

import (
	"math"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// TestAttentionOverfitsAndGenerates: soft attention learns a tiny set by heart, with the penalty in its training loss, and
// then says each picture's caption. The pictures are grids of three locations, told apart by what stands in one of them.
func TestAttentionOverfitsAndGenerates(t *testing.T) {
	grids := batch.Features{Size: 12, Values: make([]float32, 4*12)}
	for picture := range 4 {
		grids.Values[picture*12+4*(picture%3)+picture] = 3
	}
	d, err := model.New(model.Settings{Name: "attention", Units: 16, Embedding: 8, AttentionUnits: 8, AttentionPenalty: 0.1, AttentionOutput: "deep"},
		model.Size{Features: grids.Size, Locations: 3, Vocabulary: vocabulary})
	if err != nil {
		t.Fatal(err)
	}
	s := settings()
	s.Epochs = 120
	tr := trainerOf(t, d, s, t.TempDir())
	data, err := batch.New(captions, grids, batch.Options{Name: "train", Size: 2, Time: 5, Shuffle: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	validation, err := batch.New(captions, grids, batch.Options{Name: "validation", Size: 3, Time: 5})
	if err != nil {
		t.Fatal(err)
	}
	var last train.Epoch
	var loss float64
	err = tr.Run(t.Context(), data, validation, train.Events{Epoch: func(e train.Epoch) error { last = e; return nil }, Step: func(_, _, _ int, l float64) { loss = l }})
	if err != nil {
		t.Fatal(err)
	}
	if last.Validation.Loss() > 0.05 || last.Validation.Accuracy() != 1 {
		t.Fatalf("after %d epochs the loss is %v, the accuracy %v", last.Epoch, last.Validation.Loss(), last.Validation.Accuracy())
	}
	// Tokens of 1, 2, 3 and 5, and their ends, can't see each of three locations once: the penalty stays in what a step shows.
	if loss < 0.02 || last.Train.Loss() > 0.05 {
		t.Errorf("the last step's loss, %v, has no penalty, or the epoch's, %v, has one", loss, last.Train.Loss())
	}
	generator, err := decode.New(acceltest.Devices(t), tr.Store(), d, decode.Settings{Method: "greedy", Batch: 3}, 5)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for n := range captions {
		rows = append(rows, grids.Row(n))
	}
	got, err := generator.Generate(t.Context(), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range got {
		if !equal(c.Tokens, captions[n].Tokens) {
			t.Errorf("picture %d: generated %v, want %v", n, c.Tokens, captions[n].Tokens)
		}
	}
}

// TestPenaltyKnowsPadding: tokens that the model says stand in the place of true ones alone, so that attention's penalty, which
// knows a caption's length by its padding, is about the same with scheduled sampling as without.
func TestPenaltyKnowsPadding(t *testing.T) {
	grids := batch.Features{Size: 12, Values: make([]float32, 4*12)}
	var penalty []float64
	for _, sampling := range []string{"none", "linear"} {
		d, err := model.New(model.Settings{Name: "attention", Units: 16, Embedding: 8, AttentionUnits: 8, AttentionPenalty: 1, AttentionOutput: "deep"},
			model.Size{Features: grids.Size, Locations: 3, Vocabulary: vocabulary})
		if err != nil {
			t.Fatal(err)
		}
		s := settings()
		s.Epochs, s.LearningRate, s.Sampling, s.SamplingConstant = 2, 1e-12, sampling, 1 // from the second update on no token is a true one
		data, err := batch.New(captions, grids, batch.Options{Name: "train", Size: 4, Time: 40})
		if err != nil {
			t.Fatal(err)
		}
		var loss float64
		var last train.Epoch
		err = trainerOf(t, d, s, t.TempDir()).Run(t.Context(), data, data, train.Events{
			Epoch: func(e train.Epoch) error { last = e; return nil }, Step: func(_, _, _ int, l float64) { loss = l }})
		if err != nil {
			t.Fatal(err)
		}
		penalty = append(penalty, loss-last.Train.Loss())
	}
	if penalty[0] <= 0 || math.Abs(penalty[1]/penalty[0]-1) > 0.2 {
		t.Errorf("a token's penalty is %v with true tokens, %v with drawn ones", penalty[0], penalty[1])
	}
}
