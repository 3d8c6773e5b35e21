package decode

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/token"
)

// rules makes the log-probabilities [rows, vocabulary] of the tokens impossible that can't follow: special tokens, an
// end that is too early, an n-gram that the caption has already. At maxLength only the end can. tokens [rows, length]
// are the captions so far, step [rows] is how many tokens they have.
func (s generation) rules(logProbabilities, tokens, step *Node) *Node {
	g, dims := logProbabilities.Graph(), logProbabilities.Shape().Dimensions
	id, at := column(logProbabilities), spread(step, dims...)
	end := isToken(id, token.End)
	forbidden := LogicalOr(LogicalOr(isToken(id, token.Pad), isToken(id, token.Start)), isToken(id, token.Unknown))
	if s.NoRepeat > 0 && s.NoRepeat <= s.maxLength {
		forbidden = LogicalOr(forbidden, s.repeats(tokens, step, dims[1]))
	}
	if s.MinLength > 0 {
		forbidden = LogicalOr(forbidden, LogicalAnd(end, LessThan(at, fill(g, int32(s.MinLength), dims...))))
	}
	isLast := Equal(at, fill(g, int32(s.maxLength), dims...))
	forbidden = LogicalOr(forbidden, LogicalAnd(isLast, LogicalNot(end)))
	return Where(forbidden, fill(g, float32(impossible), dims...), logProbabilities)
}

// repeats marks the tokens [rows, vocabulary] that would end an n-gram that the caption has already.
func (s generation) repeats(tokens, step *Node, vocabulary int) *Node {
	g, n := tokens.Graph(), s.NoRepeat
	rows, length := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	places := length - n + 1 // n-grams, by where they begin
	begin := Iota(g, shapes.Make(dtypes.Int32, rows, places), 1)
	match := LessThan(Add(begin, fill(g, int32(n-1), rows, places)), spread(step, rows, places)) // the n-gram is complete
	for i := range n - 1 {
		// While the caption is shorter than an n-gram this looks at a wrong place, and there is nothing to match.
		latest := pick(tokens, Max(Sub(step, fill(g, int32(n-1-i), rows)), fill(g, int32(0), rows)))
		match = LogicalAnd(match, Equal(SliceAxis(tokens, 1, AxisRange(i, i+places)), spread(latest, rows, places)))
	}
	at := Stack([]*Node{Iota(g, shapes.Make(dtypes.Int32, rows, places), 0), SliceAxis(tokens, 1, AxisRange(n-1, length))}, -1)
	count := Scatter(Reshape(at, rows*places, 2), Reshape(ConvertDType(match, dtypes.Float32), rows*places),
		shapes.Make(dtypes.Float32, rows, vocabulary), false, false)
	return GreaterThan(count, fill(g, float32(0), rows, vocabulary))
}
