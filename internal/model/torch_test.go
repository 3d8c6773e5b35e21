package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// torchCase is a decoder with weights, its loss and gradients by PyTorch.
type torchCase struct {
	Settings           Settings
	Shapes             map[string][]int
	Weights, Gradients map[string][]float32
	Loss               float32   // of a bidirectional decoder the mean of both directions'
	BackwardLogits     []float32 `json:"backward_logits"` // [batch, time, vocabulary], in the order of reading: the last token first
}

func (c torchCase) name() string {
	s := c.Settings
	name := fmt.Sprintf("%s %s, %d layers", s.Name, s.Inject, s.Layers)
	for text, is := range map[string]bool{"norm": s.LayerNorm, "reset before": s.Name == "gru" && !s.ResetAfter, "tied": s.Tied, "bidirectional": s.Bidirectional, s.Merge: s.Merge == "add"} {
		if is {
			name += ", " + text
		}
	}
	return name
}

// TestDecodersEqualTorch compares loss and gradients with those of PyTorch on the same weights, over whole captions of
// which some tokens don't count; testdata/torch_decoders.py makes the file.
func TestDecodersEqualTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/torch_decoders.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Features, Counts [][]float32
		Tokens, Targets  [][]int32
		Cases            []torchCase
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 20 {
		t.Fatalf("the reference has %d cases", len(file.Cases))
	}
	backend := acceltest.XLA(t)
	for _, c := range file.Cases {
		t.Run(c.name(), func(t *testing.T) {
			d, err := New(c.Settings, Size{Features: len(file.Features[0]), Vocabulary: len(c.Weights["output/bias"])})
			if err != nil {
				t.Fatal(err)
			}
			store := gomodel.NewStore()
			for path, values := range c.Weights {
				if _, err := store.CreateVariable("/"+path, tensors.FromFlatDataAndDimensions(values, c.Shapes[path]...)); err != nil {
					t.Fatal(err)
				}
			}
			paths := slices.Sorted(maps.Keys(c.Weights))
			out := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, features, tokens, targets, counts *Node) []*Node {
				lossOf := func(logits *Node) *Node {
					logs := LogSoftmax(TransposeAllAxes(logits, 1, 0, 2)) // [batch, time, vocabulary]
					nats := Neg(ReduceSum(Mul(logs, OneHot(targets, logs.Shape().Dim(-1), logs.DType())), -1))
					return Div(ReduceAllSum(Mul(nats, counts)), ReduceAllSum(counts))
				}
				loss, backward := lossOf(d.Logits(scope, features, tokens)), Const(features.Graph(), float32(0))
				if both, ok := d.(Bidirectional); ok {
					backward = both.Backward().Logits(scope, features, tokens)
					loss = MulScalar(Add(loss, lossOf(backward)), 0.5)
				}
				var weights []*Node
				for _, path := range paths {
					weights = append(weights, scope.Store().GetVariable("/"+path).NodeValue(loss.Graph()))
				}
				return append([]*Node{loss, backward}, Gradient(loss, weights...)...)
			}).MustCall(file.Features, file.Tokens, file.Targets, file.Counts)
			compare(t, "loss", flat(out[0]), []float32{c.Loss}, 1e-4)
			for n, path := range paths {
				compare(t, "gradient by "+path, flat(out[n+2]), c.Gradients[path], 1e-4)
			}
			if c.Settings.Bidirectional {
				compare(t, "backward logits", asRead(out[1], file.Counts), c.BackwardLogits, 1e-4)
			}
			for v := range store.IterVariables() {
				if path := strings.TrimPrefix(v.Path(), "/"); v.Trainable && c.Weights[path] == nil {
					t.Errorf("the decoder has a variable %s, the reference none", path)
				}
			}
		})
	}
}

// asRead are the backward direction's logits [time, batch, vocabulary] in the order in which it reads captions, [batch, time,
// vocabulary] flat: those of the end come last, of positions that don't count after them.
func asRead(logits *tensors.Tensor, counts [][]float32) (all []float32) {
	values, dims := flat(logits), logits.Shape().Dimensions
	row := func(step, caption int) []float32 { return values[(step*dims[1]+caption)*dims[2]:][:dims[2]] }
	for caption := range counts {
		words := -1 // the end isn't one
		for _, c := range counts[caption] {
			words += int(c)
		}
		for step := range dims[0] {
			if step < words {
				all = append(all, row(words-1-step, caption)...)
			} else {
				all = append(all, row(step, caption)...)
			}
		}
	}
	return all
}
