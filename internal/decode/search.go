package decode

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

// chooser picks what comes next in the captions of each slot. logs are the next tokens' log-probabilities
// [slots, width, vocabulary]; ended and logProbabilities [slots, width] tell of the captions so far. It returns which
// captions go on, with which token, and their log-probabilities, all [slots, width], and the random state. A caption
// that ended must stay, with padding, unless it is impossible.
type chooser func(logs, ended, logProbabilities, random *Node) (parents, next, chosen, nextRandom *Node)

// The search's state begins with these; what a layout tells follows.
const (
	atRandom           = iota
	atBusy             // a slot has a picture
	atLoaded           // pictures taken so far
	atCount            // pictures that there are
	atPicture          // [slots] the picture that a slot works on; the capacity means none
	atStep             // [slots] tokens of the slot's captions
	atFed              // [slots*width] tokens fed next
	atEnded            // [slots, width] tokens of a caption that ended, its end counted; 0: it goes on
	atTokens           // [slots*width, maxLength+1]
	atLogProbabilities // [slots, width]
	atOutTokens        // [capacity+1, width*(maxLength+1)]; the last row takes what no picture needs
	atOutLogs          // [capacity+1, width]
	atDecoder
)

// layout is where in the search's state the decoder's parts begin.
type layout struct {
	decoder  int // the decoder's state, [slots*width, ...] each
	context  int // what the slots' pictures add at every step, [slots, ...] each
	weights  int
	starts   int // the states that all pictures start from, [capacity, ...] each
	contexts int // all pictures' context, [capacity, ...] each
}

// search runs the loop that all methods share: each slot works on one picture, and one that is done takes the next
// picture at once, so that short captions don't wait for the longest of a batch.
func (s generation) search(width, groups int, choose chooser) (tokens, logProbabilities *Node) {
	g, capacity := s.features.Graph(), s.features.Shape().Dim(0)
	slots, length := min(s.Batch, capacity), s.maxLength+1
	starts, contexts := s.decoder.Start(s.scope, s.features)
	weights := s.decoder.StepWeights(s.scope, g)

	first := Iota(g, shapes.Make(dtypes.Int32, slots), 0)
	state := make([]*Node, atDecoder)
	state[atRandom], state[atBusy], state[atCount] = s.random, Const(g, true), s.count
	state[atLoaded] = Const(g, int32(slots))
	state[atPicture] = Where(LessThan(first, BroadcastToDims(s.count, slots)), first, fill(g, int32(capacity), slots))
	state[atStep] = fill(g, int32(0), slots)
	state[atFed] = fill(g, token.Start, slots*width)
	state[atEnded] = fill(g, int32(0), slots, width)
	state[atTokens] = fill(g, token.Pad, slots*width, length)
	state[atLogProbabilities] = beginning(g, slots, width, groups)
	state[atOutTokens] = fill(g, token.Pad, capacity+1, width*length)
	state[atOutLogs] = fill(g, float32(impossible), capacity+1, width)
	for _, start := range starts {
		state = append(state, repeatRows(SliceAxis(start, 0, AxisRange(0, slots)), width))
	}
	for _, context := range contexts {
		state = append(state, SliceAxis(context, 0, AxisRange(0, slots)))
	}
	state = slices.Concat(state, weights, starts, contexts)
	at := layout{decoder: atDecoder}
	at.context = at.decoder + len(starts)
	at.weights = at.context + len(contexts)
	at.starts = at.weights + len(weights)
	at.contexts = at.starts + len(starts)

	state = model.WhileLoop(state, func(p []*Node) *Node { return p[atBusy] }, func(p []*Node) []*Node {
		next := append([]*Node{}, p...)
		logits, decoder := s.decoder.Step(p[at.weights:at.starts], p[at.context:at.weights], p[at.decoder:at.context], p[atFed])
		// The probability is the model's own, over the whole vocabulary, as under teacher forcing.
		logs := s.rules(logSoftmax(logits), p[atTokens], repeatRows(p[atStep], width))
		var parents, chosen *Node
		parents, chosen, next[atLogProbabilities], next[atRandom] = choose(Reshape(logs, slots, width, -1), p[atEnded], p[atLogProbabilities], p[atRandom])
		copy(next[at.decoder:], decoder)
		if width > 1 {
			follow(next, parents, slots, width, at.context)
		}
		next[atFed] = Reshape(chosen, slots*width)
		next[atTokens] = write(next[atTokens], repeatRows(p[atStep], width), next[atFed])
		next[atStep] = Add(p[atStep], fill(p[atStep].Graph(), int32(1), slots))
		isEnd := isToken(chosen, token.End)
		next[atEnded] = Where(isEnd, spread(next[atStep], slots, width), next[atEnded])
		done := LogicalOr(GreaterThan(next[atStep], fill(p[atStep].Graph(), int32(s.maxLength), slots)),
			LogicalNot(s.canImprove(next[atEnded], next[atLogProbabilities], groups)))
		s.reload(next, done, width, groups, at)
		return next
	})
	tokens = Reshape(SliceAxis(state[atOutTokens], 0, AxisRange(0, capacity)), capacity, width, length)
	return tokens, SliceAxis(state[atOutLogs], 0, AxisRange(0, capacity))
}

