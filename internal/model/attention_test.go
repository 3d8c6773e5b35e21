package model

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// attentionReference is soft attention by PyTorch; testdata/torch_attention.py makes it.
type attentionReference struct {
	Penalty                                float64
	Units, Embedding, Attention, Locations int
	Tokens, Targets                        [][]int32
	Cases                                  []struct {
		Output             string
		Shapes             map[string][]int
		Weights, Gradients map[string][]float32
		Alphas             []float32
		Loss               float32
	}
}

// TestAttentionEqualsTorch compares loss, penalty included, attention and all gradients, the grid's too, with PyTorch's on
// the same weights, by the scan and unrolled.
func TestAttentionEqualsTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/torch_attention.json")
	if err != nil {
		t.Fatal(err)
	}
	var want attentionReference
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range want.Cases {
		for _, unrolled := range []bool{false, true} {
			t.Run(c.Output+map[bool]string{false: ", scan", true: ", unrolled"}[unrolled], func(t *testing.T) {
				size := c.Shapes["grid"][1] * c.Shapes["grid"][2]
				d, err := New(Settings{Name: "attention", Units: want.Units, Embedding: want.Embedding, AttentionUnits: want.Attention, AttentionPenalty: want.Penalty,
					AttentionOutput: c.Output, Unrolled: unrolled}, Size{Features: size, Locations: want.Locations, Vocabulary: len(c.Weights["output/bias"])})
				if err != nil {
					t.Fatal(err)
				}
				store := gomodel.NewStore()
				paths := slices.Sorted(maps.Keys(c.Weights))
				paths = slices.DeleteFunc(paths, func(path string) bool { return path == "grid" })
				for _, path := range paths {
					if _, err := store.CreateVariable("/"+path, tensors.FromFlatDataAndDimensions(c.Weights[path], c.Shapes[path]...)); err != nil {
						t.Fatal(err)
					}
				}
				out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, features, tokens, targets *Node) []*Node {
					g := features.Graph()
					scope.Store().SetTraining(g, true)
					logs := LogSoftmax(TransposeAllAxes(d.Logits(scope, features, tokens), 1, 0, 2))
					counts := ConvertDType(NotEqual(tokens, ZerosLike(tokens)), logs.DType())
					nats := Neg(ReduceSum(Mul(logs, OneHot(targets, logs.Shape().Dim(-1), logs.DType())), -1))
					loss := Add(Div(ReduceAllSum(Mul(nats, counts)), ReduceAllSum(counts)), train.GetRegularizationLoss(g))
					by := []*Node{features}
					for _, path := range paths {
						by = append(by, scope.Store().GetVariable("/"+path).NodeValue(g))
					}
					return append([]*Node{loss, d.(Attender).Attention(scope, features, tokens)}, Gradient(loss, by...)...)
				}).MustCall(tensors.FromFlatDataAndDimensions(c.Weights["grid"], len(want.Tokens), size), want.Tokens, want.Targets)
				compare(t, "loss", flat(out[0]), []float32{c.Loss}, 1e-4)
				compare(t, "attention", flat(out[1]), c.Alphas, 1e-4)
				for n, path := range append([]string{"grid"}, paths...) {
					compare(t, "gradient by "+path, flat(out[2+n]), c.Gradients[path], 1e-4)
				}
				for v := range store.IterVariables() {
					if path := strings.TrimPrefix(v.Path(), "/"); v.Trainable && c.Weights[path] == nil {
						t.Errorf("the decoder has a variable %s, the reference none", path)
					}
				}
			})
		}
	}
}

func tinyAttention(t *testing.T, output string) (Decoder, *gomodel.Store) {
	t.Helper()
	d, err := New(Settings{Name: "attention", Units: 6, Embedding: 5, Dropout: 0.5, AttentionUnits: 3, AttentionPenalty: 1, AttentionOutput: output},
		Size{Features: 10, Locations: 5, Vocabulary: 9})
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(7); err != nil {
		t.Fatal(err)
	}
	return d, store
}

func tinyGrids() (features, tokens *tensors.Tensor) {
	values := make([]float32, 30)
	for n := range values {
		values[n] = float32(n*n%17)/4 - 2
	}
	return tensors.FromFlatDataAndDimensions(values, 3, 10), tensors.FromValue([][]int32{{1, 4, 5, 6, 2}, {1, 8, 7, 2, 0}, {1, 4, 4, 4, 4}})
}

