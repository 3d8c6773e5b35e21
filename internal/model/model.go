// Package model builds decoders: picture features and token ids to logits, over a whole sequence and one step at a time.
//
// Shapes in comments are written [batch, time, hidden]. Inside the package sequences are time-major,
// [time, batch, ...], because a scan reads and writes whole time steps.
package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Decoder is a language model conditioned on picture features.
//
// Its methods build graphs: they panic on shape errors, as GoMLX's own layers do, and their callers turn the
// panic into an error.
type Decoder interface {
	// Logits runs teacher forcing over whole captions. features is [batch, featureSize], tokens is
	// [batch, time] and begins with the start token. The result is time-major, [time, batch, vocabulary]:
	// row t holds the logits of the token that follows tokens[:, t].
	Logits(scope *model.Scope, features, tokens *graph.Node) *graph.Node

	// Start returns what generation starts from: the state with which the first token, the start token, is fed to Step,
	// and the context, what each picture adds at every step, both [batch, ...].
	Start(scope *model.Scope, features *graph.Node) (state, context []*graph.Node)

	// StepWeights returns the variables that Step reads, so that a caller can carry them into a While loop,
	// whose closures see nothing but their own parameters.
	StepWeights(scope *model.Scope, g *graph.Graph) []*graph.Node

	// Step advances one token: tokens is [captions], logits is [captions, vocabulary]. The state has a row for each
	// caption, the context one for each picture, whose captions, as many for each, follow each other. It has no dropout.
	Step(weights, context, state []*graph.Node, tokens *graph.Node) (logits *graph.Node, next []*graph.Node)

	// Layers lists the layers with their output shapes and parameter counts.
	Layers() []Layer
}

// Layer is one row of a summary table.
type Layer struct {
	Name   string
	Kind   string
	Output []int // without the batch axis; 0 stands for time
	Params int
	Frozen bool // training leaves the parameters as they are
}

// Size are the dimensions a decoder gets from the data.
type Size struct {
	Features   int      // values a picture
	Locations  int      // of a grid, whose values are [Locations, Features/Locations]; 0 or 1: the features are one vector
	Vocabulary int      // tokens, special ones included
	Pretrained *Vectors // word vectors, nil for none
}

// kinds are the decoders by their name in [decoder].
var kinds = map[string]func(Settings, Size) Decoder{
	"lstm":      newRecurrent,
	"gru":       newRecurrent,
	"attention": newAttention,
}

// New returns the decoder that the settings name.
func New(s Settings, size Size) (Decoder, error) {
	if size.Features <= 0 || size.Vocabulary <= 0 {
		return nil, fmt.Errorf("decoder %q needs at least one feature and one token, got %d and %d", s.Name, size.Features, size.Vocabulary)
	}
	build, ok := kinds[s.Name]
	if !ok {
		return nil, fmt.Errorf("unknown decoder %q; known are %s", s.Name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	s = s.withDefaults()
	if err := s.Check().Err(); err != nil {
		return nil, fmt.Errorf("decoder %q: %w", s.Name, err)
	}
	if s.Name == "attention" {
		if err := checkAttention(s, size); err != nil {
			return nil, err
		}
	}
	if size.Pretrained != nil {
		if err := size.Pretrained.check(s, size.Vocabulary); err != nil {
			return nil, fmt.Errorf("decoder %q: %w", s.Name, err)
		}
	}
	return build(s, size), nil
}
