package benchtest

import (
	"iter"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/model"
)

// Initialize makes a decoder's variables in the store, by a graph of two steps for one picture with that many features.
func Initialize(b *testing.B, backend compute.Backend, store *gomodel.Store, d model.Decoder, features int) {
	b.Helper()
	exec, err := gomodel.NewExec(backend, store, func(scope *gomodel.Scope, features, tokens *graph.Node) *graph.Node {
		scope.Store().SetTraining(features.Graph(), false)
		return d.Logits(scope, features, tokens)
	})
	if err != nil {
		b.Fatal(err)
	}
	defer exec.Finalize()
	if _, err := exec.Call1(tensors.FromFlatDataAndDimensions(make([]float32, features), 1, features), [][]int32{{1, 1}}); err != nil {
		b.Fatal(err)
	}
}

// NoCaptions is a split without captions, for a trainer that shall not validate.
type NoCaptions struct{}

// PerEpoch implements train.Batches.
func (NoCaptions) PerEpoch() int { return 0 }

// Epoch implements train.Batches.
func (n NoCaptions) Epoch(int, int) train.Dataset { return n }

// Name implements GoMLX's train.Dataset.
func (NoCaptions) Name() string { return "no captions" }

// Iter implements GoMLX's train.Dataset.
func (NoCaptions) Iter() iter.Seq2[train.Batch, error] {
	return func(func(train.Batch, error) bool) {}
}
