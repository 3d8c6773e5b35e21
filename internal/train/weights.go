package train

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/model"
)

// Weights are the decoder's variables by their path, as "embedding/embeddings", with the values that the store has;
// features is how many values a picture has.
func (t *Trainer) Weights(features int) (map[string]*tensors.Tensor, error) {
	// Variables of a checkpoint come into the store when a graph uses them, and a graph tells the decoder's from the
	// optimiser's: one is built and never run.
	g := graph.NewGraph(t.backend, "weights")
	defer g.Finalize()
	t.store.SetTraining(g, false)
	err := exceptions.TryCatch[error](func() {
		picture := graph.Parameter(g, "features", shapes.Make(dtypes.Float32, 1, features))
		tokens := graph.Parameter(g, "tokens", shapes.Make(dtypes.Int32, 1, 1))
		t.decoder.Logits(t.store.RootScope(), picture, tokens)
		if d, ok := t.decoder.(model.Bidirectional); ok {
			d.Backward().Logits(t.store.RootScope(), picture, tokens)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("build the decoder: %w", err)
	}
	weights := map[string]*tensors.Tensor{}
	for v := range t.store.IterVariables() {
		if !v.InUseByGraph(g) {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("the decoder's weights: %w", err)
		}
		weights[strings.Trim(v.Path(), "/")] = value
	}
	return weights, nil
}

// RandomState is the random state after the last step of the weights that the store has, as XLA's RngBitGenerator keeps it: the key and
// the counter's lower and upper half of a Philox 4x32 generator (Salmon et al. 2011). Each dropout mask takes one count. It is nil where
// the store has none.
func (t *Trainer) RandomState() ([]uint64, error) {
	v := randomState(t.store)
	if v == nil || !v.HasValue() {
		return nil, nil
	}
	value, err := v.Value()
	if err != nil {
		return nil, fmt.Errorf("the random state: %w", err)
	}
	return tensors.CopyFlatData[uint64](value)
}

// randomState is the variable of a store's random state; nil where it has none.
func randomState(store *gomodel.Store) *gomodel.Variable {
	return store.GetVariable(gomodel.ScopeSeparator + gomodel.RNGStateVariableName)
}
