package model

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// dropout zeroes each value of x with the given probability while training, and scales the others up so that the
// mean stays (inverted dropout, as Keras has it). The probability is rounded to a multiple of 1/256.
//
// Drawing random numbers is a sixth of a training step's time on a CPU, so each of them serves three values, with
// eight bits each. They come from the store's random state, which a checkpoint keeps.
func dropout(scope *model.Scope, x *Node, rate float64) *Node {
	g := x.Graph()
	threshold := math.Round(rate * 256)
	if threshold <= 0 || !scope.IsTraining(g) {
		return x
	}
	n := x.Shape().Size()
	draws := (n + 2) / 3
	uniform := scope.RandomUniform(g, shapes.Make(dtypes.Float32, draws)) // a float32 holds 24 bits
	bits := ConvertDType(MulScalar(uniform, 1<<24), dtypes.Int32)
	byteMask := Const(g, int32(255))
	field := func(shift int32) *Node {
		return BitwiseAnd(BitwiseShiftRightLogical(bits, Const(g, shift)), byteMask)
	}
	fields := Slice(Concatenate([]*Node{field(0), field(8), field(16)}, 0), AxisRange(0, n))
	kept := GreaterOrEqual(Reshape(fields, x.Shape().Dimensions...), Const(g, int32(threshold)))
	return Where(kept, MulScalar(x, 256/(256-threshold)), ZerosLike(x))
}
