package model

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Bidirectional is a decoder that reads captions both ways (Wang et al., "Image Captioning with Deep Bidirectional LSTMs", 2016):
// two language models of the same captions, each conditioned on the picture, and trained together. As a Decoder it is the
// forward one alone, so that whatever generates or scores with a decoder does so from left to right; its Layers are those of both.
//
// The two share the picture's projection (not with inject = init, where each has its own initial state) and nothing else, as in
// the authors' code (github.com/deepsemantic/image_captioning, multi_Bi_LSTM.prototxt: fc8): token embedding, recurrent layers
// and output layer are each one's own.
type Bidirectional interface {
	Decoder

	// Backward is the decoder that reads captions from their end to their start. Its Logits take the tokens that the forward ones
	// take and keep their places: row t holds the logits of the same token, given the caption's tokens after it instead of those
	// before; and where the forward ones predict the end, that nothing comes before the caption's first token. So targets and
	// weights are the same, and the two log-probabilities of a caption are sums over the same tokens. Its Start and Step generate
	// a caption's last token first.
	Backward() Decoder
}

// backwardScope is the scope, below the decoder's own, of the variables that the backward direction doesn't share.
const backwardScope = "backward"

type bidirectional struct{ *recurrentDecoder }

// Backward implements Bidirectional.
func (d bidirectional) Backward() Decoder {
	b := *d.recurrentDecoder
	b.backward = true
	return &b
}

// Layers implements Decoder.
func (d bidirectional) Layers() []Layer {
	return append(d.recurrentDecoder.Layers(), d.Backward().Layers()...)
}

// own is the scope of what a direction doesn't share.
func (d *recurrentDecoder) own(scope *model.Scope) *model.Scope {
	if d.backward {
		return scope.At(backwardScope)
	}
	return scope
}

// lengths are how many tokens [batch] there are in each row of tokens [batch, time], the start token counted.
func lengths(tokens *Node) *Node {
	real := NotEqual(tokens, ZerosLike(tokens)) // token.Pad is 0
	return ReduceSum(ConvertDType(real, dtypes.Int32), 1)
}

// turned is x [time, batch, ...] with the steps from first to last [batch], last counted, in reverse order; others stay in
// their places.
func turned(x *Node, first int, last *Node) *Node {
	g, steps := x.Graph(), shapes.Make(dtypes.Int32, x.Shape().Dim(0), x.Shape().Dim(1))
	at := Iota(g, steps, 0)
	last = BroadcastToShape(ExpandAxes(last, 0), steps)
	inside := LogicalAnd(GreaterOrEqual(at, MulScalar(OnesLike(at), first)), LessOrEqual(at, last))
	from := Where(inside, Sub(AddScalar(last, first), at), at)
	return Gather(x, Stack([]*Node{from, Iota(g, steps, 1)}, -1))
}
