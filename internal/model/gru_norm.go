package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// normGRUCell is the GRU with layer normalisation of Ba et al. 2016 (supplementary material), in gruCell's terms:
//
//	(z, r) = σ(LN(x·W)·α + b + LN(h·U)·γ + c)    g = tanh(LN(x·Wg)·αg + bg + r∘(LN(h·Ug)·γg + cg))    h' = z∘h + (1-z)∘g
//
// with statistics over z and r together and over g.
type normGRUCell struct{ gruCell }

func (normGRUCell) kind() string { return "GRU, layer norm" }

func (c normGRUCell) weights(v variables, units int) []*Node {
	return append(c.gruCell.weights(v, units), v.make("input_gain", ones, 3*units), v.make("recurrent_gain", ones, 3*units))
}

func (c normGRUCell) params(units int) int { return c.gruCell.params(units) + 6*units }

// norm normalizes [..., 3*units].
func (normGRUCell) norm(x *Node) normalized {
	units := x.Shape().Dim(-1) / 3
	return normalize(x, 2*units, units)
}

func (c normGRUCell) input(product *Node, weights []*Node) *Node {
	return addRow(mulRow(c.norm(product).hat, weights[3]), weights[1])
}

func (c normGRUCell) step(x *Node, weights, state []*Node) []*Node {
	next, _ := c.advance(x, []*Node{weights[0], weights[2], weights[4]}, state)
	return next
}

// advance is one step; w are the recurrent kernel, bias and gain. keep is that of gruStep and h·U.
func (c normGRUCell) advance(x *Node, w, state []*Node) (next []*Node, keep *Node) {
	product := Dot(state[0], w[0]).Product()
	h, keep := gruStep(x, addRow(mulRow(c.norm(product).hat, w[2]), w[1]), state[0])
	return []*Node{h}, Concatenate([]*Node{keep, product}, 1)
}

func (c normGRUCell) scan(x *Node, weights, state []*Node) *Node {
	w := []*Node{weights[0], weights[2], weights[4]}
	h0, units := state[0], state[0].Shape().Dim(1)
	hs, keeps := scanForwardKeeping(x, w, state, 7*units, c.advance)
	return withGradient(hs, []*Node{x, w[0], w[1], w[2], h0}, func(dHS *Node) []*Node {
		w, keeps := stopped(w), StopGradient(keeps)
		hPrev := shift(StopGradient(h0), StopGradient(hs))
		f := gruFactors(SliceAxis(keeps, 2, AxisRange(0, 4*units)), hPrev)
		recurrent := c.norm(SliceAxis(keeps, 2, AxisRange(4*units, 7*units)))
		fixed := []*Node{TransposeAllAxes(w[0], 1, 0), w[2]}
		perStep := []*Node{dHS, f.recurrent, f.carry, recurrent.hat, recurrent.scale}
		results, first := scanBackwards(perStep, fixed, 1, 4*units, func(at, fixed, adjoints []*Node) ([]*Node, *Node) {
			dh := Add(at[0], adjoints[0])
			dProduct := normalized{at[3], at[4], recurrent.groups}.backward(mulRow(Mul(beside(dh, 3), at[1]), fixed[1]))
			return []*Node{Add(Mul(dh, at[2]), Dot(dProduct, fixed[0]).Product())}, Concatenate([]*Node{dh, dProduct}, 1)
		})
		dhs := beside(SliceAxis(results, 2, AxisRange(0, units)), 3)
		dProduct, dR := SliceAxis(results, 2, AxisRange(units, 4*units)), Mul(dhs, f.recurrent)
		return []*Node{Mul(dhs, f.input), weightGradient(hPrev, dProduct), ReduceSum(dR, 0, 1), ReduceSum(Mul(dR, recurrent.hat), 0, 1), first[0]}
	})
}
