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

// column is the number of each position's column in a tensor [rows, columns].
func column(like *Node) *Node {
	return Iota(like.Graph(), shapes.Make(dtypes.Int32, like.Shape().Dimensions...), 1)
}

// logSoftmax of logits [rows, vocabulary].
func logSoftmax(logits *Node) *Node {
	shifted := Sub(logits, ExpandAxes(ReduceMax(logits, -1), -1))
	return Sub(shifted, ExpandAxes(Log(ReduceSum(Exp(shifted), -1)), -1))
}

// spread gives each value of x [...] to a last axis [..., columns]; dims are the result's.
func spread(x *Node, dims ...int) *Node { return BroadcastToDims(ExpandAxes(x, -1), dims...) }

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

// pick is the value of each row of x [rows, columns] at a column [rows].
func pick(x, at *Node) *Node { return Squeeze(pickEach(x, ExpandAxes(at, -1)), -1) }

// pickEach is the values of each row of x [rows, columns] at some columns [rows, n].
func pickEach(x, at *Node) *Node {
	row := Iota(x.Graph(), at.Shape(), 0)
	return Gather(x, Stack([]*Node{row, at}, -1))
}

// firstMax is the place of the largest value of each row of x [rows, columns]; of equal ones the first.
func firstMax(x *Node) *Node {
	return first(Equal(x, BroadcastToDims(ReduceAndKeep(x, ReduceMax, -1), x.Shape().Dimensions...)))
}

// first is the first place in each row where cond [rows, columns] holds, the last place where it never does. A minimum of float32 is
// vectorised where XLA's arg-max on the CPU and a minimum of int32 are not.
func first(cond *Node) *Node {
	g, dims, dtype := cond.Graph(), cond.Shape().Dimensions, dtypes.Float32
	if dims[1] > 1<<24 { // not all are float32's
		dtype = dtypes.Int32
	}
	place, last := Iota(g, shapes.Make(dtype, dims...), 1), ConvertDType(fill(g, int32(dims[1]-1), dims...), dtype)
	return ConvertDType(ReduceMin(Where(cond, place, last), -1), dtypes.Int32)
}
