package decode

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/token"
)

// greedy takes the most probable token at each step.
func greedy(s generation) (*Node, *Node) {
	return s.single(func(allowed, random *Node) (next, nextRandom *Node) {
		return ArgMax(allowed, -1, dtypes.Int32), random
	})
}

// sample draws each token from the model's distribution, by the Gumbel-max trick: the arg-max of log-probabilities
// and Gumbel noise is a sample. top_k and top_p first take away the improbable ones.
func sample(s generation) (*Node, *Node) {
	return s.single(func(allowed, random *Node) (next, nextRandom *Node) {
		g, dims := allowed.Graph(), allowed.Shape().Dimensions
		scores := s.likely(logSoftmax(Mul(allowed, fill(g, float32(1/s.Temperature), dims...))))
		random, u := RandomUniform(random, shapes.Make(dtypes.Float32, dims...))
		u = Max(u, fill(g, float32(1e-30), dims...))
		gumbel := Neg(Log(Neg(Log(u))))
		gumbel = Where(Equal(u, fill(g, float32(1), dims...)), fill(g, float32(0), dims...), gumbel)
		return ArgMax(Add(scores, gumbel), -1, dtypes.Int32), random
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

// single generates one caption a picture: pick chooses a token of each row from the log-probabilities
// [pictures, vocabulary] of those that the rules allow. The loop ends when every caption of the batch has.
func (s generation) single(pick func(allowed, random *Node) (next, nextRandom *Node)) (*Node, *Node) {
	g, pictures := s.features.Graph(), s.features.Shape().Dim(0)
	start := s.decoder.Start(s.scope, s.features)
	weights := s.decoder.StepWeights(s.scope, g)
	state := []*Node{
		Const(g, int32(0)),                          // step
		fill(g, token.Start, pictures),              // token fed next
		fill(g, int32(0), pictures),                 // 1: ended
		fill(g, token.Pad, pictures, s.maxLength+1), // tokens so far
		fill(g, float32(0), pictures),               // log-probability so far
		s.random,
		Const(g, true), // a caption goes on
	}
	fixed := len(state)
	state = append(append(state, start...), weights...)
	state = loop(state, func(p []*Node) *Node {
		return LogicalAnd(LessOrEqual(p[0], Const(p[0].Graph(), int32(s.maxLength))), p[6])
	}, func(p []*Node) []*Node {
		step, fed, ended, tokens, logProbability, random := p[0], p[1], p[2], p[3], p[4], p[5]
		g, state, weights := step.Graph(), p[fixed:fixed+len(start)], p[fixed+len(start):]
		logits, state := s.decoder.Step(weights, state, fed)
		// The probability is the model's own, over the whole vocabulary, as under teacher forcing.
		logs := logSoftmax(logits)
		next, random := pick(s.rules(logs, tokens, step), random)
		chosen := Equal(column(logs), BroadcastToDims(ExpandAxes(next, -1), logs.Shape().Dimensions...))
		gain := ReduceSum(Where(chosen, logs, fill(g, float32(0), logs.Shape().Dimensions...)), -1)

		done := isToken(ended, 1)
		next = Where(done, fill(g, token.Pad, pictures), next)
		logProbability = Where(done, logProbability, Add(logProbability, gain))
		ended = Where(isToken(next, token.End), fill(g, int32(1), pictures), ended)
		tokens = DynamicUpdateSlice(tokens, Reshape(next, pictures, 1), []*Node{Const(g, int32(0)), step})
		going := LessThan(ReduceAllSum(ended), Const(g, int32(pictures)))
		result := []*Node{Add(step, Const(g, int32(1))), next, ended, tokens, logProbability, random, going}
		return append(append(result, state...), weights...)
	})
	return ExpandAxes(state[3], 1), ExpandAxes(state[4], 1)
}
