package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// normEpsilon is what PyTorch's LayerNorm adds to the variance.
const normEpsilon = 1e-5

// normalized is x after layer normalisation (Ba et al. 2016), before its gain and bias: (x - mean) / deviation, with
// statistics over each of the groups that the last axis is divided into.
type normalized struct {
	hat    *Node // like x
	scale  *Node // 1 / deviation, like x
	groups []int
}

// normalize may be part of a loop's body.
func normalize(x *Node, groups ...int) normalized {
	n := normalized{groups: groups}
	centred := Sub(x, n.mean(x))
	epsilon := BroadcastToDims(Const(x.Graph(), float32(normEpsilon)), x.Shape().Dimensions...)
	n.scale = Div(one(x), Sqrt(Add(n.mean(Mul(centred, centred)), epsilon)))
	n.hat = Mul(centred, n.scale)
	return n
}

// mean is each group's mean at each of its places. It is a matrix product, since a kind of reduction may occur in one
// function of a graph only.
func (n normalized) mean(x *Node) *Node {
	at, dims := 0, x.Shape().Dimensions
	var means []*Node
	for _, size := range n.groups {
		group := x
		if len(n.groups) > 1 {
			group = SliceAxis(x, -1, AxisRange(at, at+size))
		}
		column := BroadcastToDims(Const(x.Graph(), 1/float32(size)), size, 1)
		means = append(means, BroadcastToDims(MatMul(group, column), append(dims[:len(dims)-1:len(dims)-1], size)...))
		at += size
	}
	if len(means) == 1 {
		return means[0]
	}
	return Concatenate(means, -1)
}

// backward is the adjoint of x, given that of hat.
func (n normalized) backward(dHat *Node) *Node {
	return Mul(n.scale, Sub(Sub(dHat, n.mean(dHat)), Mul(n.hat, n.mean(Mul(dHat, n.hat)))))
}

// mulRow is x [..., n] times row [n].
func mulRow(x, row *Node) *Node { return Mul(x, ExpandLeftToRank(row, x.Rank())) }
