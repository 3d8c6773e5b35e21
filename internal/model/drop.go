package model

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// drop is dropout at one of the places of Settings.DropoutOn.
func (d *recurrentDecoder) drop(scope *model.Scope, x *Node, place string) *Node {
	if !slices.Contains(d.DropoutOn, place) {
		return x
	}
	return dropout(scope, x, d.Dropout)
}

// join concatenates two tensors after dropout of each; where both have it, one draw serves the whole.
func (d *recurrentDecoder) join(scope *model.Scope, a *Node, placeA string, b *Node, placeB string, axis int) *Node {
	if slices.Contains(d.DropoutOn, placeA) && slices.Contains(d.DropoutOn, placeB) {
		return dropout(scope, Concatenate([]*Node{a, b}, axis), d.Dropout)
	}
	return Concatenate([]*Node{d.drop(scope, a, placeA), d.drop(scope, b, placeB)}, axis)
}
