package model

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// scanLSTM runs an LSTM over all time steps in one compiled loop, so the graph's size does not depend on the
// sequence's length.
//
//	xz   [time, batch, 4*units]  the inputs' projection x·W, gates in Keras' order i, f, g, o
//	u    [units, 4*units]        the recurrent kernel
//	bias [4*units]
//	h0, c0 [batch, units]        the initial hidden and cell state
//
// It returns the hidden states [time, batch, units]. Gradients flow to all five arguments: While has none of
// its own, so the backward pass is a second loop, attached by withGradient (equations of
// Hochreiter & Schmidhuber 1997 with a forget gate, Gers et al. 2000).
func scanLSTM(xz, u, bias, h0, c0 *Node) *Node {
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), xz.Shape().Dim(2)/4
	xz.AssertDims(steps, batch, 4*units)
	u.AssertDims(units, 4*units)
	bias.AssertDims(4 * units)
	h0.AssertDims(batch, units)
	c0.AssertDims(batch, units)

	inputs := []*Node{xz, u, bias, h0, c0}
	still := stopped(inputs)
	f := scanForward(still[0], still[1], still[2], still[3], still[4])
	return withGradient(f.hs, inputs, func(dHS *Node) []*Node {
		dXZ, dH0, dC0 := scanBackward(dHS, still[1], f)
		return []*Node{dXZ, weightGradient(shift(still[3], f.hs), dXZ), ReduceSum(dXZ, 0, 1), dH0, dC0}
	})
}

// forwardPass is what scanForward leaves, over all time steps.
type forwardPass struct {
	hs     *Node // [time, batch, units] the hidden states
	before *Node // [time, batch, units] the cell state before each step
	last   *Node // [batch, units] the cell state after the last one
	gates  *Node // [time, batch, 4*units] the gates after their activations
}

// scanForward runs the recurrence. A step's gates take the place of its part of xz, which is read no more: tensors of this
// size that are filled with zeros first, or copied, cost as much as the arithmetic. So does a pass for the bias alone.
func scanForward(xz, u, bias, h0, c0 *Node) forwardPass {
	g, dtype := xz.Graph(), xz.DType()
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), u.Shape().Dim(0)
	states := shapes.Make(dtype, steps, batch, units)
	out := WhileLoop([]*Node{Const(g, int32(0)), h0, c0, Zeros(g, states), Zeros(g, states), xz, u, bias},
		func(p []*Node) *Node { return LessThan(p[0], Const(p[0].Graph(), int32(steps))) },
		func(p []*Node) []*Node {
			t, h, c, hs, before, gates, u, bias := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
			i, f, candidate, o := activate(Add(addRow(stepOf(gates, t), bias), Dot(h, u).Product()), units)
			before = setStep(before, t, c)
			c = Add(Mul(f, c), Mul(i, candidate))
			h = Mul(o, Tanh(c))
			gates = setStep(gates, t, Concatenate([]*Node{i, f, candidate, o}, 1))
			return []*Node{Add(t, Const(t.Graph(), int32(1))), h, c, setStep(hs, t, h), before, gates, u, bias}
		})
	out = stopped(out)
	return forwardPass{hs: out[3], before: out[4], last: out[2], gates: out[5]}
}

// scanBackward runs the recurrence in reverse: from the adjoint of the hidden states to those of the projected
// inputs [time, batch, 4*units] and of the initial state.
//
// A step's adjoints take the place of its gates. XLA does that without a copy of the whole tensor if nothing else reads what is
// written to, so each step reads the gates for the next one from the result.
func scanBackward(dHS, u *Node, s forwardPass) (dXZ, dH0, dC0 *Node) {
	g, dtype := dHS.Graph(), dHS.DType()
	steps, batch, units := dHS.Shape().Dim(0), dHS.Shape().Dim(1), dHS.Shape().Dim(2)

	zeroState := Zeros(g, shapes.Make(dtype, batch, units))
	gates := Reshape(Slice(s.gates, AxisElem(steps-1)), batch, 4*units)
	out := WhileLoop([]*Node{Const(g, int32(steps-1)), zeroState, zeroState, s.last, gates, s.gates, s.before, dHS, TransposeAllAxes(u, 1, 0)},
		func(p []*Node) *Node { return GreaterOrEqual(p[0], Const(p[0].Graph(), int32(0))) },
		func(p []*Node) []*Node {
			t, dh, dc, c, gates, all, before, dHS, uT := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]
			cPrev := stepOf(before, t)
			factors := gateFactors(gates, cPrev, Tanh(c))
			dh = Add(dh, stepOf(dHS, t))
			dc = Add(dc, Mul(dh, factors[4]))
			dz := gateAdjoints(dh, dc, factors)
			all = setStep(all, t, dz)
			t = Sub(t, Const(t.Graph(), int32(1)))
			return []*Node{t, Dot(dz, uT).Product(), Mul(dc, factors[5]), cPrev, stepOf(all, t), all, before, dHS, uT}
		})
	return out[5], out[1], out[2]
}

