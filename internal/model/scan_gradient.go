package model

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// withGradient returns value, and lets backward say how its adjoint flows to the inputs: While has no gradient of its own.
//
// A custom gradient has one input and one output, so the inputs are packed flat, and padded where value is larger; value is
// added to a difference that is zero by value and carries the adjoint to them. The compiler drops the copies.
func withGradient(value *Node, inputs []*Node, backward func(adjoint *Node) []*Node) *Node {
	value = StopGradient(value)
	size, dims := value.Shape().Size(), value.Shape().Dimensions
	pack := func(nodes []*Node) *Node {
		flat, missing := flattened(nodes), size
		for _, node := range flat {
			missing -= node.Shape().Size()
		}
		if missing > 0 {
			flat = append(flat, Zeros(value.Graph(), shapes.Make(value.DType(), missing)))
		}
		return Concatenate(flat, 0)
	}
	carrier := IdentityWithCustomGradient(pack(inputs), func(_, adjoint *Node) *Node {
		return pack(backward(Reshape(Slice(adjoint, AxisRange(0, size)), dims...)))
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
