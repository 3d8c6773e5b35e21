package model

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// dropout zeroes each value of x with the given probability while training, and scales the others up so that the
// mean stays (inverted dropout, as Keras has it).
//
// Drawing a random number a value takes a sixth of a training step's time on a CPU. So two are drawn, from the store's
// random state, which a checkpoint keeps, and a hash makes of them and of a value's place the number that decides: a
// few integer operations, which XLA fuses into what reads the values, forward and backward.
func dropout(scope *model.Scope, x *Node, rate float64) *Node {
	g := x.Graph()
	threshold := uint32(math.Round(rate * (1 << 32)))
	if threshold == 0 || !scope.IsTraining(g) {
		return x
	}
	uniform := scope.RandomUniform(g, shapes.Make(dtypes.Float32, 2)) // a float32 holds 24 bits
	keys := ConvertDType(MulScalar(uniform, 1<<24), dtypes.Uint32)
	key := func(n int) *Node { return Mul(Slice(keys, AxisElem(n)), Const(g, []uint32{0x9e3779b1})) } // to all 32 bits
	bits := Iota(g, shapes.Make(dtypes.Uint32, x.Shape().Size()), 0)
	bits = hash(Add(hash(BitwiseXor(bits, BroadcastToShape(key(0), bits.Shape()))), BroadcastToShape(key(1), bits.Shape())))
	kept := GreaterOrEqual(Reshape(bits, x.Shape().Dimensions...), Const(g, threshold))
	return Where(kept, MulScalar(x, 1/(1-rate)), ZerosLike(x))
}

// hash mixes each uint32 so that every bit of the result depends on every bit of x: "lowbias32" of Wellons,
// https://github.com/skeeto/hash-prospector.
func hash(x *Node) *Node {
	g := x.Graph()
	mix := func(shift uint32) { x = BitwiseXor(x, BitwiseShiftRightLogical(x, Const(g, shift))) }
	mix(16)
	x = Mul(x, Const(g, uint32(0x7feb352d)))
	mix(15)
	x = Mul(x, Const(g, uint32(0x846ca68b)))
	mix(16)
	return x
}
