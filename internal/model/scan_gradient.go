package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// withGradient returns value, and lets backward say how its adjoint flows to the inputs: While has no gradient of its own.
// The inputs must hold at least as many values together as value does.
//
// A custom gradient has one input and one output, so the inputs are packed flat; value is added to a difference that is zero
// by value and carries the adjoint to them. The compiler drops the copies.
func withGradient(value *Node, inputs []*Node, backward func(adjoint *Node) []*Node) *Node {
	value = StopGradient(value)
	size, dims := value.Shape().Size(), value.Shape().Dimensions
	packed := Concatenate(flattened(inputs), 0)
	carrier := IdentityWithCustomGradient(packed, func(_, adjoint *Node) *Node {
		return Concatenate(flattened(backward(Reshape(Slice(adjoint, AxisRange(0, size)), dims...))), 0)
	})
	zero := Reshape(Slice(carrier, AxisRange(0, size)), dims...)
	return Add(value, Sub(zero, StopGradient(zero)))
}

func flattened(nodes []*Node) []*Node {
	flat := make([]*Node, len(nodes))
	for n, node := range nodes {
		flat[n] = Reshape(node, node.Shape().Size())
	}
	return flat
}

// stopped are the nodes without a way back for gradients.
func stopped(nodes []*Node) []*Node {
	out := make([]*Node, len(nodes))
	for n, node := range nodes {
		out[n] = StopGradient(node)
	}
	return out
}
