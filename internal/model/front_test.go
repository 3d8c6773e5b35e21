package model

import (
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// twice is a front whose features are what is kept times a trained number, at first 2.
type twice struct{}

func (twice) Features(scope *gomodel.Scope, kept *Node) *Node {
	return Mul(kept, scope.At(FrontScope).VariableWithValue("factor", float32(2)).NodeValue(kept.Graph()))
}

// TestBehindAFront: a decoder behind a front gives what the decoder gives of the front's features, in whole captions, step by
// step and in its attention.
func TestBehindAFront(t *testing.T) {
	for name, s := range map[string]Settings{
		"lstm":      {Name: "lstm", Inject: "pre", Units: 6, Embedding: 5},
		"attention": {Name: "attention", Units: 6, Embedding: 5, AttentionUnits: 4, AttentionOutput: "deep"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(s, Size{Features: 4, Locations: 2, Vocabulary: 9})
			if err != nil {
				t.Fatal(err)
			}
			store := gomodel.NewStore()
			behind := WithFront(d, twice{})
			if HasFront(d) || !HasFront(behind) {
				t.Errorf("HasFront: %v and %v, want false and true", HasFront(d), HasFront(behind))
			}
			kept, tokens := tinyBatch()
			all := func(d Decoder) (flat [][]float32) {
				out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, kept, tokens *Node) []*Node {
					features := kept
					if !HasFront(d) {
						features = twice{}.Features(scope, kept)
					}
					out := []*Node{d.Logits(scope, features, tokens)}
					state, context := d.Start(scope, features)
					first, next := d.Step(d.StepWeights(scope, kept.Graph()), context, state, Squeeze(Slice(tokens, AxisRange(), AxisElem(0)), 1))
					out = append(append(out, first), next...)
					if a, ok := d.(Attender); ok {
						out = append(out, a.Attention(scope, features, tokens))
					}
					return out
				}).MustCall(kept, tokens)
				for _, o := range out {
					flat = append(flat, tensors.MustCopyFlatData[float32](o))
				}
				return flat
			}
			want, got := all(d), all(behind)
			if wantLength := map[string]int{"lstm": 4, "attention": 5}[name]; len(got) != wantLength || len(want) != wantLength {
				t.Fatalf("%d and %d outputs, want %d", len(got), len(want), wantLength)
			}
			for n := range want {
				if !slices.Equal(got[n], want[n]) {
					t.Errorf("output %d: %v, want %v", n, got[n], want[n])
				}
			}
			if len(behind.Layers()) != len(d.Layers()) {
				t.Errorf("%d layers, the decoder has %d: the front's are the encoder's", len(behind.Layers()), len(d.Layers()))
			}
		})
	}
}
