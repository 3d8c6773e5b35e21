package features

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// frontReference is a small CNN before an LSTM, by PyTorch; testdata/front.py makes it.
type frontReference struct {
	Mean, Std          []float64
	Tokens, Targets    [][]int32
	Counts             [][]float32
	Shapes             map[string][]int
	Weights, Gradients map[string][]float32
	Features           []float32
	Loss               float32
}

// tinyCNN has two blocks on pictures of 16×16.
func tinyCNN(t *testing.T) *encoder.Encoder {
	t.Helper()
	e, err := encoder.New(encoder.Settings{Name: "cnn", Size: 16, Blocks: 2, Channels: 2, Pooling: "avg"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.LoadWeights(t.Context(), t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// formulaPictures are n pictures as testdata/front.py makes them.
func formulaPictures(n int) []float32 {
	values := make([]float32, n*16*16*3)
	for i := range values {
		values[i] = float32(float64(i*7919%201)/100 - 1)
	}
	return values
}

// TestFrontEqualsTorch compares a decoder behind a CNN and a scaling: features, loss and all gradients, with PyTorch's on the
// same weights.
func TestFrontEqualsTorch(t *testing.T) {
	var want frontReference
	data, err := os.ReadFile("testdata/front.json")
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	front, err := NewFront(tinyCNN(t))
	if err != nil {
		t.Fatal(err)
	}
	front.Scale(&Scaler{Kind: "sqrt_standardize", Mean: want.Mean, Std: want.Std})
	d, err := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: 3, Embedding: 4}, model.Size{Features: 4, Vocabulary: 6})
	if err != nil {
		t.Fatal(err)
	}
	d = model.WithFront(d, front)
	store := gomodel.NewStore()
	for path, values := range want.Weights {
		if _, err := store.CreateVariable("/"+path, tensors.FromFlatDataAndDimensions(values, want.Shapes[path]...)); err != nil {
			t.Fatal(err)
		}
	}
	pictures := formulaPictures(2)
	paths := slices.Sorted(maps.Keys(want.Weights))
	out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, kept, tokens, targets, counts *Node) []*Node {
		loss := new(train.Trainer).Loss([]*Node{targets, counts}, []*Node{d.Logits(scope, kept, tokens)}) // no smoothing
		var weights []*Node
		for _, path := range paths {
			weights = append(weights, scope.Store().GetVariable("/"+path).NodeValue(loss.Graph()))
		}
		return append([]*Node{loss}, Gradient(loss, weights...)...)
	}).MustCall(tensors.FromFlatDataAndDimensions(pictures, 2, len(pictures)/2), want.Tokens, want.Targets, want.Counts)
	near(t, "loss", []float32{tensors.ToScalar[float32](out[0])}, []float32{want.Loss})
	for n, path := range paths {
		near(t, "gradient by "+path, tensors.MustCopyFlatData[float32](out[n+1]), want.Gradients[path])
	}
	if v := store.NumVariables(); v != len(want.Weights) {
		t.Errorf("the model has %d variables, the reference %d", v, len(want.Weights))
	}

	applied, err := front.Apply(acceltest.XLA(t), store)
	if err != nil {
		t.Fatal(err)
	}
	defer applied.Finalize()
	// More rows than a batch has: those of the reference are the first and the last.
	kept := slices.Repeat([][]float32{pictures[:len(pictures)/2]}, appliedBatch+1)
	kept = append(kept, pictures[len(pictures)/2:])
	got := make([][]float32, len(kept))
	if err := applied.Rows(t.Context(), kept, func(n int, row []float32) { got[n] = slices.Clone(row) }); err != nil {
		t.Fatal(err)
	}
	near(t, "features", slices.Concat(got[0], got[appliedBatch+1]), want.Features)
	near(t, "features of a second batch", got[appliedBatch], want.Features[:4])
}

// near wants 1e-4 of the greatest value.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	most, worst := 0.0, 0.0
	for n := range want {
		most = math.Max(most, math.Abs(float64(want[n])))
	}
	for n := range min(len(got), len(want)) {
		worst = math.Max(worst, math.Abs(float64(got[n]-want[n])))
	}
	if len(got) != len(want) || math.IsNaN(worst) || worst > 1e-4*most {
		t.Errorf("%s: differs by %g of %g\n%v\nwant\n%v", what, worst, most, got, want)
	}
}

// TestFrontBeginsAsHe: a network without pretrained weights begins with kernels of variance 2/fan-in, biases of zero, and the
// same for the same seed.
func TestFrontBeginsAsHe(t *testing.T) {
	e, err := encoder.New(encoder.Settings{Name: "cnn", Size: 16, Blocks: 3, Channels: 32})
	if err == nil {
		err = e.LoadWeights(t.Context(), t.TempDir(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	begin := func(seed int64) map[string][]float32 {
		front, err := NewFront(e)
		if err != nil {
			t.Fatal(err)
		}
		store := gomodel.NewStore()
		if err := store.SetRNGStateFromSeed(seed); err != nil {
			t.Fatal(err)
		}
		applied, err := front.Apply(acceltest.XLA(t), store)
		if err == nil {
			err = applied.Rows(t.Context(), [][]float32{formulaPictures(1)}, func(int, []float32) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]float32{}
		for v := range store.IterVariables() {
			if strings.HasPrefix(v.Path(), "/encoder/") {
				all[v.Path()] = tensors.MustCopyFlatData[float32](v.MustValue())
			}
		}
		return all
	}
	first, again, other := begin(1), begin(1), begin(2)
	kernel := first["/encoder/block3_conv1/kernel"]
	if !slices.Equal(kernel, again["/encoder/block3_conv1/kernel"]) || slices.Equal(kernel, other["/encoder/block3_conv1/kernel"]) {
		t.Error("the seed does not decide how the weights begin")
	}
	square := 0.0
	for _, v := range kernel {
		square += float64(v) * float64(v)
	}
	if got, want := square/float64(len(kernel)), 2./(9*64); len(kernel) != 9*64*128 || math.Abs(got/want-1) > 0.03 {
		t.Errorf("variance of %d weights is %g, want %g", len(kernel), got, want)
	}
	if slices.ContainsFunc(first["/encoder/block3_conv1/bias"], func(v float32) bool { return v != 0 }) {
		t.Error("a bias does not begin at zero")
	}
}

// TestScalingInTheGraph: rows are scaled in a graph as Apply scales them, zeros and grids included, and every gradient is finite.
func TestScalingInTheGraph(t *testing.T) {
	row := []float32{0, 4, 1e-3, -9, 2, 0.25}
	for _, s := range []*Scaler{
		{Kind: "none"}, {Kind: "l2"},
		{Kind: "standardize", Mean: []float64{1, 2, 3, 4, 5, 6}, Std: []float64{1, 2, 1, 2, 4, 0.5}},
		{Kind: "sqrt_standardize", Mean: []float64{1, -1}, Std: []float64{4, 0.5}}, // a grid of three locations
	} {
		want := slices.Concat(row, make([]float32, 6))
		s.Apply(want[:6])
		s.Apply(want[6:])
		out := MustNewExec(acceltest.XLA(t), func(x *Node) (*Node, *Node) {
			y := s.Graph(x)
			return y, Gradient(ReduceAllSum(y), x)[0]
		}).MustCall([][]float32{row, make([]float32, 6)})
		near(t, s.Kind, tensors.MustCopyFlatData[float32](out[0]), want)
		for n, v := range tensors.MustCopyFlatData[float32](out[1]) {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Errorf("%s: gradient %d is %v", s.Kind, n, v)
			}
		}
	}
}
