package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// cell is one kind of recurrent layer. Its kernels hold the gates beside each other, [in, gates*units]; its state's
// tensors are [batch, units], the hidden state, which is its output, first. weights are all of its variables but the
// input kernel, in an order of the cell's own.
type cell interface {
	// kind is the layer's name in a summary.
	kind() string

	// gates is how many times units its kernels are wide.
	gates() int

	// states names the state's tensors.
	states() []string

	// weights makes the variables, params counts their values.
	weights(v variables, units int) []*Node
	params(units int) int

	// input makes of the inputs' product with the input kernel, [..., gates*units], what scan and step read.
	input(product *Node, weights []*Node) *Node

	// scan runs over x [time, batch, gates*units] in one compiled loop and returns the outputs [time, batch, units]. Gradients
	// flow to x, weights and state.
	scan(x *Node, weights, state []*Node) *Node

	// step advances by x [batch, gates*units]. It may be part of a loop's body, so it makes constants by Const and has
	// no reductions.
	step(x *Node, weights, state []*Node) []*Node
}

// cell is what the settings name.
func (s Settings) cell() cell {
	switch {
	case s.Name == "gru" && s.LayerNorm:
		return normGRUCell{}
	case s.Name == "gru" && !s.ResetAfter:
		return gruBeforeCell{}
	case s.Name == "gru":
		return gruCell{}
	case s.LayerNorm:
		return normLSTMCell{}
	}
	return lstmCell{}
}

// unroll runs a cell over x [time, batch, gates*units] step by step: its graph grows with the sequence, but it needs no
// loop with dynamic slices, which the pure-Go backend lacks.
func unroll(c cell, x *Node, weights, state []*Node) *Node {
	outputs := make([]*Node, x.Shape().Dim(0))
	for t := range outputs {
		state = c.step(Squeeze(Slice(x, AxisElem(t)), 0), weights, state)
		outputs[t] = state[0]
	}
	return Stack(outputs, 0)
}

// parts cuts the last axis into n equal parts.
func parts(x *Node, n int) []*Node {
	size := x.Shape().Dim(-1) / n
	out := make([]*Node, n)
	for k := range out {
		out[k] = SliceAxis(x, -1, AxisRange(k*size, (k+1)*size))
	}
	return out
}

// oneMinus is 1 - x.
func oneMinus(x *Node) *Node { return Sub(one(x), x) }

// one is a tensor of ones like x that may be part of a loop's body.
func one(x *Node) *Node {
	return BroadcastToDims(Const(x.Graph(), float32(1)), x.Shape().Dimensions...)
}

// addRow is x [..., n] plus row [n].
func addRow(x, row *Node) *Node { return Add(x, ExpandLeftToRank(row, x.Rank())) }
