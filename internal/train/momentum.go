package train

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// sgd is PyTorch's SGD: v ← μ·v + g, w ← w − rate·v.
type sgd struct{ Settings }

// rmsProp is PyTorch's RMSprop: s ← α·s + (1−α)·g², v ← μ·v + g/(√s + ε), w ← w − rate·v (Tieleman and Hinton 2012).
// neuraltalk has ε below the root; its 1e-8 is 1e-4 here.
type rmsProp struct{ Settings }

const (
	velocityScope = "/velocity"
	squaresScope  = "/squares"
)

// UpdateGraph implements optimizer.Interface.
func (o *sgd) UpdateGraph(scope *gomodel.Scope, _ *Graph, loss *Node) {
	o.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraph implements optimizer.Interface.
func (o *rmsProp) UpdateGraph(scope *gomodel.Scope, _ *Graph, loss *Node) {
	o.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients.
func (o *sgd) UpdateGraphWithGradients(scope *gomodel.Scope, gradients []*Node, dtype dtypes.DType) {
	descend(scope, gradients, dtype, o.Settings)
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients.
func (o *rmsProp) UpdateGraphWithGradients(scope *gomodel.Scope, gradients []*Node, dtype dtypes.DType) {
	g := gradients[0].Graph()
	scaled := make([]*Node, len(gradients))
	for n, v := range trainable(scope, g) {
		squares := beside(scope, squaresScope, v)
		mean := Add(MulScalar(squares.NodeValue(g), o.RMSPropDecay), MulScalar(Square(gradients[n]), 1-o.RMSPropDecay))
		squares.SetNodeValue(mean)
		scaled[n] = Div(gradients[n], AddScalar(Sqrt(mean), o.Epsilon))
	}
	descend(scope, scaled, dtype, o.Settings)
}

// descend takes a step down, with momentum where there is some.
func descend(scope *gomodel.Scope, directions []*Node, dtype dtypes.DType, s Settings) {
	g := directions[0].Graph()
	rate := optimizer.LearningRateVar(scope, dtype, s.LearningRate).NodeValue(g)
	optimizer.IncrementGlobalStep(g, dtype)
	for n, v := range trainable(scope, g) {
		step := directions[n]
		if s.Momentum > 0 {
			velocity := beside(scope, velocityScope, v)
			step = Add(MulScalar(velocity.NodeValue(g), s.Momentum), step)
			velocity.SetNodeValue(step)
		}
		v.SetNodeValue(Sub(v.NodeValue(g), Mul(step, rate)))
	}
}

// Clear implements optimizer.Interface.
func (o *sgd) Clear(scope *gomodel.Scope) error {
	return scope.Store().Scope(velocityScope).DeleteVariablesInScope()
}

// Clear implements optimizer.Interface.
func (o *rmsProp) Clear(scope *gomodel.Scope) error {
	if err := scope.Store().Scope(squaresScope).DeleteVariablesInScope(); err != nil {
		return err
	}
	return scope.Store().Scope(velocityScope).DeleteVariablesInScope()
}

// beside is the variable that goes with a weight below another scope, of its shape and zero at first. It is kept in
// checkpoints and not trained.
func beside(scope *gomodel.Scope, under string, v *gomodel.Variable) *gomodel.Variable {
	return scope.Store().Scope(gomodel.JoinPath(under, v.Scope())).WithInitializer(initializer.Zero).
		VariableWithShape(v.Name(), v.Shape()).SetTrainable(false)
}