// TestAttentionStepEqualsSequence: what is trained is what generates, with each picture's two captions side by side as a beam
// has them, and the attention of the sequence is a distribution.
func TestAttentionStepEqualsSequence(t *testing.T) {
	backend := acceltest.XLA(t)
	for _, output := range []string{"deep", "plain"} {
		t.Run(output, func(t *testing.T) {
			d, store := tinyAttention(t, output)
			features, tokens := tinyGrids()
			out := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids *Node) []*Node {
				other := Reverse(ids, 1)
				return []*Node{d.Logits(scope, f, ids), d.Logits(scope, f, other), ReduceSum(d.(Attender).Attention(scope, f, ids), -1)}
			}).MustCall(features, tokens)
			got := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids *Node) []*Node {
				weights := d.StepWeights(scope, f.Graph())
				state, context := d.Start(scope, f)
				twice := func(x, y *Node) *Node { // rows of x and y in turn
					return Reshape(Stack([]*Node{x, y}, 1), append([]int{-1}, x.Shape().Dimensions[1:]...)...)
				}
				for n, s := range state {
					state[n] = twice(s, s)
				}
				fed := twice(ids, Reverse(ids, 1))
				var first, second []*Node
				for n := range fed.Shape().Dim(1) {
					var logits *Node
					logits, state = d.Step(weights, context, state, Squeeze(Slice(fed, AxisRange(), AxisElem(n)), 1))
					first = append(first, Slice(logits, AxisRange().Stride(2)))
					second = append(second, Slice(logits, AxisRange(1).Stride(2)))
				}
				return []*Node{Stack(first, 0), Stack(second, 0)}
			}).MustCall(features, tokens)
			compare(t, "logits", flat(got[0]), flat(out[0]), 1e-5)
			compare(t, "logits of the second captions", flat(got[1]), flat(out[1]), 1e-5)
			for _, sum := range flat(out[2]) {
				if sum < 0.9999 || sum > 1.0001 {
					t.Errorf("attention adds up to %v", sum)
				}
			}
		})
	}
}

// TestAttentionWithoutOverflow: scores beyond what float32's exponential holds still make a distribution.
func TestAttentionWithoutOverflow(t *testing.T) {
	out := MustNewExec(acceltest.XLA(t), func(x *Node) *Node { return loopSoftmax(x) }).MustCall([][]float32{{-500, 300, 300}, {-500, -500, -501}})[0]
	e := float32(0.36787944)
	compare(t, "softmax", flat(out), []float32{0, 0.5, 0.5, 1 / (2 + e), 1 / (2 + e), e / (2 + e)}, 1e-6)
}

// TestAttentionLayersCountTheVariables: the summary's counts are those of the variables that the graph makes.
func TestAttentionLayersCountTheVariables(t *testing.T) {
	for _, output := range []string{"deep", "plain"} {
		d, store := tinyAttention(t, output)
		features, tokens := tinyGrids()
		gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
			return d.Logits(scope, f, ids)
		}).MustCall(features, tokens)
		got, want := 0, 0
		for v := range store.IterVariables() {
			if v.Trainable {
				want += v.Shape().Size()
			}
		}
		for _, l := range d.Layers() {
			got += l.Params
		}
		if got != want || want == 0 {
			t.Errorf("%s: layers count %d parameters, the variables hold %d", output, got, want)
		}
	}
}

func TestAttentionRefuses(t *testing.T) {
	s := Settings{Name: "attention", Units: 2, Embedding: 2, AttentionUnits: 2}
	for _, c := range []struct {
		reason, want string
		size         Size
	}{
		{"one vector", "its features are one vector of 512 values: take a layer with height and width and encoder.pooling = \"none\"", Size{Features: 512, Vocabulary: 9}},
		{"a grid of one location", "one vector of 512 values", Size{Features: 512, Locations: 1, Vocabulary: 9}},
		{"no whole channels", "10 features don't divide by 3 locations", Size{Features: 10, Locations: 3, Vocabulary: 9}},
	} {
		if _, err := New(s, c.size); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.reason, err, c.want)
		}
	}
	s.Layers, s.Tied = 2, true
	if p := s.Check(); len(p) != 2 || p[0].Keys[0] != "decoder.layers" || p[1].Keys[0] != "decoder.tied" {
		t.Errorf("two layers and a tied embedding: %v", p)
	}
}

// TestUnrolledAttentionOnPureGo runs the same weights through the scan on XLA and unrolled on the pure-Go backend.
func TestUnrolledAttentionOnPureGo(t *testing.T) {
	d, store := tinyAttention(t, "deep")
	logits := func(d Decoder) func(*gomodel.Scope, *Node, *Node) *Node {
		return func(scope *gomodel.Scope, f, ids *Node) *Node { return d.Logits(scope, f, ids) }
	}
	features, tokens := tinyGrids()
	want := gomodel.MustNewExec(acceltest.XLA(t), store, logits(d)).MustCall(features, tokens)[0]
	unrolled := *d.(*attentionDecoder)
	unrolled.Unrolled = true
	features, tokens = tinyGrids() // a tensor belongs to one backend
	got := gomodel.MustNewExec(acceltest.Go(t), local(t, store), logits(&unrolled)).MustCall(features, tokens)[0]
	compare(t, "logits", flat(got), flat(want), 1e-5)
}
