package model

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

const bfloat16Key = "/bfloat16"

// UseBFloat16 has the decoder of a graph multiply in bfloat16: the matrix products over all of a batch's tokens or locations at
// once, and their gradients, read their factors rounded to 8 bits of mantissa and add up in float32, as a GPU's matrix units do. Weights,
// activations and the recurrence itself, whose products are small and follow each other, stay float32.
func UseBFloat16(g *Graph) { model.SetGraphParam(g, bfloat16Key, true) }

func usesBFloat16(g *Graph) bool {
	_, found := model.GetGraphParam(g, bfloat16Key)
	return found
}

// dot begins a product in the graph's precision.
func dot(a, b *Node) *DotBuilder {
	if !usesBFloat16(a.Graph()) {
		return Dot(a, b)
	}
	return Dot(ConvertDType(a, dtypes.BFloat16), ConvertDType(b, dtypes.BFloat16)).WithAccumulatorDType(dtypes.Float32).WithOutputDType(dtypes.Float32)
}

// product is x·w of x [..., in] and w [in, out]. Its gradients have the graph's precision, where GoMLX would take a bfloat16
// product's in float32, and that by w is xᵀ·adjoint, where GoMLX takes the transpose of adjointᵀ·x, for which XLA transposes the
// adjoint, mostly the larger of the two, on one core.
func product(x, w *Node) *Node {
	// Rows, since on the CPU XLA can't multiply bfloat16 into float32 for every order of more axes ("Unsupported element type for DotThunk").
	dims, rows := x.Shape().Dimensions, Reshape(x, -1, w.Shape().Dim(0))
	var adjoint *Node
	a := IdentityWithCustomGradient(rows, func(_, _ *Node) *Node { return dot(adjoint, w).General([]int{1}, nil, []int{1}, nil) })
	b := IdentityWithCustomGradient(w, func(_, _ *Node) *Node { return weightGradient(rows, adjoint) })
	y := IdentityWithCustomGradient(dot(a, b).Product(), func(_, v *Node) *Node {
		adjoint = v // GoMLX comes here first, on its way back
		return v
	})
	return Reshape(y, append(dims[:len(dims)-1:len(dims)-1], w.Shape().Dim(1))...)
}

// weightGradient is the gradient [in, out] of a matrix that multiplies x [..., in], from the products' adjoint [..., out].
func weightGradient(x, adjoint *Node) *Node {
	rows := make([]int, x.Rank()-1)
	for i := range rows {
		rows[i] = i
	}
	return dot(x, adjoint).General(rows, nil, rows, nil)
}