// beginning is the log-probability [slots, width] of captions without a token: in each group one begins; the others
// are copies of it, which must not count.
func beginning(g *Graph, slots, width, groups int) *Node {
	n := Iota(g, shapes.Make(dtypes.Int32, slots, width), 1)
	isFirst := isToken(Mod(n, fill(g, int32(width/groups), slots, width)), 0)
	return Where(isFirst, fill(g, float32(0), slots, width), fill(g, float32(impossible), slots, width))
}

// follow puts the parents' states [slots, width] in their children's places.
func follow(state []*Node, parents *Node, slots, width, decoderEnd int) {
	g := parents.Graph()
	slot := Iota(g, shapes.Make(dtypes.Int32, slots, width), 0)
	from := Reshape(Add(Mul(slot, fill(g, int32(width), slots, width)), parents), slots*width, 1)
	for n := atDecoder; n < decoderEnd; n++ {
		state[n] = Gather(state[n], from)
	}
	state[atTokens] = Gather(state[atTokens], from)
	state[atEnded] = Reshape(Gather(Reshape(state[atEnded], slots*width), from), slots, width)
}

// write puts a token [rows] at a column [rows] of tokens [rows, length].
func write(tokens, at, value *Node) *Node {
	dims := tokens.Shape().Dimensions
	is := Equal(column(tokens), spread(at, dims...))
	return Where(is, spread(value, dims...), tokens)
}

// reload keeps the captions of the slots that are done, and gives those slots the next pictures.
func (s generation) reload(state []*Node, done *Node, width, groups int, at layout) {
	g, slots, capacity := done.Graph(), done.Shape().Dim(0), s.features.Shape().Dim(0)
	none := fill(g, int32(capacity), slots)
	row := ExpandAxes(Where(done, state[atPicture], none), -1)
	// Each picture's row is written once, over padding and impossible log-probabilities, the lowest values that there are.
	state[atOutTokens] = ScatterMax(state[atOutTokens], row, Reshape(state[atTokens], slots, -1), false, false)
	state[atOutLogs] = ScatterMax(state[atOutLogs], row, state[atLogProbabilities], false, false)

	// The slots that are done take pictures in their order: a product with a triangle of ones counts those before.
	square := shapes.Make(dtypes.Int32, slots, slots)
	before := ConvertDType(LessThan(Iota(g, square, 0), Iota(g, square, 1)), dtypes.Float32)
	isDone := ConvertDType(done, dtypes.Float32)
	order := ConvertDType(Reshape(MatMul(Reshape(isDone, 1, slots), before), slots), dtypes.Int32)
	take := Add(order, BroadcastToDims(state[atLoaded], slots))
	take = Where(LessThan(take, BroadcastToDims(state[atCount], slots)), take, none)
	state[atPicture] = Where(done, take, state[atPicture])
	state[atLoaded] = Add(state[atLoaded], ReduceAllSum(ConvertDType(done, dtypes.Int32)))
	state[atBusy] = LessThan(ReduceAllMin(state[atPicture]), Const(g, int32(capacity)))

	rows := repeatRows(done, width)
	fresh := func(at int, value *Node) { state[at] = whereRows(rows, value, state[at]) }
	fresh(atFed, fill(g, token.Start, slots*width))
	fresh(atTokens, fill(g, token.Pad, slots*width, s.maxLength+1))
	state[atStep] = Where(done, fill(g, int32(0), slots), state[atStep])
	state[atEnded] = whereRows(done, fill(g, int32(0), slots, width), state[atEnded])
	state[atLogProbabilities] = whereRows(done, beginning(g, slots, width, groups), state[atLogProbabilities])
	picture := Min(state[atPicture], fill(g, int32(capacity-1), slots))
	for n := range at.context - at.decoder {
		fresh(at.decoder+n, Gather(state[at.starts+n], ExpandAxes(repeatRows(picture, width), -1)))
	}
	for n := range at.weights - at.context {
		state[at.context+n] = whereRows(done, Gather(state[at.contexts+n], ExpandAxes(picture, -1)), state[at.context+n])
	}
}
