package decode

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/token"
)

// beam keeps the beam_width most probable beginnings of each picture's caption. A caption that ends keeps its place,
// so that fewer remain to be continued, as in Xu et al. 2015 (Show, Attend and Tell); the search ends when no caption
// that goes on can become better than the best that ended. With beam_groups above 1 it is diverse beam search
// (Vijayakumar et al. 2018) with Hamming diversity: the groups choose one after the other at each step, and what
// earlier ones chose costs a token `diversity` for each time; reported log-probabilities are without that. The search
// then ends when that is so in every group, so that each has its best caption.
func beam(s generation) (*Node, *Node) {
	return s.search(s.BeamWidth, s.BeamGroups, func(logs, ended, logProbabilities, random *Node) (*Node, *Node, *Node, *Node) {
		parents, next, chosen := s.extend(logs, ended, logProbabilities)
		return parents, next, chosen, random
	})
}

// extend extends the captions of every slot by one token: logs are the next tokens' log-probabilities
// [slots, width, vocabulary], ended and logProbabilities [slots, width] tell of the captions so far. It returns
// which captions go on, with which token, and their log-probabilities, all [slots, width].
func (s generation) extend(logs, ended, logProbabilities *Node) (parents, next, chosen *Node) {
	g, slots, vocabulary := logs.Graph(), logs.Shape().Dim(0), logs.Shape().Dim(2)
	width := s.BeamWidth / s.BeamGroups
	dims := []int{slots, width, vocabulary}
	ids := Iota(g, shapes.Make(dtypes.Int32, dims...), 2)
	pad := isToken(ids, token.Pad)
	taken := fill(g, float32(0), slots, vocabulary) // how often earlier groups chose each token at this step

	var allParents, allNext, allChosen []*Node
	for group := range s.BeamGroups {
		from, to := group*width, (group+1)*width
		old := Slice(logProbabilities, AxisRange(), AxisRange(from, to))
		done := GreaterThan(Slice(ended, AxisRange(), AxisRange(from, to)), fill(g, int32(0), slots, width))
		done = LogicalAnd(done, GreaterThan(old, fill(g, float32(impossible/2), slots, width))) // an impossible one takes no other's place
		candidates := Add(spread(old, dims...), Slice(logs, AxisRange(), AxisRange(from, to)))
		rank := candidates
		if group > 0 {
			cost := Mul(taken, fill(g, float32(s.Diversity), slots, vocabulary))
			rank = Sub(rank, BroadcastToDims(ExpandAxes(cost, 1), dims...))
		}
		// A caption that ended has one continuation, padding, which ranks before all others.
		isDone := spread(done, dims...)
		rank = Where(isDone, Where(pad, fill(g, float32(-impossible), dims...), fill(g, float32(3*impossible), dims...)), rank)
		candidates = Where(isDone, spread(old, dims...), candidates)

		captions, tokens := best(rank, width)
		place := Add(Mul(captions, fill(g, int32(vocabulary), slots, width)), tokens)
		allChosen = append(allChosen, pickEach(Reshape(candidates, slots, width*vocabulary), place))
		allParents = append(allParents, Add(captions, fill(g, int32(from), slots, width)))
		allNext = append(allNext, tokens)
		if s.BeamGroups > 1 {
			hit := Equal(ids, spread(tokens, dims...))
			taken = Add(taken, ReduceSum(ConvertDType(hit, dtypes.Float32), 1))
		}
	}
	return Concatenate(allParents, -1), Concatenate(allNext, -1), Concatenate(allChosen, -1)
}

// best finds the n largest of rank [slots, captions, vocabulary]: their captions and tokens [slots, n], the largest first, and of equal
// ones the first. It keeps the largest that is left of each caption, so that only the caption that one was taken from is looked through again.
func best(rank *Node, n int) (captions, tokens *Node) {
	g, dims := rank.Graph(), rank.Shape().Dimensions
	slots, each, row := dims[0], dims[:2], []int{dims[0], dims[2]}
	// after is where a caption's tokens x come after a value at a place.
	after := func(x, value, place *Node) *Node {
		value = spread(value, row...)
		return LogicalOr(LessThan(x, value), LogicalAnd(Equal(x, value), GreaterThan(column(x), spread(place, row...))))
	}
	largest := ReduceMax(rank, -1)                                                          // what is left of each caption
	limit, place := fill(g, float32(math.MaxFloat32), each...), fill(g, int32(-1), each...) // what was taken from it last
	var allCaptions, allTokens []*Node
	for k := range n {
		value := ReduceMax(largest, -1)
		caption := first(Equal(largest, spread(value, each...)))
		own := Reshape(Gather(rank, Stack([]*Node{Iota(g, shapes.Make(dtypes.Int32, slots), 0), caption}, -1)), row...)
		left := after(own, pick(limit, caption), pick(place, caption))
		token := first(LogicalAnd(left, Equal(own, spread(value, row...))))
		allCaptions, allTokens = append(allCaptions, caption), append(allTokens, token)
		if k == n-1 {
			break
		}
		rest := ReduceMax(Where(after(own, value, token), own, fill(g, float32(4*impossible), row...)), -1)
		is := Equal(column(largest), spread(caption, each...))
		largest = Where(is, spread(rest, each...), largest)
		limit, place = Where(is, spread(value, each...), limit), Where(is, spread(token, each...), place)
	}
	return Stack(allCaptions, -1), Stack(allTokens, -1)
}

// canImprove is whether each slot has a caption that goes on and may still rank above the best of its group that ended [slots].
// ended and logProbabilities are [slots, width]. Log-probabilities only fall, and a longer caption's is divided by more.
func (s generation) canImprove(ended, logProbabilities *Node, groups int) *Node {
	g, dims := ended.Graph(), ended.Shape().Dimensions
	goesOn := isToken(ended, 0)
	lowest := fill(g, float32(3*impossible), dims...)
	longest := fill(g, float32(1/math.Pow(float64(s.maxLength+1), s.LengthPenalty)), dims...)
	bound := Where(goesOn, Mul(logProbabilities, longest), lowest)
	rank := logProbabilities
	if s.LengthPenalty > 0 {
		length := Max(ConvertDType(ended, dtypes.Float32), fill(g, float32(1), dims...))
		rank = Div(rank, Pow(length, fill(g, float32(s.LengthPenalty), dims...)))
	}
	best := func(x *Node) *Node { return ReduceMax(Reshape(x, dims[0], groups, dims[1]/groups), -1) } // of each group
	return LogicalAny(GreaterThan(best(bound), best(Where(goesOn, lowest, rank))), -1)
}
