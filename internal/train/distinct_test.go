package train

import (
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/model"
)

// TestDistinct: the list holds each token once, in the order of their first places, and is filled up to a third of the batch; a
// batch of more tokens is left as it is, and so is any batch where the decoder has no use for the list.
func TestDistinct(t *testing.T) {
	decoder := func(vocabulary int, dropout float64) model.Decoder {
		d, err := model.New(model.Settings{Name: "lstm", Inject: "init", Units: 2, Embedding: 2, Dropout: dropout}, model.Size{Features: 1, Vocabulary: vocabulary})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := decoder(10, 0)
	features := tensors.FromValue([][]float32{{1}, {2}, {3}})
	for name, c := range map[string]struct {
		decoder    model.Decoder
		tokens     [][]int32
		ids, slots []int32
	}{
		"few":              {d, [][]int32{{1, 7, 7, 5}, {1, 5, 7, 0}, {1, 7, 0, 0}}, []int32{1, 7, 5, 0}, []int32{0, 1, 1, 2, 0, 2, 1, 3, 0, 1, 3, 3}},
		"fewer":            {d, [][]int32{{1, 7, 7, 7}, {1, 7, 7, 7}, {1, 7, 7, 7}}, []int32{1, 7, 0, 0}, []int32{0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1}},
		"one too many":     {d, [][]int32{{1, 7, 7, 5}, {1, 5, 7, 0}, {1, 7, 0, 9}}, nil, nil},
		"small vocabulary": {decoder(4, 0), [][]int32{{1, 2, 2, 3}, {1, 3, 2, 0}, {1, 2, 0, 0}}, nil, nil},
		"dropout":          {decoder(10, 0.5), [][]int32{{1, 7, 7, 5}, {1, 5, 7, 0}, {1, 7, 0, 0}}, nil, nil},
		"smaller batch":    {d, [][]int32{{1, 1}}, nil, nil},
	} {
		b, err := distinct{decoder: c.decoder}.with(train.Batch{Inputs: []*tensors.Tensor{features, tensors.FromValue(c.tokens)}})
		if err != nil {
			t.Fatal(err)
		}
		inputs := b.Inputs
		if c.ids == nil {
			if len(inputs) != 2 {
				t.Errorf("%s: %d inputs, want the batch's own 2", name, len(inputs))
			}
			continue
		}
		if len(inputs) != 4 {
			t.Fatalf("%s: %d inputs, want 4", name, len(inputs))
		}
		ids, slots := tensors.MustCopyFlatData[int32](inputs[2]), tensors.MustCopyFlatData[int32](inputs[3])
		if !slices.Equal(ids, c.ids) || !slices.Equal(slots, c.slots) || !inputs[3].Shape().Equal(inputs[1].Shape()) {
			t.Errorf("%s: tokens %v at %v, want %v at %v", name, ids, slots, c.ids, c.slots)
		}
	}
}
