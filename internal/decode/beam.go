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
// earlier ones chose costs a token `diversity` for each time; reported log-probabilities are without that.
func beam(s generation) (*Node, *Node) {
	g, pictures, width := s.features.Graph(), s.features.Shape().Dim(0), s.BeamWidth
	rows := pictures * width
	start := s.decoder.Start(s.scope, s.features)
	for n := range start {
		start[n] = repeatRows(start[n], width)
	}
	weights := s.decoder.StepWeights(s.scope, g)

	// In each group one beam begins; the others are copies of it, which must not count.
	first := Iota(g, shapes.Make(dtypes.Int32, pictures, width), 1)
	first = Equal(Mod(first, fill(g, int32(width/s.BeamGroups), pictures, width)), fill(g, int32(0), pictures, width))
	state := []*Node{
		Const(g, int32(0)),                 // step
		fill(g, token.Start, rows),         // token fed next
		fill(g, int32(0), pictures, width), // tokens of a caption that ended; 0: goes on
		fill(g, token.Pad, rows, s.maxLength+1),
		Where(first, fill(g, float32(0), pictures, width), fill(g, float32(impossible), pictures, width)), // log-probability so far
		Const(g, true), // a caption may still become the best
	}
	fixed := len(state)
	state = append(append(state, start...), weights...)
	state = loop(state, func(p []*Node) *Node {
		return LogicalAnd(LessOrEqual(p[0], Const(p[0].Graph(), int32(s.maxLength))), p[5])
	}, func(p []*Node) []*Node {
		step, fed, ended, tokens, logProbabilities := p[0], p[1], p[2], p[3], p[4]
		g, state, weights := step.Graph(), p[fixed:fixed+len(start)], p[fixed+len(start):]
		logits, state := s.decoder.Step(weights, state, fed)
		logs := s.rules(logSoftmax(logits), tokens, step)

		parents, next, logProbabilities := s.choose(Reshape(logs, pictures, width, -1), ended, logProbabilities)
		picture := Iota(g, shapes.Make(dtypes.Int32, pictures, width), 0)
		from := Reshape(Add(Mul(picture, fill(g, int32(width), pictures, width)), parents), rows, 1)
		for n := range state {
			state[n] = Gather(state[n], from)
		}
		next = Reshape(next, rows)
		tokens = DynamicUpdateSlice(Gather(tokens, from), ExpandAxes(next, -1), []*Node{Const(g, int32(0)), step})
		ended = Reshape(Gather(Reshape(ended, rows), from), rows)
		length := BroadcastToDims(Add(step, Const(g, int32(1))), rows)
		ended = Reshape(Where(isToken(next, token.End), length, ended), pictures, width)
		result := []*Node{Add(step, Const(g, int32(1))), next, ended, tokens, logProbabilities, s.canImprove(ended, logProbabilities)}
		return append(append(result, state...), weights...)
	})
	return Reshape(state[3], pictures, width, s.maxLength+1), state[4]
}

// repeatRows makes of each row of x [rows, ...] times rows that follow each other.
func repeatRows(x *Node, times int) *Node {
	dims := x.Shape().Dimensions
	wide := append([]int{dims[0], times}, dims[1:]...)
	x = BroadcastToDims(ExpandAxes(x, 1), wide...)
	return Reshape(x, append([]int{dims[0] * times}, dims[1:]...)...)
}

