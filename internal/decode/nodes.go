package decode

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// impossible is the log-probability of what a rule forbids: finite, so that sums and differences are no NaN.
const impossible = -1e9

// fill is a tensor of one value. Unlike Scalar it makes its own constant, which a closure must.
func fill[T int32 | float32](g *Graph, value T, dims ...int) *Node {
	return BroadcastToDims(Const(g, value), dims...)
}

// isToken marks the positions of ids that hold one token.
func isToken(ids *Node, id int32) *Node {
	return Equal(ids, fill(ids.Graph(), id, ids.Shape().Dimensions...))
}

// column is the token number of each position of a tensor [rows, vocabulary].
func column(like *Node) *Node {
	return Iota(like.Graph(), shapes.Make(dtypes.Int32, like.Shape().Dimensions...), 1)
}

// logSoftmax of logits [rows, vocabulary].
func logSoftmax(logits *Node) *Node {
	shifted := Sub(logits, ExpandAxes(ReduceMax(logits, -1), -1))
	return Sub(shifted, ExpandAxes(Log(ReduceSum(Exp(shifted), -1)), -1))
}

// whereRows takes whole rows of x where cond [rows] holds, else of y.
func whereRows(cond, x, y *Node) *Node {
	for cond.Rank() < x.Rank() {
		cond = ExpandAxes(cond, -1)
	}
	return Where(BroadcastToDims(cond, x.Shape().Dimensions...), x, y)
}

// repeatRows makes of each row of x [rows, ...] times rows that follow each other.
func repeatRows(x *Node, times int) *Node {
	if times == 1 {
		return x
	}
	dims := x.Shape().Dimensions
	x = BroadcastToDims(ExpandAxes(x, 1), append([]int{dims[0], times}, dims[1:]...)...)
	return Reshape(x, append([]int{dims[0] * times}, dims[1:]...)...)
}

// pick is the value of each row of x [rows, columns] at a column.
func pick(x, at *Node) *Node {
	row := Iota(x.Graph(), shapes.Make(dtypes.Int32, x.Shape().Dim(0)), 0)
	return Gather(x, Stack([]*Node{row, at}, -1))
}

// firstMax is the place of the largest value of each row of x [rows, columns]; of equal ones the first. A maximum and
// a minimum are vectorised where XLA's arg-max on the CPU is not.
func firstMax(x *Node) *Node {
	dims := x.Shape().Dimensions
	isMax := Equal(x, BroadcastToDims(ReduceAndKeep(x, ReduceMax, -1), dims...))
	return ReduceMin(Where(isMax, column(x), fill(x.Graph(), int32(dims[1]-1), dims...)), -1)
}
