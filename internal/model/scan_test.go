package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/lstm"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// lstmInputs are random x [time, batch, in], w, u, b, h0 and c0.
func lstmInputs(steps, batch, in, units int) []any {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(dims ...int) *tensors.Tensor {
		n := 1
		for _, d := range dims {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64() * 0.3)
		}
		return tensors.FromFlatDataAndDimensions(values, dims...)
	}
	return []any{random(steps, batch, in), random(in, 4*units), random(units, 4*units), random(4 * units),
		random(batch, units), random(batch, units)}
}

// lossAndGradients sums the hidden states weighted by position, so that every step has its own adjoint, and
// returns that loss and its gradients by all six inputs.
func lossAndGradients(p []*Node, run func(x, w, u, b, h0, c0 *Node) *Node) []*Node {
	hs := run(p[0], p[1], p[2], p[3], p[4], p[5])
	weight := AddScalar(Sin(ConvertDType(Iota(hs.Graph(), hs.Shape(), 0), hs.DType())), 1.5)
	loss := ReduceAllSum(Mul(weight, Square(hs)))
	return append([]*Node{loss}, Gradient(loss, p...)...)
}

func scanned(x, w, u, b, h0, c0 *Node) *Node {
	return scanLSTM(product(x, w), u, b, h0, c0)
}

func TestScanEqualsUnrolled(t *testing.T) {
	backend := acceltest.XLA(t)
	for _, size := range []struct {
		name                   string
		steps, batch, in, unit int
	}{
		{"one step has no predecessor to shift in", 1, 2, 3, 4},
		{"one example", 5, 1, 3, 4},
		{"several steps", 9, 3, 5, 7},
	} {
		t.Run(size.name, func(t *testing.T) {
			inputs := lstmInputs(size.steps, size.batch, size.in, size.unit)
			got := MustNewExec(backend, func(p []*Node) []*Node { return lossAndGradients(p, scanned) }).MustCall(inputs...)
			want := MustNewExec(backend, func(p []*Node) []*Node { return lossAndGradients(p, unrolledLSTM) }).MustCall(inputs...)
			names := []string{"loss", "dx", "dW", "dU", "db", "dh0", "dc0"}
			for n := range want {
				compare(t, names[n], flat(got[n]), flat(want[n]), 1e-4)
			}
		})
	}
}

// TestScanGradientNumerically compares every gradient with central differences, which know nothing of autodiff.
func TestScanGradientNumerically(t *testing.T) {
	backend := acceltest.XLA(t)
	inputs := lstmInputs(4, 2, 3, 3)
	exec := MustNewExec(backend, func(p []*Node) []*Node { return lossAndGradients(p, scanned) })
	loss := func(at []any) float64 { return float64(flat(exec.MustCall(at...)[0])[0]) }
	gradients := exec.MustCall(inputs...)[1:]
	const h = 1e-2
	for n := range inputs {
		values := flat(inputs[n].(*tensors.Tensor))
		dims := inputs[n].(*tensors.Tensor).Shape().Dimensions
		for _, at := range []int{0, len(values) / 2, len(values) - 1} {
			moved := func(by float32) []any {
				v := append([]float32(nil), values...)
				v[at] += by
				out := append([]any(nil), inputs...)
				out[n] = tensors.FromFlatDataAndDimensions(v, dims...)
				return out
			}
			want := (loss(moved(h)) - loss(moved(-h))) / (2 * h)
			got := float64(flat(gradients[n])[at])
			if math.Abs(got-want) > 2e-3*math.Max(1, math.Abs(want)) {
				t.Errorf("input %d, value %d: gradient %v, numerically %v", n, at, got, want)
			}
		}
	}
}

func flat(t *tensors.Tensor) []float32 { return tensors.MustCopyFlatData[float32](t) }

// compare wants |got-want| <= tolerance * max|want|.
func compare(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d values, want %d", name, len(got), len(want))
	}
	var scale, worst float64
	for n := range want {
		scale = math.Max(scale, math.Abs(float64(want[n])))
		worst = math.Max(worst, math.Abs(float64(got[n]-want[n])))
	}
	if scale == 0 || worst > tolerance*scale {
		t.Errorf("%s differs by %g of %g", name, worst, scale)
	}
}

// TestScanEqualsKeras compares with Keras' LSTM layer on the same weights; testdata/keras_lstm.py makes the file.
func TestScanEqualsKeras(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_lstm.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Steps, Batch, In, Units int
		Inputs, Gradients       map[string][]float32
		Hidden                  []float32
		Loss                    float32
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	dims := map[string][]int{"x": {want.Steps, want.Batch, want.In}, "w": {want.In, 4 * want.Units}, "u": {want.Units, 4 * want.Units},
		"b": {4 * want.Units}, "h0": {want.Batch, want.Units}, "c0": {want.Batch, want.Units}}
	names := []string{"x", "w", "u", "b", "h0", "c0"}
	var inputs []any
	for _, name := range names {
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(want.Inputs[name], dims[name]...))
	}
	out := MustNewExec(acceltest.XLA(t), func(p []*Node) []*Node {
		hidden := scanned(p[0], p[1], p[2], p[3], p[4], p[5])
		return append([]*Node{hidden}, lossAndGradients(p, scanned)...)
	}).MustCall(inputs...)
	compare(t, "hidden states", flat(out[0]), want.Hidden, 1e-4)
	compare(t, "loss", flat(out[1]), []float32{want.Loss}, 1e-4)
	for n, name := range names {
		compare(t, "gradient by "+name, flat(out[2+n]), want.Gradients[name], 1e-4)
	}
}

// unrolledLSTM runs GoMLX's own LSTM layer on the same weights. x is [time, batch, in]; the result [time, batch, units].
func unrolledLSTM(x, w, u, b, h0, c0 *Node) *Node {
	g := x.Graph()
	steps, batch, in, units := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), u.Shape().Dim(0)
	// GoMLX keeps gates in ONNX's order i, o, f, g, kernels as [direction, gate, units, in].
	order := func(m *Node, rows int) *Node {
		i, f, candidate, o := splitGates(m, units)
		stacked := Concatenate([]*Node{i, o, f, candidate}, -1) // [rows, 4*units]
		return Reshape(TransposeAllAxes(Reshape(stacked, rows, 4, units), 1, 2, 0), 1, 4, units, rows)
	}
	bi, bf, bg, bo := splitGates(b, units)
	bias := Reshape(Concatenate([]*Node{bi, bo, bf, bg, Zeros(g, shapes.Make(b.DType(), 4*units))}, 0), 1, 8, units)
	all, _, _ := lstm.NewWithWeights(TransposeAllAxes(x, 1, 0, 2), order(w, in), order(u, units), bias, nil).
		InitialStates(ExpandAxes(h0, 0), ExpandAxes(c0, 0)).Done()
	return Reshape(all, steps, batch, units)
}
