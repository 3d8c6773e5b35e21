package model

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// scanLSTM runs an LSTM over all time steps in one compiled loop, so the graph's size does not depend on the
// sequence's length.
//
//	xz   [time, batch, 4*units]  the inputs' projection x·W + b, gates in Keras' order i, f, g, o
//	u    [units, 4*units]        the recurrent kernel
//	h0, c0 [batch, units]        the initial hidden and cell state
//
// It returns the hidden states [time, batch, units]. Gradients flow to all four arguments: While has none of
// its own, so the backward pass is a second loop, attached through IdentityWithCustomGradient (equations of
// Hochreiter & Schmidhuber 1997 with a forget gate, Gers et al. 2000).
func scanLSTM(xz, u, h0, c0 *Node) *Node {
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), xz.Shape().Dim(2)/4
	xz.AssertDims(steps, batch, 4*units)
	u.AssertDims(units, 4*units)
	h0.AssertDims(batch, units)
	c0.AssertDims(batch, units)

	hs, cs, gates := scanForward(StopGradient(xz), StopGradient(u), StopGradient(h0), StopGradient(c0))
	hs, cs, gates = StopGradient(hs), StopGradient(cs), StopGradient(gates)

	// A custom gradient has one input and one output, so the four arguments are packed flat. hs is added to a
	// difference that is zero by value and carries hs' adjoint to the packed inputs; the compiler drops the copies.
	nXZ, nU, nState := xz.Shape().Size(), u.Shape().Size(), h0.Shape().Size()
	packed := Concatenate([]*Node{Reshape(xz, nXZ), Reshape(u, nU), Reshape(h0, nState), Reshape(c0, nState)}, 0)
	carrier := IdentityWithCustomGradient(packed, func(_, adjoint *Node) *Node {
		dHS := Reshape(Slice(adjoint, AxisRange(0, steps*batch*units)), steps, batch, units)
		dXZ, dH0, dC0 := scanBackward(dHS, gates, cs, StopGradient(u), StopGradient(c0))
		hPrev := shift(StopGradient(h0), hs)
		dU := Einsum("tbh,tbz->hz", hPrev, dXZ)
		return Concatenate([]*Node{Reshape(dXZ, nXZ), Reshape(dU, nU), Reshape(dH0, nState), Reshape(dC0, nState)}, 0)
	})
	zero := Reshape(Slice(carrier, AxisRange(0, steps*batch*units)), steps, batch, units)
	return Add(hs, Sub(zero, StopGradient(zero)))
}

// scanForward returns the hidden states and cell states [time, batch, units] and the gates after their
// activations [time, batch, 4*units].
func scanForward(xz, u, h0, c0 *Node) (hs, cs, gates *Node) {
	g, dtype := xz.Graph(), xz.DType()
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), u.Shape().Dim(0)
	stateShape := shapes.Make(dtype, batch, units)
	allStates, allGates := shapes.Make(dtype, steps, batch, units), shapes.Make(dtype, steps, batch, 4*units)
	params := []shapes.Shape{shapes.Make(dtypes.Int32), stateShape, stateShape, allStates, allStates, allGates, xz.Shape(), u.Shape()}

	cond := loopClosure(g, params, func(g *Graph, p []*Node) []*Node {
		return []*Node{LessThan(p[0], Const(g, int32(steps)))}
	})
	body := loopClosure(g, params, func(g *Graph, p []*Node) []*Node {
		t, h, c, hs, cs, gates, xz, u := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
		z := Add(stepOf(xz, t), Dot(h, u).Product())
		i, f, candidate, o := activate(z, units)
		c = Add(Mul(f, c), Mul(i, candidate))
		h = Mul(o, Tanh(c))
		gates = setStep(gates, t, Concatenate([]*Node{i, f, candidate, o}, 1))
		return []*Node{Add(t, Const(g, int32(1))), h, c, setStep(hs, t, h), setStep(cs, t, c), gates, xz, u}
	})
	out := While(cond, body, Const(g, int32(0)), h0, c0, Zeros(g, allStates), Zeros(g, allStates), Zeros(g, allGates), xz, u)
	return out[3], out[4], out[5]
}