// choose extends the captions of every picture by one token: logs are the next tokens' log-probabilities
// [pictures, width, vocabulary], ended and logProbabilities [pictures, width] tell of the captions so far. It returns
// which captions go on, with which token, and their log-probabilities, all [pictures, width].
func (s generation) choose(logs, ended, logProbabilities *Node) (parents, next, chosen *Node) {
	g, pictures, vocabulary := logs.Graph(), logs.Shape().Dim(0), logs.Shape().Dim(2)
	width := s.BeamWidth / s.BeamGroups
	dims := []int{pictures, width * vocabulary}
	place := column(fill(g, int32(0), dims...))
	pad := Equal(Mod(place, fill(g, int32(vocabulary), dims...)), fill(g, token.Pad, dims...))
	taken := fill(g, float32(0), pictures, vocabulary) // how often earlier groups chose each token at this step

	var allParents, allNext, allChosen []*Node
	for group := range s.BeamGroups {
		from, to := group*width, (group+1)*width
		old := Slice(logProbabilities, AxisRange(), AxisRange(from, to))
		done := GreaterThan(Slice(ended, AxisRange(), AxisRange(from, to)), fill(g, int32(0), pictures, width))
		spread := func(x *Node) *Node { // [pictures, width] to a value for each candidate
			return Reshape(BroadcastToDims(ExpandAxes(x, -1), pictures, width, vocabulary), dims...)
		}
		candidates := Add(spread(old), Reshape(Slice(logs, AxisRange(), AxisRange(from, to)), dims...))
		rank := candidates
		if group > 0 {
			cost := Mul(taken, fill(g, float32(s.Diversity), pictures, vocabulary))
			rank = Sub(rank, Reshape(BroadcastToDims(ExpandAxes(cost, 1), pictures, width, vocabulary), dims...))
		}
		// A caption that ended has one continuation, padding, which ranks before all others.
		isDone := spread(done)
		rank = Where(isDone, Where(pad, fill(g, float32(-impossible), dims...), fill(g, float32(3*impossible), dims...)), rank)
		candidates = Where(isDone, spread(old), candidates)

		for range width {
			best := firstMax(rank, place) // [pictures]
			rank = Where(Equal(place, BroadcastToDims(ExpandAxes(best, -1), dims...)), fill(g, float32(4*impossible), dims...), rank)
			allChosen = append(allChosen, pick(candidates, best))
			token := Mod(best, fill(g, int32(vocabulary), pictures))
			allParents = append(allParents, Add(Div(best, fill(g, int32(vocabulary), pictures)), fill(g, int32(from), pictures)))
			allNext = append(allNext, token)
			if s.BeamGroups > 1 {
				hit := Equal(column(taken), BroadcastToDims(ExpandAxes(token, -1), pictures, vocabulary))
				taken = Add(taken, Where(hit, fill(g, float32(1), pictures, vocabulary), fill(g, float32(0), pictures, vocabulary)))
			}
		}
	}
	return Stack(allParents, -1), Stack(allNext, -1), Stack(allChosen, -1)
}

// firstMax is the place of the largest value of each row of x [rows, columns]; of equal ones the first. place is
// column(x). A maximum and a minimum are vectorised where XLA's arg-max on the CPU is not.
func firstMax(x, place *Node) *Node {
	dims := x.Shape().Dimensions
	isMax := Equal(x, BroadcastToDims(ReduceAndKeep(x, ReduceMax, -1), dims...))
	return ReduceMin(Where(isMax, place, fill(x.Graph(), int32(dims[1]-1), dims...)), -1)
}

// pick is the value of each row of x [rows, columns] at a column.
func pick(x, at *Node) *Node {
	row := Iota(x.Graph(), shapes.Make(dtypes.Int32, x.Shape().Dim(0)), 0)
	return Gather(x, Stack([]*Node{row, at}, -1))
}

// canImprove is whether any picture has a caption that goes on and may still rank above the best that ended. ended
// and logProbabilities are [pictures, width]. Log-probabilities only fall, and a longer caption's is divided by more.
func (s generation) canImprove(ended, logProbabilities *Node) *Node {
	g, dims := ended.Graph(), ended.Shape().Dimensions
	goesOn := isToken(ended, 0)
	lowest := fill(g, float32(3*impossible), dims...)
	longest := fill(g, float32(1/math.Pow(float64(s.maxLength+1), s.LengthPenalty)), dims...)
	bound := ReduceMax(Where(goesOn, Mul(logProbabilities, longest), lowest), -1)
	rank := logProbabilities
	if s.LengthPenalty > 0 {
		length := Max(ConvertDType(ended, dtypes.Float32), fill(g, float32(1), dims...))
		rank = Div(rank, Pow(length, fill(g, float32(s.LengthPenalty), dims...)))
	}
	best := ReduceMax(Where(goesOn, lowest, rank), -1)
	return GreaterThan(ReduceMax(Sub(bound, best)), Const(g, float32(0)))
}
