package train

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// optimizers are the optimisers by their name in [training].
var optimizers = map[string]func(Settings) optimizer.Interface{
	"adam": func(s Settings) optimizer.Interface { return optimizer.Adam().LearningRate(s.LearningRate).Done() },
	"adamw": func(s Settings) optimizer.Interface {
		return optimizer.Adam().LearningRate(s.LearningRate).WeightDecay(0.004).Done()
	},
	"rmsprop": func(s Settings) optimizer.Interface { return optimizer.RMSProp().LearningRate(s.LearningRate).Done() },
	"sgd": func(s Settings) optimizer.Interface {
		return optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(s.LearningRate).Done()
	},
}

func newOptimizer(s Settings) (optimizer.Interface, error) {
	build, ok := optimizers[s.Optimizer]
	if !ok {
		return nil, fmt.Errorf("unknown optimizer %q", s.Optimizer)
	}
	inner := build(s)
	if s.ClipNorm <= 0 {
		return inner, nil
	}
	withGradients, ok := inner.(train.OptimizeWithGradients)
	if !ok {
		return nil, fmt.Errorf("optimizer %q can't clip gradients: set training.clip_norm = 0", s.Optimizer)
	}
	return &clipped{Interface: inner, inner: withGradients, norm: s.ClipNorm}, nil
}

// clipped scales all gradients by one factor when their global L2 norm exceeds norm (Pascanu et al. 2013).
type clipped struct {
	optimizer.Interface
	inner train.OptimizeWithGradients
	norm  float64
}

// UpdateGraph implements optimizer.Interface.
func (c *clipped) UpdateGraph(scope *gomodel.Scope, g *Graph, loss *Node) {
	c.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients.
func (c *clipped) UpdateGraphWithGradients(scope *gomodel.Scope, gradients []*Node, dtype dtypes.DType) {
	var square *Node
	for _, grad := range gradients {
		s := ReduceAllSum(Square(grad))
		if square == nil {
			square = s
		} else {
			square = Add(square, s)
		}
	}
	g := square.Graph()
	limit := Scalar(g, square.DType(), c.norm)
	scale := Div(limit, Max(Sqrt(square), limit)) // 1 while the norm is within the limit
	scaled := make([]*Node, len(gradients))
	for n, grad := range gradients {
		scaled[n] = Mul(grad, ConvertDType(scale, grad.DType()))
	}
	c.inner.UpdateGraphWithGradients(scope, scaled, dtype)
}
