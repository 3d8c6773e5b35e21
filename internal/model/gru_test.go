package model

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestGRUEqualsKeras compares with Keras' GRU layer on the same weights, with both places of the reset gate;
// testdata/keras_gru.py makes the file.
func TestGRUEqualsKeras(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_gru.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Steps, Batch, In, Units int
		Cases                   []struct {
			ResetAfter        bool `json:"reset_after"`
			Inputs, Gradients map[string][]float32
			Hidden            []float32
			Loss              float32
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	names := []string{"x", "w", "u", "b", "h0"}
	for _, c := range file.Cases {
		dims := map[string][]int{"x": {file.Steps, file.Batch, file.In}, "w": {file.In, 3 * file.Units}, "u": {file.Units, 3 * file.Units},
			"b": {3 * file.Units}, "h0": {file.Batch, file.Units}}
		if c.ResetAfter {
			dims["b"] = []int{2, 3 * file.Units}
		}
		var inputs []any
		for _, name := range names {
			inputs = append(inputs, tensors.FromFlatDataAndDimensions(c.Inputs[name], dims[name]...))
		}
		run := func(x, w, u, b, h0 *Node) *Node {
			weights := []*Node{u, b}
			var kind cell = gruBeforeCell{}
			if c.ResetAfter {
				kind, weights = gruCell{}, []*Node{u, Squeeze(Slice(b, AxisElem(0)), 0), Squeeze(Slice(b, AxisElem(1)), 0)}
			}
			return kind.scan(kind.input(MatMul(x, w), weights), weights, []*Node{h0})
		}
		out := MustNewExec(acceltest.XLA(t), func(p []*Node) []*Node {
			hidden := run(p[0], p[1], p[2], p[3], p[4])
			weight := AddScalar(Sin(ConvertDType(Iota(hidden.Graph(), hidden.Shape(), 0), hidden.DType())), 1.5)
			loss := ReduceAllSum(Mul(weight, Square(hidden)))
			return append([]*Node{hidden, loss}, Gradient(loss, p...)...)
		}).MustCall(inputs...)
		compare(t, "hidden states", flat(out[0]), c.Hidden, 1e-4)
		compare(t, "loss", flat(out[1]), []float32{c.Loss}, 1e-4)
		for n, name := range names {
			compare(t, "gradient by "+name, flat(out[2+n]), c.Gradients[name], 1e-4)
		}
	}
	if len(file.Cases) != 2 {
		t.Errorf("%d cases", len(file.Cases))
	}
}

// TestScanEqualsUnrolledSteps: over longer sequences than the references have, each cell's hand-written backward loop gives
// the gradients that autodiff gives of its steps, by the inputs, every weight and the initial state.
func TestScanEqualsUnrolledSteps(t *testing.T) {
	backend := acceltest.XLA(t)
	const batch, in, units = 3, 4, 5
	for name, s := range map[string]Settings{
		"lstm": {Name: "lstm"}, "gru": {Name: "gru", ResetAfter: true}, "gru reset before": {Name: "gru"},
		"lstm norm": {Name: "lstm", LayerNorm: true}, "gru norm": {Name: "gru", LayerNorm: true, ResetAfter: true},
	} {
		for _, steps := range []int{1, 12} { // a single step has no predecessor to shift in
			store := gomodel.NewStore()
			if err := store.SetRNGStateFromSeed(5); err != nil {
				t.Fatal(err)
			}
			s := s
			s.Initializer, s.InitializerScale = "normal", 0.5
			c := s.cell()
			gradients := func(scope *gomodel.Scope, x *Node, run func(x *Node, weights, state []*Node) *Node) []*Node {
				v := variables{s, scope.At("layer"), x.Graph()}
				kernel, weights := v.kernel("kernel", in, c.gates()*units), c.weights(v, units)
				var state []*Node
				for _, name := range c.states() {
					state = append(state, v.kernel("initial_"+name, batch, units))
				}
				hs := run(c.input(MatMul(x, kernel), weights), weights, state)
				weight := AddScalar(Sin(ConvertDType(Iota(hs.Graph(), hs.Shape(), 0), hs.DType())), 1.5)
				loss := ReduceAllSum(Mul(weight, Square(hs)))
				return append([]*Node{loss}, Gradient(loss, append(append([]*Node{x, kernel}, weights...), state...)...)...)
			}
			x := lstmInputs(steps, batch, in, units)[0]
			got := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, x *Node) []*Node {
				return gradients(scope, x, c.scan)
			}).MustCall(x)
			want := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, x *Node) []*Node {
				return gradients(scope, x, func(x *Node, weights, state []*Node) *Node { return unroll(c, x, weights, state) })
			}).MustCall(x)
			for n := range want {
				compare(t, fmt.Sprintf("%s, %d steps: result %d", name, steps, n), flat(got[n]), flat(want[n]), 1e-4)
			}
		}
	}
}
