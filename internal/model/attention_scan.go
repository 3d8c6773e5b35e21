package model

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// attention is what an LSTM with soft attention reads over all time steps.
type attention struct {
	xz        *Node // [time, batch, 4*units] the tokens' projection x·W + b, gates in Keras' order i, f, g, o
	grid      *Node // [batch, locations, channels]
	projected *Node // [batch, locations, attention] the grid's way into the scores, grid·W_a + b_a
	h0, c0    *Node // [batch, units]
	attentionWeights
}

// attentionWeights are the weights that each step reads.
type attentionWeights struct {
	fromHidden *Node // [units, 4*units + attention + 1] of the recurrence, of the scores and of the gate, side by side: one product
	gateBias   *Node // [1]
	score      *Node // [attention]
	fromGrid   *Node // [channels, 4*units]
}

func (w attentionWeights) list() []*Node {
	return []*Node{w.fromHidden, w.gateBias, w.score, w.fromGrid}
}

func listedAttention(w []*Node) attentionWeights {
	return attentionWeights{fromHidden: w[0], gateBias: w[1], score: w[2], fromGrid: w[3]}
}

// attended is what one step leaves: the state after it, the gates after their activations [captions, 4*units], the attention
// alpha [captions, locations], the mean of the grid under it [captions, channels] and the gate beta [captions, 1].
type attended struct {
	h, c, gates, alpha, mean, beta *Node
}

// z is the context that the LSTM reads, the gated mean [captions, channels].
func (a attended) z() *Node { return gated(a.beta, a.mean) }

func gated(beta, mean *Node) *Node {
	return Mul(BroadcastToDims(beta, mean.Shape().Dimensions...), mean)
}

// step is one step of Xu et al. 2015: attention by the hidden state before it (equations 4, 5 and 13), the gate beta
// (section 4.2.1), and the LSTM on the token and the gated mean (equations 1 to 3). xz is [captions, 4*units]; the grid has a
// row for each picture, whose captions, as many for each, follow each other.
//
// It may be in a loop's body, so it has no reduction: GoMLX shares their functions among all functions of a graph.
func (w attentionWeights) step(xz, grid, projected, h, c *Node) attended {
	captions, units, width := h.Shape().Dim(0), h.Shape().Dim(1), w.score.Shape().Dim(0)
	all := Dot(h, w.fromHidden).Product()
	part := func(from, to int) *Node { return Slice(all, AxisRange(), AxisRange(from, to)) }
	a := attended{beta: Sigmoid(Add(part(4*units+width, 4*units+width+1), BroadcastToDims(w.gateBias, captions, 1)))}
	energies := attentionTanh(projected, part(4*units, 4*units+width))
	locations := projected.Shape().Dim(1)
	scores := Reshape(Dot(Reshape(energies, captions*locations, width), w.score).Product(), captions, locations)
	a.alpha = loopSoftmax(scores)
	pictures := grid.Shape().Dim(0)
	a.mean = Reshape(Einsum("pwl,plc->pwc", Reshape(a.alpha, pictures, -1, locations), grid), captions, -1)

	z := Add(xz, Add(part(0, 4*units), Dot(a.z(), w.fromGrid).Product()))
	i, f, candidate, o := activate(z, units)
	a.c = Add(Mul(f, c), Mul(i, candidate))
	a.h = Mul(o, Tanh(a.c))
	a.gates = Concatenate([]*Node{i, f, candidate, o}, 1)
	return a
}

// attentionTanh is the hidden layer of the scores [pictures, captions a picture, locations, attention], of the grid
// [pictures, locations, attention] and of each caption's hidden state [captions, attention].
func attentionTanh(projected, hidden *Node) *Node {
	pictures, locations, width := projected.Shape().Dim(0), projected.Shape().Dim(1), projected.Shape().Dim(2)
	each := hidden.Shape().Dim(0) / pictures
	dims := []int{pictures, each, locations, width}
	return Tanh(Add(BroadcastToDims(ExpandAxes(projected, 1), dims...), BroadcastToDims(Reshape(hidden, pictures, each, 1, width), dims...)))
}

// loopSoftmax is the softmax of x [rows, n] without a reduction.
func loopSoftmax(x *Node) *Node {
	rows, n := x.Shape().Dim(0), x.Shape().Dim(1)
	max := StopGradient(x)
	for size := n; size > 1; size = (size + 1) / 2 { // the halves overlap by one where the size is odd
		half := (size + 1) / 2
		max = Max(Slice(max, AxisRange(), AxisRange(0, half)), Slice(max, AxisRange(), AxisRange(size-half, size)))
	}
	exp := Exp(Sub(x, BroadcastToDims(max, rows, n)))
	return Div(exp, BroadcastToDims(ExpandAxes(rowSums(exp), -1), rows, n))
}

