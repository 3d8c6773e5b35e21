package decode

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/token"
)

// impossible is the log-probability of what a rule forbids: finite, so that sums and differences are no NaN.
const impossible = -1e9

// loop repeats body while cond holds. Closures see nothing but their parameters, so all they need is in state. Of
// reductions (a sum of float32, say), one may occur in one function of the graph only, so cond has none.
func loop(state []*Node, cond func(p []*Node) *Node, body func(p []*Node) []*Node) []*Node {
	closure := func(fn func(p []*Node) []*Node) *Function {
		return NewClosure(state[0].Graph(), func(g *Graph) []*Node {
			p := make([]*Node, len(state))
			for n, node := range state {
				p[n] = Parameter(g, fmt.Sprintf("p%d", n), node.Shape())
			}
			return fn(p)
		})
	}
	return While(closure(func(p []*Node) []*Node { return []*Node{cond(p)} }), closure(body), state...)
}

// fill is a tensor of one value. Unlike Scalar it makes its own constant, which a closure must.
func fill[T int32 | float32](g *Graph, value T, dims ...int) *Node {
	return BroadcastToDims(Const(g, value), dims...)
}

// isToken marks the positions of ids that hold one token.
func isToken(ids *Node, id int32) *Node {
	return Equal(ids, fill(ids.Graph(), id, ids.Shape().Dimensions...))
}

// column is the token number of each position of a tensor [rows, vocabulary].
func column(like *Node) *Node {
	return Iota(like.Graph(), shapes.Make(dtypes.Int32, like.Shape().Dimensions...), 1)
}

// logSoftmax of logits [rows, vocabulary].
func logSoftmax(logits *Node) *Node {
	shifted := Sub(logits, ExpandAxes(ReduceMax(logits, -1), -1))
	return Sub(shifted, ExpandAxes(Log(ReduceSum(Exp(shifted), -1)), -1))
}

// rules replaces the log-probabilities [rows, vocabulary] of the tokens that can't follow at this step: special
// tokens, an end that is too early, an n-gram that the caption has already. At the last step only the end can.
// tokens [rows, length] are the captions so far, step is how many tokens they have.
func (s generation) rules(logProbabilities, tokens, step *Node) *Node {
	g, dims := logProbabilities.Graph(), logProbabilities.Shape().Dimensions
	id := column(logProbabilities)
	end := isToken(id, token.End)
	forbidden := LogicalOr(LogicalOr(isToken(id, token.Pad), isToken(id, token.Start)), isToken(id, token.Unknown))
	if s.NoRepeat > 0 && s.NoRepeat <= s.maxLength {
		forbidden = LogicalOr(forbidden, s.repeats(logProbabilities, tokens, step))
	}
	if s.MinLength > 0 {
		early := LessThan(step, Const(g, int32(s.MinLength)))
		forbidden = LogicalOr(forbidden, LogicalAnd(end, BroadcastToDims(early, dims...)))
	}
	last := BroadcastToDims(Equal(step, Const(g, int32(s.maxLength))), dims...)
	forbidden = LogicalOr(forbidden, LogicalAnd(last, LogicalNot(end)))
	forbidden = LogicalAnd(forbidden, LogicalNot(LogicalAnd(last, end))) // never left without a token
	return Where(forbidden, fill(g, float32(impossible), dims...), logProbabilities)
}

// repeats marks the tokens [rows, vocabulary] that would end an n-gram that the caption has already.
func (s generation) repeats(like, tokens, step *Node) *Node {
	g, n := tokens.Graph(), s.NoRepeat
	rows, length, vocabulary := tokens.Shape().Dim(0), tokens.Shape().Dim(1), like.Shape().Dim(1)
	places := length - n + 1 // n-grams, by where they begin
	lastOf := Iota(g, shapes.Make(dtypes.Int32, rows, places), 1)
	match := LessThan(Add(lastOf, fill(g, int32(n-1), rows, places)), BroadcastToDims(step, rows, places)) // ended before this step
	if n > 1 {
		// The start is clamped while the caption is shorter than that; no n-gram has ended then.
		now := DynamicSlice(tokens, []*Node{Const(g, int32(0)), Sub(step, Const(g, int32(n-1)))}, []int{rows, n - 1})
		for i := range n - 1 {
			then := Slice(tokens, AxisRange(), AxisRange(i, i+places))
			match = LogicalAnd(match, Equal(then, BroadcastToDims(Slice(now, AxisRange(), AxisRange(i, i+1)), rows, places)))
		}
	}
	at := Stack([]*Node{Iota(g, shapes.Make(dtypes.Int32, rows, places), 0), Slice(tokens, AxisRange(), AxisRange(n-1, length))}, -1)
	count := Scatter(Reshape(at, rows*places, 2), Reshape(Where(match, fill(g, float32(1), rows, places), fill(g, float32(0), rows, places)), rows*places),
		shapes.Make(dtypes.Float32, rows, vocabulary), false, false)
	return GreaterThan(count, fill(g, float32(0), rows, vocabulary))
}
