package train

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// optimizers are the optimisers by their name in [training]. GoMLX's Adam is PyTorch's, decoupled weight decay included.
// Its RMSProp is Adam without the first moment, debiased, and its SGD has no momentum: those two are ours.
// scope is where Adam keeps its step and its averages.
var optimizers = map[string]func(s Settings, scope string) optimizer.Interface{
	"adam": func(s Settings, scope string) optimizer.Interface { return adam(s, scope).Done() },
	"adamw": func(s Settings, scope string) optimizer.Interface {
		return adam(s, scope).WeightDecay(s.WeightDecay).Done()
	},
	"rmsprop": func(s Settings, _ string) optimizer.Interface { return &rmsProp{Settings: s} },
	"sgd":     func(s Settings, _ string) optimizer.Interface { return &sgd{Settings: s} },
}

func adam(s Settings, scope string) *optimizer.AdamConfig {
	return optimizer.Adam().Scope(scope).LearningRate(s.LearningRate).Betas(s.Beta1, s.Beta2).Epsilon(s.Epsilon)
}

func newOptimizer(s Settings) (optimizer.Interface, error) {
	build, ok := optimizers[s.Optimizer]
	if !ok {
		return nil, fmt.Errorf("unknown optimizer %q", s.Optimizer)
	}
	inner := build(s, optimizer.AdamDefaultScope)
	u := &updater{Interface: inner, Settings: s}
	u.inner, ok = inner.(train.OptimizeWithGradients)
	if !ok {
		return nil, fmt.Errorf("optimizer %q takes no gradients", s.Optimizer)
	}
	u.front = build(s, frontAdamScope).(train.OptimizeWithGradients)
	return u, nil
}

// updater makes one update of a batch's gradients, or of several batches': it adds them up, clips them, adds L2
// regularisation, lets the optimiser change the weights, and averages the weights.
type updater struct {
	optimizer.Interface
	Settings
	inner train.OptimizeWithGradients
	front train.OptimizeWithGradients // for the encoder's trained layers
}

// UpdateGraph implements optimizer.Interface.
func (u *updater) UpdateGraph(scope *gomodel.Scope, g *Graph, loss *Node) {
	weights := trainable(scope, g)
	update := func() {
		u.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
	}
	if isFrozen(g) {
		only(ofDecoder, weights, update)
	} else {
		update()
	}
	if u.averages() && roleOf(g) != hold {
		average(scope, g, weights, u.EMADecay)
	}
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients; the average is UpdateGraph's.
func (u *updater) UpdateGraphWithGradients(scope *gomodel.Scope, gradients []*Node, dtype dtypes.DType) {
	g := gradients[0].Graph()
	weights := trainable(scope, g)
	if role := roleOf(g); role != alone {
		if gradients = accumulate(scope, weights, gradients, role); role == hold {
			return
		}
	}
	if u.ClipValue > 0 {
		for n, gradient := range gradients {
			gradients[n] = ClipScalar(gradient, -u.ClipValue, u.ClipValue)
		}
	}
	if u.ClipNorm > 0 {
		gradients = clipNorm(gradients, u.ClipNorm)
	}
	if u.L2 > 0 {
		for n, v := range weights {
			gradients[n] = Add(gradients[n], MulScalar(v.NodeValue(g), u.L2))
		}
	}
	u.step(scope, weights, gradients, dtype)
}

// trainable are the variables whose gradients a graph computes, in GoMLX's order of the gradients.
func trainable(scope *gomodel.Scope, g *Graph) (variables []*gomodel.Variable) {
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			variables = append(variables, v)
		}
	}
	return variables
}

// clipNorm scales all gradients by one factor when their global L2 norm exceeds norm (Pascanu et al. 2013).
func clipNorm(gradients []*Node, norm float64) []*Node {
	var square *Node
	for _, gradient := range gradients {
		s := ReduceAllSum(Square(gradient))
		if square == nil {
			square = s
		} else {
			square = Add(square, s)
		}
	}
	limit := Scalar(square.Graph(), square.DType(), norm)
	scale := Div(limit, Max(Sqrt(square), limit)) // 1 while the norm is within the limit
	scaled := make([]*Node, len(gradients))
	for n, gradient := range gradients {
		scaled[n] = Mul(gradient, ConvertDType(scale, gradient.DType()))
	}
	return scaled
}
