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
	return []*Node{v.recurrentKernel(units, 4), v.make("bias", lstmBias, 4*units)}
}

func (lstmCell) params(units int) int { return 4 * units * (units + 1) }

// input is the product alone: the bias is added where the gates are computed.
func (lstmCell) input(product *Node, _ []*Node) *Node { return product }

func (lstmCell) scan(x *Node, weights, state []*Node) *Node {
	return scanLSTM(x, weights[0], weights[1], state[0], state[1])
}

func (lstmCell) step(x *Node, weights, state []*Node) []*Node {
	h, c := state[0], state[1]
	i, f, candidate, o := activate(Add(addRow(x, weights[1]), MatMul(h, weights[0])), h.Shape().Dim(1))
	c = Add(Mul(f, c), Mul(i, candidate))
	return []*Node{Mul(o, Tanh(c)), c}
}
