package decode

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// greedy takes the most probable token at each step.
func greedy(s generation) (*Node, *Node) {
	return s.single(func(logs, random *Node) (next, nextRandom *Node) { return firstMax(logs), random })
}

// sample draws each token from the model's distribution, by the Gumbel-max trick: the arg-max of log-probabilities
// and Gumbel noise is a sample. top_k and top_p first take away the improbable ones.
func sample(s generation) (*Node, *Node) {
	return s.single(func(logs, random *Node) (next, nextRandom *Node) {
		g, dims := logs.Graph(), logs.Shape().Dimensions
		logs = s.likely(logSoftmax(Mul(logs, fill(g, float32(1/s.Temperature), dims...))))
		random, u := RandomUniform(random, shapes.Make(dtypes.Float32, dims...))
		u = Max(u, fill(g, float32(1e-30), dims...))
		return firstMax(Sub(logs, Log(Neg(Log(u))))), random
	})
}

// single searches with one caption a picture: choose takes a token for each slot from the log-probabilities
// [slots, vocabulary] of those that the rules allow.
func (s generation) single(choose func(logs, random *Node) (next, nextRandom *Node)) (*Node, *Node) {
	return s.search(1, 1, func(logs, ended, logProbabilities, random *Node) (*Node, *Node, *Node, *Node) {
		g, slots := logs.Graph(), logs.Shape().Dim(0)
		logs = Reshape(logs, slots, -1)
		next, random := choose(logs, random)
		gain := ExpandAxes(pick(logs, next), -1)
		return fill(g, int32(0), slots, 1), ExpandAxes(next, -1), Add(logProbabilities, gain), random
	})
}

// leastLog is the log-probability below which a token never counts.
const leastLog = -60

// likely leaves the log-probabilities [rows, vocabulary] of the tokens that top_k and then top_p allow; of equally
// probable ones all or none.
func (s generation) likely(logs *Node) *Node {
	dims := logs.Shape().Dimensions
	if s.TopK > 0 && s.TopK < dims[1] {
		one := fill(logs.Graph(), float32(1), dims...)
		logs = atLeast(logs, one, float32(s.TopK))
	}
	if s.TopP < 1 {
		logs = logSoftmax(logs)
		logs = atLeast(logs, Exp(logs), float32(s.TopP))
	}
	return logs
}

// atLeast leaves the most probable tokens whose weights together reach target. The graph of a loop's body can't
// sort, so bisection looks for the threshold: the range of log-probabilities, halved so often, is below float32's
// resolution.
func atLeast(logs, weights *Node, target float32) *Node {
	g, dims := logs.Graph(), logs.Shape().Dimensions
	rows := []int{dims[0], 1}
	kept := func(threshold *Node) *Node { return GreaterOrEqual(logs, BroadcastToDims(threshold, dims...)) }
	low, high := fill(g, float32(leastLog), rows...), fill(g, float32(1), rows...)
	for range 36 {
		middle := Mul(Add(low, high), fill(g, float32(0.5), rows...))
		sum := ReduceSum(Where(kept(middle), weights, fill(g, float32(0), dims...)), -1)
		enough := GreaterOrEqual(ExpandAxes(sum, -1), fill(g, target, rows...))
		low, high = Where(enough, middle, low), Where(enough, high, middle)
	}
	return Where(kept(low), logs, fill(g, float32(impossible), dims...))
}
