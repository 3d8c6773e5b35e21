package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// gruBeforeCell is the GRU of Cho et al. 2014 (and Keras with reset_after = false, TensorFlow 1's GRUCell): the reset gate
// acts on the state before the recurrent product,
//
//	z = σ(x·Wz + bz + h·Uz)    r = σ(x·Wr + br + h·Ur)
//	g = tanh(x·Wg + bg + (r∘h)·Ug)    h' = z∘h + (1-z)∘g
//
// with gates in the order z, r, g.
type gruBeforeCell struct{}

func (gruBeforeCell) kind() string     { return "GRU" }
func (gruBeforeCell) gates() int       { return 3 }
func (gruBeforeCell) states() []string { return []string{"hidden"} }

func (gruBeforeCell) weights(v variables, units int) []*Node {
	return []*Node{v.recurrentKernel(units, 3), v.make("bias", gruBeforeBias, 3*units)}
}

func (gruBeforeCell) params(units int) int { return 3 * units * (units + 1) }

func (gruBeforeCell) input(product *Node, weights []*Node) *Node { return addRow(product, weights[1]) }

func (c gruBeforeCell) step(x *Node, weights, state []*Node) []*Node {
	units := state[0].Shape().Dim(1)
	h, _ := c.advance(x, c.split(weights[0], units), state[0])
	return []*Node{h}
}

// split cuts the recurrent kernel into the gates' part and the candidate's.
func (gruBeforeCell) split(u *Node, units int) []*Node {
	return []*Node{SliceAxis(u, 1, AxisRange(0, 2*units)), SliceAxis(u, 1, AxisRange(2*units, 3*units))}
}

func (gruBeforeCell) advance(x *Node, u []*Node, h *Node) (next, keep *Node) {
	xs, hs := parts(x, 3), parts(Dot(h, u[0]).Product(), 2)
	z, r := Sigmoid(Add(xs[0], hs[0])), Sigmoid(Add(xs[1], hs[1]))
	candidate := Tanh(Add(xs[2], Dot(Mul(r, h), u[1]).Product()))
	next = Add(Mul(z, h), Mul(oneMinus(z), candidate))
	return next, Concatenate([]*Node{z, r, candidate}, 1)
}

func (c gruBeforeCell) scan(x *Node, weights, state []*Node) *Node {
	h0, units := state[0], state[0].Shape().Dim(1)
	u := weights[0]
	hs, keeps := scanForwardKeeping(x, c.split(u, units), state, 3*units, func(x *Node, w, state []*Node) ([]*Node, *Node) {
		h, keep := c.advance(x, w, state[0])
		return []*Node{h}, keep
	})
	return withGradient(hs, []*Node{x, u, h0}, func(dHS *Node) []*Node {
		hPrev := shift(StopGradient(h0), StopGradient(hs))
		k := parts(StopGradient(keeps), 3)
		z, r, candidate := k[0], k[1], k[2]
		zFactor := Mul(Sub(hPrev, candidate), Mul(z, oneMinus(z)))       // dh' -> dz
		candidateFactor := Mul(oneMinus(z), oneMinus(Square(candidate))) // dh' -> dg
		rFactor := Mul(hPrev, Mul(r, oneMinus(r)))                       // d(r∘h) -> dr
		factors := Concatenate([]*Node{zFactor, candidateFactor, rFactor, z, r}, 2)
		split := c.split(StopGradient(u), units)
		gatesT, candidateT := TransposeAllAxes(split[0], 1, 0), TransposeAllAxes(split[1], 1, 0)
		dX, dh0 := scanBackwards([]*Node{dHS, factors}, []*Node{gatesT, candidateT}, 1, 3*units, func(at, fixed, adjoints []*Node) ([]*Node, *Node) {
			dh, k := Add(at[0], adjoints[0]), parts(at[1], 5)
			dz, dCandidate := Mul(dh, k[0]), Mul(dh, k[1])
			dReset := Dot(dCandidate, fixed[1]).Product() // of r∘h
			dr := Mul(dReset, k[2])
			before := Add(Add(Mul(dh, k[3]), Mul(dReset, k[4])), Dot(Concatenate([]*Node{dz, dr}, 1), fixed[0]).Product())
			return []*Node{before}, Concatenate([]*Node{dz, dr, dCandidate}, 1)
		})
		dGates, dCandidate := SliceAxis(dX, 2, AxisRange(0, 2*units)), SliceAxis(dX, 2, AxisRange(2*units, 3*units))
		dU := Concatenate([]*Node{weightGradient(hPrev, dGates), weightGradient(Mul(r, hPrev), dCandidate)}, 1)
		return []*Node{dX, dU, dh0[0]}
	})
}
