package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// lstmCell is the LSTM of Hochreiter & Schmidhuber 1997 with a forget gate (Gers et al. 2000), as in Keras: gates in the
// order i, f, g, o, one bias.
type lstmCell struct{}

func (lstmCell) kind() string     { return "LSTM" }
func (lstmCell) gates() int       { return 4 }
func (lstmCell) states() []string { return []string{"hidden", "cell"} }

func (lstmCell) weights(v variables, units int) []*Node {
	return []*Node{v.kernel("recurrent_kernel", units, 4*units), v.make("bias", lstmBias, 4*units)}
}

func (lstmCell) params(units int) int { return 4 * units * (units + 1) }

func (lstmCell) input(product *Node, weights []*Node) *Node { return addRow(product, weights[1]) }

func (lstmCell) scan(x *Node, weights, state []*Node) *Node {
	return scanLSTM(x, weights[0], state[0], state[1])
}

func (lstmCell) step(x *Node, weights, state []*Node) []*Node {
	h, c := cellStep(x, state[0], state[1], weights[0])
	return []*Node{h, c}
}

// cellStep is one LSTM step: xz [batch, 4*units] is what the input adds to the gates, h and c [batch, units].
func cellStep(xz, h, c, u *Node) (*Node, *Node) {
	i, f, candidate, o := activate(Add(xz, MatMul(h, u)), u.Shape().Dim(0))
	c = Add(Mul(f, c), Mul(i, candidate))
	return Mul(o, Tanh(c)), c
}
