package model

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Initial values follow Keras' layer defaults, unless Settings.Initializer says otherwise; but recurrent kernels are Glorot's, too, where
// Keras' are orthogonal, which Settings.RecurrentInitializer asks for. They draw from the store's random state, so one seed fixes them.

// initialWeights is how kernels and embeddings begin: as keras says, or as the settings do.
func (s Settings) initialWeights(store *model.Store, keras model.VariableInitializer) model.VariableInitializer {
	var draw model.VariableInitializer
	switch s.Initializer {
	case "uniform":
		draw = uniformWithin(store, s.InitializerScale)
	case "normal":
		draw = normal(store, func(shapes.Shape) float64 { return s.InitializerScale })
	case "xavier_uniform":
		draw = glorotUniform(store)
	case "xavier_normal":
		draw = normal(store, func(shape shapes.Shape) float64 { return math.Sqrt(2 / float64(shape.Dim(0)+shape.Dim(1))) })
	default:
		return keras
	}
	if s.InitializerClip == 0 {
		return draw
	}
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		return graph.ClipScalar(draw(g, shape), -s.InitializerClip, s.InitializerClip)
	}
}

// glorotUniform is Keras' GlorotUniform for a matrix [in, out]: U(-l, l), l = sqrt(6 / (in + out)).
func glorotUniform(store *model.Store) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		limit := math.Sqrt(6 / float64(shape.Dim(0)+shape.Dim(1)))
		return uniform(store, g, shape, limit)
	}
}

// orthogonal is Keras' Orthogonal for a matrix [in, out], in ≤ out: orthonormal rows, no direction likelier than another (Saxe et al. 2014).
// Where Keras takes Q of a Gaussian matrix's QR decomposition, this takes the orthogonal factor of its polar decomposition, which has the
// same distribution and needs matrix products alone: Newton and Schulz's iteration brings every singular value to one (Higham, Functions of
// Matrices, 2008, equation 8.20).
func orthogonal(store *model.Store) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		in, out := shape.Dim(0), shape.Dim(1)
		// About the largest singular value; below √3 times that, every one converges.
		x := graph.DivScalar(store.RandomNormal(g, shape), math.Sqrt(float64(in))+math.Sqrt(float64(out)))
		for range orthogonalSteps {
			gram := graph.Dot(x, x).General([]int{1}, nil, []int{1}, nil)
			x = graph.Sub(graph.MulScalar(x, 1.5), graph.MulScalar(graph.MatMul(gram, x), 0.5))
		}
		return x
	}
}

// orthogonalSteps is enough for singular values from a hundredth of the largest on: a step makes small ones half as large again, and near
// one it squares the distance. Those of a recurrent kernel, at least three times as wide as high, begin at about a quarter.
const orthogonalSteps = 18

// uniformWithin is U(-limit, limit); Keras' Embedding uses 0.05.
func uniformWithin(store *model.Store, limit float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node { return uniform(store, g, shape, limit) }
}

func uniform(store *model.Store, g *graph.Graph, shape shapes.Shape, limit float64) *graph.Node {
	return graph.MulScalar(graph.AddScalar(store.RandomUniform(g, shape), -0.5), 2*limit)
}

// normal has a mean of zero and a standard deviation that may depend on the shape.
func normal(store *model.Store, deviation func(shapes.Shape) float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		return graph.MulScalar(store.RandomNormal(g, shape), deviation(shape))
	}
}

func zeros(g *graph.Graph, shape shapes.Shape) *graph.Node { return graph.Zeros(g, shape) }

func ones(g *graph.Graph, shape shapes.Shape) *graph.Node { return graph.Ones(g, shape) }

// lstmBias is Keras' unit_forget_bias: one for the forget gate, zero for the others (Jozefowicz et al., 2015).
func lstmBias(g *graph.Graph, shape shapes.Shape) *graph.Node {
	units := shape.Dim(0) / 4
	part := shapes.Make(shape.DType, units)
	return graph.Concatenate([]*graph.Node{
		graph.Zeros(g, part), graph.Ones(g, part), graph.Zeros(g, part), graph.Zeros(g, part)}, 0)
}

// gruBeforeBias is that of TensorFlow 1's GRUCell: one for both gates, zero for the candidate.
func gruBeforeBias(g *graph.Graph, shape shapes.Shape) *graph.Node {
	units := shape.Dim(0) / 3
	return graph.Concatenate([]*graph.Node{
		graph.Ones(g, shapes.Make(shape.DType, 2*units)), graph.Zeros(g, shapes.Make(shape.DType, units))}, 0)
}