// rowSums are the sums [rows] of x [rows, n], as a product with ones.
func rowSums(x *Node) *Node {
	ones := make([]float32, x.Shape().Dim(1))
	for n := range ones {
		ones[n] = 1
	}
	return Dot(x, Const(x.Graph(), ones)).Product()
}

// scan runs the LSTM over all time steps in one compiled loop. It returns the hidden states [time, batch, units], the gated
// means z [time, batch, channels] and the attention [time, batch, locations]. Gradients flow from all three to all inputs,
// by a second loop: see scanLSTM.
func (a attention) scan() (hs, zs, alphas *Node) {
	steps, batch, units := a.xz.Shape().Dim(0), a.xz.Shape().Dim(1), a.h0.Shape().Dim(1)
	locations, channels, width := a.grid.Shape().Dim(1), a.grid.Shape().Dim(2), a.score.Shape().Dim(0)
	a.xz.AssertDims(steps, batch, 4*units)
	a.grid.AssertDims(batch, locations, channels)
	a.projected.AssertDims(batch, locations, width)
	a.c0.AssertDims(batch, units)
	a.fromHidden.AssertDims(units, 4*units+width+1)
	a.fromGrid.AssertDims(channels, 4*units)

	still := attentionOf(stopped(a.inputs()))
	kept := still.forward()
	// One custom gradient has one output: the three side by side.
	value := Concatenate([]*Node{kept.hs, gated(kept.betas, kept.means), kept.alphas}, 2)
	value = withGradient(value, a.inputs(), func(adjoint *Node) []*Node { return still.backward(kept, adjoint) })
	return SliceAxis(value, 2, AxisRange(0, units)), SliceAxis(value, 2, AxisRange(units, units+channels)), SliceAxis(value, 2, AxisRange(units+channels))
}

func (a attention) inputs() []*Node {
	return append([]*Node{a.xz, a.grid, a.projected, a.h0, a.c0}, a.list()...)
}

func attentionOf(in []*Node) attention {
	return attention{in[0], in[1], in[2], in[3], in[4], listedAttention(in[5:])}
}

// keptSteps is what the forward loop keeps for the backward one, [time, batch, ...] each. The hidden layer of the scores,
// batch*locations*attention values a step, is not among it: the backward loop computes it again.
type keptSteps struct{ hs, cs, gates, alphas, means, betas *Node }

func (a attention) forward() keptSteps {
	g := a.xz.Graph()
	steps, batch, units := a.xz.Shape().Dim(0), a.xz.Shape().Dim(1), a.h0.Shape().Dim(1)
	over := func(n int) *Node { return Zeros(g, shapes.Make(a.xz.DType(), steps, batch, n)) }
	start := []*Node{Const(g, int32(0)), a.h0, a.c0,
		over(units), over(units), over(4 * units), over(a.grid.Shape().Dim(1)), over(a.grid.Shape().Dim(2)), over(1), a.xz, a.grid, a.projected}
	start = append(start, a.list()...)
	out := WhileLoop(start,
		func(p []*Node) *Node { return LessThan(p[0], Const(p[0].Graph(), int32(steps))) },
		func(p []*Node) []*Node {
			t := p[0]
			s := listedAttention(p[12:]).step(stepOf(p[9], t), p[10], p[11], p[1], p[2])
			return append([]*Node{Add(t, Const(t.Graph(), int32(1))), s.h, s.c,
				setStep(p[3], t, s.h), setStep(p[4], t, s.c), setStep(p[5], t, s.gates), setStep(p[6], t, s.alpha), setStep(p[7], t, s.mean), setStep(p[8], t, s.beta)},
				p[9:]...)
		})
	k := stopped(out[3:9])
	return keptSteps{k[0], k[1], k[2], k[3], k[4], k[5]}
}

