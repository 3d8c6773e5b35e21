package decode

import (
	"math"

	"github.com/gomlx/compute/dtypes"
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
	dims := []int{slots, width * vocabulary}
	place := column(fill(g, int32(0), dims...))
	pad := Equal(Mod(place, fill(g, int32(vocabulary), dims...)), fill(g, token.Pad, dims...))
	taken := fill(g, float32(0), slots, vocabulary) // how often earlier groups chose each token at this step

	var allParents, allNext, allChosen []*Node
	for group := range s.BeamGroups {
		from, to := group*width, (group+1)*width
		old := Slice(logProbabilities, AxisRange(), AxisRange(from, to))
		done := GreaterThan(Slice(ended, AxisRange(), AxisRange(from, to)), fill(g, int32(0), slots, width))
		spread := func(x *Node) *Node { // [slots, width] to a value for each candidate
			return Reshape(BroadcastToDims(ExpandAxes(x, -1), slots, width, vocabulary), dims...)
		}
		candidates := Add(spread(old), Reshape(Slice(logs, AxisRange(), AxisRange(from, to)), dims...))
		rank := candidates
		if group > 0 {
			cost := Mul(taken, fill(g, float32(s.Diversity), slots, vocabulary))
			rank = Sub(rank, Reshape(BroadcastToDims(ExpandAxes(cost, 1), slots, width, vocabulary), dims...))
		}
		// A caption that ended has one continuation, padding, which ranks before all others.
		isDone := spread(done)
		rank = Where(isDone, Where(pad, fill(g, float32(-impossible), dims...), fill(g, float32(3*impossible), dims...)), rank)
		candidates = Where(isDone, spread(old), candidates)

		for range width {
			best := firstMax(rank) // [slots]
			rank = Where(Equal(place, BroadcastToDims(ExpandAxes(best, -1), dims...)), fill(g, float32(4*impossible), dims...), rank)
			allChosen = append(allChosen, pick(candidates, best))
			token := Mod(best, fill(g, int32(vocabulary), slots))
			allParents = append(allParents, Add(Div(best, fill(g, int32(vocabulary), slots)), fill(g, int32(from), slots)))
			allNext = append(allNext, token)
			if s.BeamGroups > 1 {
				hit := Equal(column(taken), BroadcastToDims(ExpandAxes(token, -1), slots, vocabulary))
				taken = Add(taken, Where(hit, fill(g, float32(1), slots, vocabulary), fill(g, float32(0), slots, vocabulary)))
			}
		}
	}
	return Stack(allParents, -1), Stack(allNext, -1), Stack(allChosen, -1)
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
