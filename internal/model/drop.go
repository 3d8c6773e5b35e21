package model

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// drop is dropout at one of the places of Settings.DropoutOn.
func (s Settings) drop(scope *model.Scope, x *Node, place string) *Node {
	if !s.dropsOn(place) {
		return x
	}
	return dropout(scope, x, s.Dropout)
}

// has says whether a decoder of these settings has a place of DropoutOn.
func (s Settings) has(place string) bool {
	switch place {
	case "image":
		return s.Name != "attention" && s.Inject != "init"
	case "layers":
		return s.Name != "attention" && s.Layers > 1
	}
	return true
}

// dropsOn says whether there is dropout at a place while training.
func (s Settings) dropsOn(place string) bool {
	return s.Dropout > 0 && slices.Contains(s.DropoutOn, place)
}

// drops says whether drop changes anything in a graph.
func (s Settings) drops(scope *model.Scope, g *Graph, place string) bool {
	return scope.IsTraining(g) && s.dropsOn(place)
}

// join concatenates two tensors after dropout of each; where both have it, one draw serves the whole.
func (s Settings) join(scope *model.Scope, a *Node, placeA string, b *Node, placeB string, axis int) *Node {
	if s.dropsOn(placeA) && s.dropsOn(placeB) {
		return dropout(scope, Concatenate([]*Node{a, b}, axis), s.Dropout)
	}
	return Concatenate([]*Node{s.drop(scope, a, placeA), s.drop(scope, b, placeB)}, axis)
}