// backward runs the recurrence in reverse: from the adjoint of the hidden states, the gated means and the attention side by
// side, [time, batch, units + channels + locations], to those of the inputs.
func (a attention) backward(k keptSteps, adjoint *Node) []*Node {
	g, dtype := a.xz.Graph(), a.xz.DType()
	steps, batch, units := a.xz.Shape().Dim(0), a.xz.Shape().Dim(1), a.h0.Shape().Dim(1)
	locations, channels, width := a.grid.Shape().Dim(1), a.grid.Shape().Dim(2), a.score.Shape().Dim(0)

	factors := Concatenate(gateFactors(k.gates, shift(a.c0, k.cs), Tanh(k.cs)), 2)
	hPrevious := shift(a.h0, k.hs)
	hidden := MatMul(hPrevious, Slice(a.fromHidden, AxisRange(), AxisRange(4*units, 4*units+width))) // [time, batch, attention]

	over := func(n int) *Node { return Zeros(g, shapes.Make(dtype, steps, batch, n)) }
	state := Zeros(g, shapes.Make(dtype, batch, units))
	out := WhileLoop([]*Node{Const(g, int32(steps-1)), state, state, over(4*units + width + 1), over(channels),
		Zeros(g, a.projected.Shape()), Zeros(g, a.score.Shape()),
		factors, hidden, k.alphas, k.means, k.betas, adjoint, TransposeAllAxes(a.fromHidden, 1, 0), TransposeAllAxes(a.fromGrid, 1, 0), a.score, a.grid, a.projected},
		func(p []*Node) *Node { return GreaterOrEqual(p[0], Const(p[0].Graph(), int32(0))) },
		func(p []*Node) []*Node {
			t, dh, dc, dAll, dMeans, dProjected, dScore := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
			fromHiddenT, fromGridT, score, grid, projected := p[13], p[14], p[15], p[16], p[17]
			alpha, mean, beta, adjoint := stepOf(p[9], t), stepOf(p[10], t), stepOf(p[11], t), stepOf(p[12], t)
			g := t.Graph()

			// The LSTM: the gates' adjoints before their activations.
			factor := parts(stepOf(p[7], t), 6)
			dh = Add(dh, Slice(adjoint, AxisRange(), AxisRange(0, units)))
			dc = Add(dc, Mul(dh, factor[4]))
			dGates := gateAdjoints(dh, dc, factor)

			// The gated mean.
			dz := Add(Dot(dGates, fromGridT).Product(), Slice(adjoint, AxisRange(), AxisRange(units, units+channels)))
			dBeta := ExpandAxes(rowSums(Mul(dz, mean)), -1)
			dGate := Mul(dBeta, Mul(beta, oneMinus(beta)))
			dMean := gated(beta, dz)

			// The softmax and the scores, whose hidden layer is computed again.
			dAlpha := Add(Einsum("blc,bc->bl", grid, dMean), Slice(adjoint, AxisRange(), AxisRange(units+channels)))
			inner := ExpandAxes(rowSums(Mul(dAlpha, alpha)), -1)
			dScores := Mul(alpha, Sub(dAlpha, BroadcastToDims(inner, batch, locations)))
			m := Reshape(attentionTanh(projected, stepOf(p[8], t)), batch, locations, width)
			slope := oneMinus(Square(m))
			dProjected = Add(dProjected, Mul(slope, Mul(BroadcastToDims(ExpandAxes(dScores, -1), batch, locations, width), BroadcastToDims(Reshape(score, 1, 1, width), batch, locations, width))))
			dHidden := Mul(Einsum("bl,bla->ba", dScores, slope), BroadcastToDims(Reshape(score, 1, width), batch, width))
			dScore = Add(dScore, Dot(Reshape(dScores, batch*locations), Reshape(m, batch*locations, width)).Product())

			d := Concatenate([]*Node{dGates, dHidden, dGate}, 1)
			return append([]*Node{Sub(t, Const(g, int32(1))), Dot(d, fromHiddenT).Product(), Mul(dc, factor[5]),
				setStep(dAll, t, d), setStep(dMeans, t, dMean), dProjected, dScore}, p[7:]...)
		})
	dh0, dc0, dAll, dMeans, dProjected, dScore := out[1], out[2], out[3], out[4], out[5], out[6]
	dXZ := SliceAxis(dAll, 2, AxisRange(0, 4*units))
	dGrid := Einsum("tbl,tbc->blc", k.alphas, dMeans)
	dFromHidden := weightGradient(hPrevious, dAll)
	dGateBias := Reshape(ReduceAllSum(SliceAxis(dAll, 2, AxisRange(4*units+width))), 1)
	dFromGrid := weightGradient(gated(k.betas, k.means), dXZ)
	return []*Node{dXZ, dGrid, dProjected, dh0, dc0, dFromHidden, dGateBias, dScore, dFromGrid}
}

// unrolled is scan as a graph that grows with the sequence, with GoMLX's own gradients.
func (a attention) unrolled() (hs, zs, alphas *Node) {
	h, c := a.h0, a.c0
	var all [3][]*Node
	for t := range a.xz.Shape().Dim(0) {
		xz := Reshape(Slice(a.xz, AxisRange(t, t+1)), a.xz.Shape().Dim(1), -1)
		s := a.step(xz, a.grid, a.projected, h, c)
		h, c = s.h, s.c
		for n, x := range []*Node{s.h, s.z(), s.alpha} {
			all[n] = append(all[n], ExpandAxes(x, 0))
		}
	}
	return Concatenate(all[0], 0), Concatenate(all[1], 0), Concatenate(all[2], 0)
}
