package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

func (s Settings) samples() bool { return s.Sampling != "" && s.Sampling != "none" }

// sampled replaces inputs [batch, time] by tokens that the model says in their place (scheduled sampling, Bengio et al.
// 2015), each with the probability that the schedule leaves. The tokens come from one pass over the true inputs without
// dropout: a token is drawn after the true ones before it, not after drawn ones (parallel scheduled sampling, Duckworth et
// al. 2019, with one pass), which costs one more forward pass in place of one a token. No gradient goes through them.
func (t *Trainer) sampled(scope *gomodel.Scope, features, tokens *Node) *Node {
	g, store := tokens.Graph(), scope.Store()
	store.SetTraining(g, false)
	logits := StopGradient(t.decoder.Logits(scope, features, tokens)) // [time, batch, vocabulary]
	store.SetTraining(g, true)
	said := draw(logits, scope.RandomUniform(g, logits.Shape())) // [time, batch]
	// What is said after the tokens up to t is input t+1; the first input is the start token.
	said = TransposeAllAxes(said, 1, 0)
	said = Concatenate([]*Node{SliceAxis(tokens, 1, AxisRange(0, 1)), SliceAxis(said, 1, AxisRange(0, -1))}, 1)
	truth := store.Scope(scheduleScope).VariableWithValue(truthName, float32(1)).SetTrainable(false).NodeValue(g)
	uniform := scope.RandomUniform(g, shapes.Make(dtypes.Float32, tokens.Shape().Dimensions...))
	keep := LessThan(uniform, BroadcastToDims(truth, tokens.Shape().Dimensions...))
	// Padding stays where it is and comes nowhere else: attention's penalty knows a caption's length by it.
	pad := ZerosLike(tokens) // token.Pad
	keep = LogicalOr(keep, LogicalOr(Equal(tokens, pad), Equal(said, pad)))
	return Where(keep, tokens, said)
}

// draw takes a token [...] by its probability from logits [..., vocabulary] and numbers of U[0, 1) of the same shape: the
// greatest of the logits with Gumbel noise (Gumbel 1954). The greatest is found as a maximum, since XLA's arg-max on the
// CPU is many times slower.
func draw(logits, uniform *Node) *Node {
	const tiny = 1e-20 // keeps the logarithms finite
	noisy := Sub(logits, Log(AddScalar(Neg(Log(AddScalar(uniform, tiny))), tiny)))
	isGreatest := Equal(noisy, BroadcastToShape(ReduceAndKeep(noisy, ReduceMax, -1), noisy.Shape()))
	id := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), -1)
	return ReduceMax(Where(isGreatest, id, ZerosLike(id)), -1)
}
