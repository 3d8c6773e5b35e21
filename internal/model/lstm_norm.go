package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// normLSTMCell is the LSTM with layer normalisation of Ba et al. 2016 (supplementary material):
//
//	(i, f, g, o) = LN(x·W)·αx + LN(h·U)·αh + b
//	c' = σ(f)∘c + σ(i)∘tanh(g)    h' = σ(o)∘tanh(LN(c')·αc + βc)
//
// with statistics over all four gates together. The paper's biases of the first two are part of b.
type normLSTMCell struct{}

func (normLSTMCell) kind() string     { return "LSTM, layer norm" }
func (normLSTMCell) gates() int       { return 4 }
func (normLSTMCell) states() []string { return []string{"hidden", "cell"} }

func (normLSTMCell) weights(v variables, units int) []*Node {
	return []*Node{v.recurrentKernel(units, 4), v.make("bias", lstmBias, 4*units), v.make("input_gain", ones, 4*units),
		v.make("recurrent_gain", ones, 4*units), v.make("cell_gain", ones, units), v.make("cell_bias", zeros, units)}
}

func (normLSTMCell) params(units int) int { return 4*units*(units+3) + 2*units }

func (normLSTMCell) input(product *Node, weights []*Node) *Node {
	return addRow(mulRow(normalize(product, product.Shape().Dim(-1)).hat, weights[2]), weights[1])
}

func (c normLSTMCell) step(x *Node, weights, state []*Node) []*Node {
	next, _ := c.advance(x, []*Node{weights[0], weights[3], weights[4], weights[5]}, state)
	return next
}

// advance is one step; w are the recurrent kernel and gain and the cell's gain and bias. keep is i, f, g, o, c' and h·U.
func (normLSTMCell) advance(x *Node, w, state []*Node) (next []*Node, keep *Node) {
	units := w[0].Shape().Dim(0)
	product := Dot(state[0], w[0]).Product()
	i, f, candidate, o := activate(Add(x, mulRow(normalize(product, 4*units).hat, w[1])), units)
	cell := Add(Mul(f, state[1]), Mul(i, candidate))
	h := Mul(o, Tanh(addRow(mulRow(normalize(cell, units).hat, w[2]), w[3])))
	return []*Node{h, cell}, Concatenate([]*Node{i, f, candidate, o, cell, product}, 1)
}

func (c normLSTMCell) scan(x *Node, weights, state []*Node) *Node {
	w := []*Node{weights[0], weights[3], weights[4], weights[5]}
	h0, c0, units := state[0], state[1], state[0].Shape().Dim(1)
	hs, keeps := scanForwardKeeping(x, w, state, 9*units, c.advance)
	return withGradient(hs, []*Node{x, w[0], w[1], w[2], w[3], h0, c0}, func(dHS *Node) []*Node {
		w := stopped(w)
		k := parts(StopGradient(keeps), 9)
		i, f, candidate, o, cell := k[0], k[1], k[2], k[3], k[4]
		recurrent := normalize(Concatenate(k[5:], 2), 4*units)
		inner := normalize(cell, units)
		tanhC := Tanh(addRow(mulRow(inner.hat, w[2]), w[3]))
		cPrev, hPrev := shift(StopGradient(c0), cell), shift(StopGradient(h0), StopGradient(hs))

		dInner := Mul(o, oneMinus(Square(tanhC))) // dh -> that of LN(c)·αc + βc
		factors := []*Node{
			dHS, mulRow(dInner, w[2]), f,
			Mul(candidate, Mul(i, oneMinus(i))), Mul(cPrev, Mul(f, oneMinus(f))), Mul(i, oneMinus(Square(candidate))), // dc -> gates
			Mul(tanhC, Mul(o, oneMinus(o))), // dh -> o
			inner.hat, inner.scale, recurrent.hat, recurrent.scale,
		}
		fixed := []*Node{TransposeAllAxes(w[0], 1, 0), w[1]}
		results, first := scanBackwards(factors, fixed, 2, 9*units, func(at, fixed, adjoints []*Node) ([]*Node, *Node) {
			inner, recurrent := normalized{at[7], at[8], inner.groups}, normalized{at[9], at[10], recurrent.groups}
			dh := Add(at[0], adjoints[0])
			dc := Add(adjoints[1], inner.backward(Mul(dh, at[1])))
			dz := Concatenate([]*Node{Mul(dc, at[3]), Mul(dc, at[4]), Mul(dc, at[5]), Mul(dh, at[6])}, 1)
			dProduct := recurrent.backward(mulRow(dz, fixed[1]))
			return []*Node{Dot(dProduct, fixed[0]).Product(), Mul(dc, at[2])}, Concatenate([]*Node{dz, dProduct, dh}, 1)
		})
		dz, dProduct := SliceAxis(results, 2, AxisRange(0, 4*units)), SliceAxis(results, 2, AxisRange(4*units, 8*units))
		dInner = Mul(dInner, SliceAxis(results, 2, AxisRange(8*units)))
		return []*Node{dz, weightGradient(hPrev, dProduct), ReduceSum(Mul(dz, recurrent.hat), 0, 1),
			ReduceSum(Mul(dInner, inner.hat), 0, 1), ReduceSum(dInner, 0, 1), first[0], first[1]}
	})
}
