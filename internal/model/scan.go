package model

import (
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
// its own, so the backward pass is a second loop, attached by withGradient (equations of
// Hochreiter & Schmidhuber 1997 with a forget gate, Gers et al. 2000).
func scanLSTM(xz, u, h0, c0 *Node) *Node {
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), xz.Shape().Dim(2)/4
	xz.AssertDims(steps, batch, 4*units)
	u.AssertDims(units, 4*units)
	h0.AssertDims(batch, units)
	c0.AssertDims(batch, units)

	still := stopped([]*Node{xz, u, h0, c0})
	hs, cs, gates := scanForward(still[0], still[1], still[2], still[3])
	hs, cs, gates = StopGradient(hs), StopGradient(cs), StopGradient(gates)
	return withGradient(hs, []*Node{xz, u, h0, c0}, func(dHS *Node) []*Node {
		dXZ, dH0, dC0 := scanBackward(dHS, gates, cs, still[1], still[3])
		return []*Node{dXZ, Einsum("tbh,tbz->hz", shift(still[2], hs), dXZ), dH0, dC0}
	})
}

// scanForward returns the hidden states and cell states [time, batch, units] and the gates after their
// activations [time, batch, 4*units].
func scanForward(xz, u, h0, c0 *Node) (hs, cs, gates *Node) {
	g, dtype := xz.Graph(), xz.DType()
	steps, batch, units := xz.Shape().Dim(0), xz.Shape().Dim(1), u.Shape().Dim(0)
	allStates, allGates := shapes.Make(dtype, steps, batch, units), shapes.Make(dtype, steps, batch, 4*units)
	out := whileLoop([]*Node{Const(g, int32(0)), h0, c0, Zeros(g, allStates), Zeros(g, allStates), Zeros(g, allGates), xz, u},
		func(p []*Node) *Node { return LessThan(p[0], Const(p[0].Graph(), int32(steps))) },
		func(p []*Node) []*Node {
			t, h, c, hs, cs, gates, xz, u := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
			z := Add(stepOf(xz, t), Dot(h, u).Product())
			i, f, candidate, o := activate(z, units)
			c = Add(Mul(f, c), Mul(i, candidate))
			h = Mul(o, Tanh(c))
			gates = setStep(gates, t, Concatenate([]*Node{i, f, candidate, o}, 1))
			return []*Node{Add(t, Const(t.Graph(), int32(1))), h, c, setStep(hs, t, h), setStep(cs, t, c), gates, xz, u}
		})
	return out[3], out[4], out[5]
}

// scanBackward runs the recurrence in reverse: from the adjoint of the hidden states to those of the projected
// inputs [time, batch, 4*units] and of the initial state.
func scanBackward(dHS, gates, cs, u, c0 *Node) (dXZ, dH0, dC0 *Node) {
	g, dtype := dHS.Graph(), dHS.DType()
	steps, batch, units := dHS.Shape().Dim(0), dHS.Shape().Dim(1), dHS.Shape().Dim(2)

	factors, uT := gateFactors(gates, cs, c0), TransposeAllAxes(u, 1, 0)
	zeroState := Zeros(g, shapes.Make(dtype, batch, units))
	out := whileLoop([]*Node{Const(g, int32(steps-1)), zeroState, zeroState, Zeros(g, gates.Shape()), factors, dHS, uT},
		func(p []*Node) *Node { return GreaterOrEqual(p[0], Const(p[0].Graph(), int32(0))) },
		func(p []*Node) []*Node {
			t, dh, dc, dXZ, factors, dHS, uT := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
			factor := parts(stepOf(factors, t), 6)
			dh = Add(dh, stepOf(dHS, t))
			dc = Add(dc, Mul(dh, factor[4]))
			dz := gateAdjoints(dh, dc, factor)
			return []*Node{Sub(t, Const(t.Graph(), int32(1))), Dot(dz, uT).Product(), Mul(dc, factor[5]), setStep(dXZ, t, dz), factors, dHS, uT}
		})
	return out[3], out[1], out[2]
}

// gateFactors are the factors [time, batch, 6*units] by which an LSTM's adjoints flow at each step. Everything that does not
// depend on the recurrence is computed for all steps at once, where it uses every core; a loop is left with its matrix
// products and a few multiplications. With
//
//	dh = dHS_t + dz_{t+1}·Uᵀ,  dc = dh·o·(1-tanh²c) + dc_{t+1}·f_{t+1}
//
// each gate's adjoint is dc or dh times a factor known from the forward pass.
func gateFactors(gates, cs, c0 *Node) *Node {
	i, f, candidate, o := splitGates(gates, c0.Shape().Dim(1))
	tanhC := Tanh(cs)
	return Concatenate([]*Node{
		Mul(candidate, Mul(i, oneMinus(i))),     // dc -> dz_i
		Mul(shift(c0, cs), Mul(f, oneMinus(f))), // dc -> dz_f
		Mul(i, oneMinus(Square(candidate))),     // dc -> dz_g
		Mul(tanhC, Mul(o, oneMinus(o))),         // dh -> dz_o
		Mul(o, oneMinus(Square(tanhC))),         // dh -> dc
		f,                                       // dc -> the dc of the step before
	}, 2)
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