// gateFactors are the six factors [..., units] by which an LSTM's adjoints flow at a step, from its gates after their activations
// [..., 4*units], the cell state before it and the tanh of the one after it. With
//
//	dh = dHS_t + dz_{t+1}·Uᵀ,  dc = dh·o·(1-tanh²c) + dc_{t+1}·f_{t+1}
//
// each gate's adjoint is dc or dh times a factor known from the forward pass.
func gateFactors(gates, cPrev, tanhC *Node) []*Node {
	i, f, candidate, o := splitGates(gates, cPrev.Shape().Dim(-1))
	return []*Node{
		Mul(candidate, Mul(i, oneMinus(i))), // dc -> dz_i
		Mul(cPrev, Mul(f, oneMinus(f))),     // dc -> dz_f
		Mul(i, oneMinus(Square(candidate))), // dc -> dz_g
		Mul(tanhC, Mul(o, oneMinus(o))),     // dh -> dz_o
		Mul(o, oneMinus(Square(tanhC))),     // dh -> dc
		f,                                   // dc -> the dc of the step before
	}
}

// gateAdjoints are those of the gates before their activations [batch, 4*units], by one step's factors.
func gateAdjoints(dh, dc *Node, factor []*Node) *Node {
	return Concatenate([]*Node{Mul(dc, factor[0]), Mul(dc, factor[1]), Mul(dc, factor[2]), Mul(dh, factor[3])}, 1)
}

// loopClosure declares one parameter a shape and hands them to fn. A closure sees nothing of the function
// around it, and node caches such as ScalarOne are shared across functions, so fn must make constants by Const.
func loopClosure(g *Graph, params []shapes.Shape, fn func(g *Graph, p []*Node) []*Node) *Function {
	return NewClosure(g, func(g *Graph) []*Node {
		nodes := make([]*Node, len(params))
		for n, shape := range params {
			nodes[n] = Parameter(g, fmt.Sprintf("p%d", n), shape)
		}
		return fn(g, nodes)
	})
}

// activate splits pre-activations [batch, 4*units] into the gates i, f, the candidate g, and o.
func activate(z *Node, units int) (i, f, candidate, o *Node) {
	i, f, candidate, o = splitGates(z, units)
	return Sigmoid(i), Sigmoid(f), Tanh(candidate), Sigmoid(o)
}

// splitGates cuts the last axis, of 4*units, into its four parts.
func splitGates(z *Node, units int) (i, f, candidate, o *Node) {
	part := func(n int) *Node {
		return SliceAxis(z, -1, AxisRange(n*units, (n+1)*units))
	}
	return part(0), part(1), part(2), part(3)
}

// stepOf returns x[t] of x [time, batch, n].
func stepOf(x, t *Node) *Node {
	zero := Const(x.Graph(), int32(0))
	batch, n := x.Shape().Dim(1), x.Shape().Dim(2)
	return Reshape(DynamicSlice(x, []*Node{t, zero, zero}, []int{1, batch, n}), batch, n)
}

// setStep returns x [time, batch, n] with x[t] replaced by value [batch, n].
func setStep(x, t, value *Node) *Node {
	zero := Const(x.Graph(), int32(0))
	return DynamicUpdateSlice(x, Reshape(value, 1, value.Shape().Dim(0), value.Shape().Dim(1)), []*Node{t, zero, zero})
}

// shift returns the sequence that holds, at each step, the state before it: first, then all[0..time-2].
func shift(first, all *Node) *Node {
	first = Reshape(first, 1, first.Shape().Dim(0), first.Shape().Dim(1))
	steps := all.Shape().Dim(0)
	if steps == 1 {
		return first
	}
	return Concatenate([]*Node{first, Slice(all, AxisRange(0, steps-1))}, 0)
}
