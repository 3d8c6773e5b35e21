package model

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// FrontScope is where the variables of a decoder's front are.
const FrontScope = "encoder"

// Front are the layers of an image encoder that are trained with the decoder.
type Front interface {
	// Features maps what is kept of each picture, [batch, values], to the features that the decoder is made for,
	// [batch, featureSize]. Its variables are below FrontScope.
	Features(scope *model.Scope, kept *Node) *Node
}

// WithFront is the decoder behind a front: its features are what is kept of each picture. It is an Attender or Bidirectional if
// the decoder is.
//
// A picture goes through the front once for each of its captions in a batch: shuffled batches seldom have two. Where the weights
// stay as they are, compute the front's features once and give them to the decoder itself.
func WithFront(d Decoder, f Front) Decoder {
	switch d := d.(type) {
	case Attender:
		return attenderBehind{d, f}
	case Bidirectional:
		return bidirectionalBehind{decoderBehind{d, sharedFront{f}}, d}
	}
	return decoderBehind{d, f}
}

// HasFront tells whether a decoder is behind a front.
func HasFront(d Decoder) bool {
	switch d.(type) {
	case decoderBehind, attenderBehind, bidirectionalBehind:
		return true
	}
	return false
}

type decoderBehind struct {
	Decoder
	front Front
}

// Logits implements Decoder.
func (d decoderBehind) Logits(scope *model.Scope, kept, tokens *Node) *Node {
	return d.Decoder.Logits(scope, d.front.Features(scope, kept), tokens)
}

// Start implements Decoder.
func (d decoderBehind) Start(scope *model.Scope, kept *Node) (state, context []*Node) {
	return d.Decoder.Start(scope, d.front.Features(scope, kept))
}

type bidirectionalBehind struct {
	decoderBehind
	both Bidirectional
}

// Backward implements Bidirectional.
func (d bidirectionalBehind) Backward() Decoder { return WithFront(d.both.Backward(), d.front) }

// sharedFront computes the features that both directions read in a graph once: fronts are the larger part of a step's work, and
// their gradients are not found to be the same.
type sharedFront struct{ Front }

type sharedFeatures struct{ kept, features *Node }

// Features implements Front.
func (f sharedFront) Features(scope *model.Scope, kept *Node) *Node {
	const key = "/" + FrontScope + "/features"
	if known, ok := model.GetGraphParam(kept.Graph(), key); ok && known.(sharedFeatures).kept == kept {
		return known.(sharedFeatures).features
	}
	features := f.Front.Features(scope, kept)
	model.SetGraphParam(kept.Graph(), key, sharedFeatures{kept, features})
	return features
}

type attenderBehind struct {
	Attender
	front Front
}

// Logits implements Decoder.
func (d attenderBehind) Logits(scope *model.Scope, kept, tokens *Node) *Node {
	return d.Attender.Logits(scope, d.front.Features(scope, kept), tokens)
}

// Start implements Decoder.
func (d attenderBehind) Start(scope *model.Scope, kept *Node) (state, context []*Node) {
	return d.Attender.Start(scope, d.front.Features(scope, kept))
}

// Attention implements Attender.
func (d attenderBehind) Attention(scope *model.Scope, kept, tokens *Node) *Node {
	return d.Attender.Attention(scope, d.front.Features(scope, kept), tokens)
}
