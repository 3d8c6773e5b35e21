package model

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Initial values follow Keras' layer defaults. They draw from the store's random state, so one seed fixes them.

// glorotUniform is Keras' GlorotUniform for a matrix [in, out]: U(-l, l), l = sqrt(6 / (in + out)).
func glorotUniform(store *model.Store) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		limit := math.Sqrt(6 / float64(shape.Dim(0)+shape.Dim(1)))
		return uniform(store, g, shape, limit)
	}
}

// uniformWithin is U(-limit, limit); Keras' Embedding uses 0.05.
func uniformWithin(store *model.Store, limit float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node { return uniform(store, g, shape, limit) }
}

func uniform(store *model.Store, g *graph.Graph, shape shapes.Shape, limit float64) *graph.Node {
	return graph.MulScalar(graph.AddScalar(store.RandomUniform(g, shape), -0.5), 2*limit)
}

func zeros(g *graph.Graph, shape shapes.Shape) *graph.Node { return graph.Zeros(g, shape) }

// lstmBias is Keras' unit_forget_bias: one for the forget gate, zero for the others (Jozefowicz et al., 2015).
func lstmBias(g *graph.Graph, shape shapes.Shape) *graph.Node {
	units := shape.Dim(0) / 4
	part := shapes.Make(shape.DType, units)
	return graph.Concatenate([]*graph.Node{
		graph.Zeros(g, part), graph.Ones(g, part), graph.Zeros(g, part), graph.Zeros(g, part)}, 0)
}
