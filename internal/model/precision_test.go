package model

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestBFloat16Product: a product and its gradients are those of factors rounded to bfloat16, added up in more than that.
func TestBFloat16Product(t *testing.T) {
	const steps, batch, in, out = 3, 4, 70, 5
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float32 {
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
		return values
	}
	x, w, adjoint := draw(steps*batch*in), draw(in*out), draw(steps*batch*out)
	got := MustNewExec(acceltest.XLA(t), func(x, w, adjoint *Node) []*Node {
		UseBFloat16(x.Graph())
		y := product(x, w)
		return append([]*Node{y}, Gradient(ReduceAllSum(Mul(y, adjoint)), x, w)...)
	}).MustCall(tensors.FromFlatDataAndDimensions(x, steps, batch, in), tensors.FromFlatDataAndDimensions(w, in, out), tensors.FromFlatDataAndDimensions(adjoint, steps, batch, out))

	y, dx, dw := make([]float64, steps*batch*out), make([]float64, len(x)), make([]float64, len(w))
	for row := range steps * batch {
		for i := range in {
			for o := range out {
				a, b, v := rounded(x[row*in+i]), rounded(w[i*out+o]), rounded(adjoint[row*out+o])
				y[row*out+o] += a * b
				dx[row*in+i] += v * b
				dw[i*out+o] += a * v
			}
		}
	}
	for n, want := range [][]float64{y, dx, dw} {
		single := make([]float32, len(want))
		for i, v := range want {
			single[i] = float32(v)
		}
		compare(t, []string{"product", "gradient by x", "gradient by w"}[n], flat(got[n]), single, 1e-6)
	}
}

// rounded is x with 8 bits of mantissa, the nearest one, of two as near the even one.
func rounded(x float32) float64 {
	bits := math.Float32bits(x)
	return float64(math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff))
}

// TestBFloat16Decoders: decoders compute nearly the same in bfloat16, their gradients too, and not quite the same.
func TestBFloat16Decoders(t *testing.T) {
	all := map[string]Settings{
		"bidirectional": {Name: "lstm", Inject: "pre", Bidirectional: true, Units: 6, Embedding: 5},
		"attention":     {Name: "attention", AttentionUnits: 3, Units: 6, Embedding: 5},
	}
	for _, name := range []string{"gru init", "lstm three layers", "gru tied, hidden"} {
		all[name] = variants()[name]
	}
	tokens := [][]int32{{1, 4, 5, 6, 2}, {1, 8, 7, 2, 0}, {1, 4, 4, 4, 4}}
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			s.Dropout = 0
			want, got := sharing(t, s, tokens, nil, false), sharing(t, s, tokens, nil, true)
			for n, values := range want {
				compare(t, n, got[n], values, 0.03)
			}
			if first := want["logits"]; got["logits"][0] == first[0] {
				t.Errorf("the first logit is the same, %v", first[0])
			}
		})
	}
}
