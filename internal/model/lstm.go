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

// step adds up gate by gate: each then reads its part of x where it comes from, as from a table of tokens.
func (lstmCell) step(x *Node, weights, state []*Node) []*Node {
	xs, products, biases := parts(x, 4), parts(MatMul(state[0], weights[0]), 4), parts(weights[1], 4)
	gate := func(n int) *Node { return Add(addRow(xs[n], biases[n]), products[n]) }
	c := Add(Mul(Sigmoid(gate(1)), state[1]), Mul(Sigmoid(gate(0)), Tanh(gate(2))))
	return []*Node{Mul(Sigmoid(gate(3)), Tanh(c)), c}
}
