package train

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// Weights are the decoder's variables by their path, as "embedding/embeddings", with the values that the store has;
// features is how many values a picture has.
func (t *Trainer) Weights(features int) (map[string]*tensors.Tensor, error) {
	// Variables of a checkpoint come into the store when a graph uses them; that graph tells the decoder's from the optimiser's.
	var used *graph.Graph
	exec, err := gomodel.NewExec(t.backend, t.store, func(scope *gomodel.Scope, features, tokens *graph.Node) *graph.Node {
		used = features.Graph()
		scope.Store().SetTraining(used, false)
		return t.decoder.Logits(scope, features, tokens)
	})
	if err != nil {
		return nil, fmt.Errorf("build the decoder: %w", err)
	}
	defer exec.Finalize()
	picture := tensors.FromFlatDataAndDimensions(make([]float32, features), 1, features)
	if _, err := exec.Call1(picture, tensors.FromFlatDataAndDimensions([]int32{1}, 1, 1)); err != nil {
		return nil, fmt.Errorf("the decoder's weights: %w", err)
	}
	weights := map[string]*tensors.Tensor{}
	for v := range t.store.IterVariables() {
		if !v.InUseByGraph(used) {
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