// scanBackward runs the recurrence in reverse: from the adjoint of the hidden states to those of the projected
// inputs [time, batch, 4*units] and of the initial state.
func scanBackward(dHS, gates, cs, u, c0 *Node) (dXZ, dH0, dC0 *Node) {
	g, dtype := dHS.Graph(), dHS.DType()
	steps, batch, units := dHS.Shape().Dim(0), dHS.Shape().Dim(1), dHS.Shape().Dim(2)

	// Everything that does not depend on the recurrence is computed for all steps at once, where it uses every
	// core; the loop is left with one matrix product and a few multiplications. With
	//   dh = dHS_t + dz_{t+1}·Uᵀ,  dc = dh·o·(1-tanh²c) + dc_{t+1}·f_{t+1}
	// each gate's adjoint is dc or dh times a factor known from the forward pass.
	i, f, candidate, o := splitGates(gates, units)
	tanhC := Tanh(cs)
	cPrev := shift(c0, cs)
	one := func(x *Node) *Node { return Sub(OnesLike(x), x) }
	dcFactor := Mul(o, one(Square(tanhC)))            // dh -> dc
	iFactor := Mul(candidate, Mul(i, one(i)))         // dc -> dz_i
	fFactor := Mul(cPrev, Mul(f, one(f)))             // dc -> dz_f
	candidateFactor := Mul(i, one(Square(candidate))) // dc -> dz_g
	oFactor := Mul(tanhC, Mul(o, one(o)))             // dh -> dz_o
	factors := Concatenate([]*Node{iFactor, fFactor, candidateFactor, oFactor, dcFactor, f}, 2)
	uT := TransposeAllAxes(u, 1, 0)

	stateShape := shapes.Make(dtype, batch, units)
	params := []shapes.Shape{shapes.Make(dtypes.Int32), stateShape, stateShape, gates.Shape(), factors.Shape(), dHS.Shape(), uT.Shape()}
	cond := loopClosure(g, params, func(g *Graph, p []*Node) []*Node {
		return []*Node{GreaterOrEqual(p[0], Const(g, int32(0)))}
	})
	body := loopClosure(g, params, func(g *Graph, p []*Node) []*Node {
		t, dh, dc, dXZ, factors, dHS, uT := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
		k := stepOf(factors, t)
		part := func(n int) *Node { return Slice(k, AxisRange(), AxisRange(n*units, (n+1)*units)) }
		dh = Add(dh, stepOf(dHS, t))
		dc = Add(dc, Mul(dh, part(4)))
		dz := Concatenate([]*Node{Mul(dc, part(0)), Mul(dc, part(1)), Mul(dc, part(2)), Mul(dh, part(3))}, 1)
		return []*Node{Sub(t, Const(g, int32(1))), Dot(dz, uT).Product(), Mul(dc, part(5)), setStep(dXZ, t, dz), factors, dHS, uT}
	})
	zeroState := Zeros(g, stateShape)
	out := While(cond, body, Const(g, int32(steps-1)), zeroState, zeroState, Zeros(g, gates.Shape()), factors, dHS, uT)
	return out[3], out[1], out[2]
}

// loopClosure declares one parameter a shape and hands them to fn. A closure sees nothing of the function
// around it, and node caches such as ScalarOne are shared across functions, so fn must make constants by Const.
func loopClosure(g *Graph, params []shapes.Shape, fn func(g *Graph, p []*Node) []*Node) *Function {
	return NewClosure(g, func(g *Graph) []*Node {
		nodes := make([]*Node, len(params))
		for n, shape := range params {
			nodes[n] = Parameter(g, paramName(n), shape)
		}
		return fn(g, nodes)
	})
}

func paramName(n int) string { return "p" + string(rune('a'+n)) }

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
