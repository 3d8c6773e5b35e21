package model

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// withGradient returns value, and lets backward say how its adjoint flows to the inputs: While has no gradient of its own.
//
// A custom gradient has one input and one output, so the inputs are packed flat, behind as many zeros as value has values: these
// zeros are added to value, and carry its adjoint to the inputs. The compiler drops the copies, and the zeros.
func withGradient(value *Node, inputs []*Node, backward func(adjoint *Node) []*Node) *Node {
	value = StopGradient(value)
	size, dims := value.Shape().Size(), value.Shape().Dimensions
	pack := func(nodes []*Node) *Node {
		return Concatenate(append([]*Node{Zeros(value.Graph(), shapes.Make(value.DType(), size))}, flattened(nodes)...), 0)
	}
	front := func(packed *Node) *Node { return Reshape(Slice(packed, AxisRange(0, size)), dims...) }
	carrier := IdentityWithCustomGradient(pack(inputs), func(_, adjoint *Node) *Node { return pack(backward(front(adjoint))) })
	return Add(value, front(carrier))
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
