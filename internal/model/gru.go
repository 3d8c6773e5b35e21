package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// gruCell is the GRU of Keras (reset_after), PyTorch and cuDNN: the reset gate acts after the recurrent product,
//
//	z = σ(x·Wz + bz + h·Uz + cz)    r = σ(x·Wr + br + h·Ur + cr)
//	g = tanh(x·Wg + bg + r∘(h·Ug + cg))    h' = z∘h + (1-z)∘g
//
// with gates in Keras' order z, r, g and the biases b and c as the rows of one [2, 3*units].
type gruCell struct{}

func (gruCell) kind() string     { return "GRU" }
func (gruCell) gates() int       { return 3 }
func (gruCell) states() []string { return []string{"hidden"} }

func (gruCell) weights(v variables, units int) []*Node {
	u := v.recurrentKernel(units, 3)
	b := v.make("bias", zeros, 2, 3*units)
	return []*Node{u, Squeeze(Slice(b, AxisElem(0)), 0), Squeeze(Slice(b, AxisElem(1)), 0)}
}

func (gruCell) params(units int) int { return 3 * units * (units + 2) }

func (gruCell) input(product *Node, weights []*Node) *Node { return addRow(product, weights[1]) }

func (c gruCell) step(x *Node, weights, state []*Node) []*Node {
	h, _ := gruStep(x, addRow(Dot(state[0], weights[0]).Product(), weights[2]), state[0])
	return []*Node{h}
}

// gruStep is the cell, given the recurrent product with its bias [batch, 3*units]; keep is z, r, g and what r acts on, for
// the backward pass.
func gruStep(x, recurrent, h *Node) (next, keep *Node) {
	xs, hs := parts(x, 3), parts(recurrent, 3)
	z, r := Sigmoid(Add(xs[0], hs[0])), Sigmoid(Add(xs[1], hs[1]))
	candidate := Tanh(Add(xs[2], Mul(r, hs[2])))
	next = Add(Mul(z, h), Mul(oneMinus(z), candidate))
	return next, Concatenate([]*Node{z, r, candidate, hs[2]}, 1)
}

func (gruCell) scan(x *Node, weights, state []*Node) *Node {
	u, bias, h0 := weights[0], weights[2], state[0]
	units := u.Shape().Dim(0)
	hs, keeps := scanForwardKeeping(x, []*Node{u, bias}, state, 4*units, func(x *Node, w, state []*Node) ([]*Node, *Node) {
		h, keep := gruStep(x, addRow(Dot(state[0], w[0]).Product(), w[1]), state[0])
		return []*Node{h}, keep
	})
	return withGradient(hs, []*Node{x, u, bias, h0}, func(dHS *Node) []*Node {
		hPrev := shift(StopGradient(h0), StopGradient(hs))
		f := gruFactors(StopGradient(keeps), hPrev)
		uT := TransposeAllAxes(StopGradient(u), 1, 0)
		dhs, dh0 := scanBackwards([]*Node{dHS, f.recurrent, f.carry}, []*Node{uT}, 1, units, func(at, fixed, adjoints []*Node) ([]*Node, *Node) {
			dh := Add(at[0], adjoints[0])
			return []*Node{Add(Mul(dh, at[2]), Dot(Mul(beside(dh, 3), at[1]), fixed[0]).Product())}, dh
		})
		dhs = beside(dhs, 3)
		dR := Mul(dhs, f.recurrent)
		return []*Node{Mul(dhs, f.input), weightGradient(hPrev, dR), ReduceSum(dR, 0, 1), dh0[0]}
	})
}

// gruGradient are what the adjoint of h' is multiplied by, [time, batch, ...]: for x and for the recurrent product
// [3*units], and for h itself [units]. Nothing of it depends on the recurrence, so it is computed for all steps at once.
type gruGradient struct{ input, recurrent, carry *Node }

func gruFactors(keeps, hPrev *Node) gruGradient {
	k := parts(keeps, 4)
	z, r, candidate, product := k[0], k[1], k[2], k[3]
	dz := Mul(Sub(hPrev, candidate), Mul(z, oneMinus(z)))
	dCandidate := Mul(oneMinus(z), oneMinus(Square(candidate)))
	dr := Mul(Mul(dCandidate, product), Mul(r, oneMinus(r)))
	return gruGradient{
		input:     Concatenate([]*Node{dz, dr, dCandidate}, 2),
		recurrent: Concatenate([]*Node{dz, dr, Mul(dCandidate, r)}, 2),
		carry:     z,
	}
}

// beside repeats the last axis n times.
func beside(x *Node, n int) *Node {
	all := make([]*Node, n)
	for k := range all {
		all[k] = x
	}
	return Concatenate(all, -1)
}
