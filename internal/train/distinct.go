package train

import (
	"iter"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/model"
)

// distinct adds to each batch's inputs its tokens without repetition and their places, as model.SetDistinct takes them, where
// they are less than a third of the batch's: words repeat themselves that much in a hundred captions. The list is filled up
// to that third, so that batches of one shape have one graph.
type distinct struct {
	train.Dataset
	decoder model.Decoder
}

// Iter implements train.Dataset.
func (d distinct) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for b, err := range d.Dataset.Iter() {
			if err == nil {
				b, err = d.with(b)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func (d distinct) with(b train.Batch) (train.Batch, error) {
	tokens := b.Inputs[1]
	size := tokens.Shape().Size()
	if !model.SharesTokens(d.decoder, size/3) {
		return b, nil
	}
	ids, slots := make([]int32, size/3), make([]int32, size)
	place := map[int32]int32{}
	fits := true
	err := tensors.ConstFlatData(tokens, func(all []int32) {
		for n, id := range all {
			at, ok := place[id]
			if !ok {
				at = int32(len(place))
				if fits = int(at) < len(ids); !fits {
					return
				}
				place[id], ids[at] = at, id
			}
			slots[n] = at
		}
	})
	if err != nil || !fits {
		return b, err
	}
	b.Inputs = append(b.Inputs, tensors.FromFlatDataAndDimensions(ids, len(ids)), tensors.FromFlatDataAndDimensions(slots, tokens.Shape().Dimensions...))
	is, _ := b.Spec.(task)
	is.distinct = true // GoMLX tells graphs of other inputs apart by their task
	b.Spec = is
	return b, nil
}
