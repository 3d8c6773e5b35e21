package model

import (
	"maps"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestSharedTokens: logits and gradients are the same whether each token's embedding goes through the input kernel by itself, as
// dropout of embeddings asks for, or each of the vocabulary's, or each of the batch's distinct ones, does once.
func TestSharedTokens(t *testing.T) {
	all := map[string]Settings{
		"bidirectional": {Name: "lstm", Inject: "pre", Bidirectional: true, Units: 6, Embedding: 5},
		"attention":     {Name: "attention", AttentionUnits: 3, Units: 6, Embedding: 5},
	}
	for _, name := range []string{"lstm pre", "gru init", "lstm par", "gru merge"} {
		all[name] = variants()[name]
	}
	tokens := [][]int32{{1, 4, 5, 6, 6, 4, 4}, {1, 8, 4, 5, 4, 0, 0}, {1, 4, 4, 4, 4, 4, 4}} // 21 of a vocabulary of 9
	distinct := []int32{8, 1, 4, 5, 6, 0, 0, 0, 0, 0}                                        // filled up with another one
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			for _, rate := range []float64{0, 0.5} {
				if rate > 0 && name != "lstm par" { // which has the image's dropout beside the tokens at each step
					continue
				}
				s.Dropout, s.DropoutOn = rate, []string{"image", "layers", "output"}
				filled := append(slices.Clone(distinct), make([]int32, 20)...) // more than tokens: each goes by itself
				want := sharing(t, s, tokens, filled, false)
				for way, ids := range map[string][]int32{"the vocabulary": nil, "distinct tokens": distinct} {
					got := sharing(t, s, tokens, ids, false)
					for n, values := range want {
						compare(t, way+": "+n, got[n], values, 1e-5)
					}
				}
				if rate == 0 { // a rate that drops nothing, but is not zero
					s.Dropout, s.DropoutOn = 1e-12, []string{"embedding"}
					for n, values := range sharing(t, s, tokens, distinct, false) {
						compare(t, "with dropout: "+n, values, want[n], 1e-5)
					}
				}
			}
		})
	}
}

// sharing are the logits, and the gradients by each variable of a sum over them, while training; ids are the distinct tokens, if
// the graph is told of them, which may use bfloat16.
func sharing(t *testing.T, s Settings, tokens [][]int32, ids []int32, bfloat16 bool) map[string][]float32 {
	t.Helper()
	d, err := New(s, Size{Features: 4, Locations: 2, Vocabulary: 9})
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(7); err != nil {
		t.Fatal(err)
	}
	features, _ := tinyBatch()
	slots := make([][]int32, len(tokens))
	for row, of := range tokens {
		for _, id := range of {
			slots[row] = append(slots[row], int32(max(0, slices.Index(ids, id))))
		}
	}
	logits := func(scope *gomodel.Scope, features, tokens *Node) *Node {
		scope.Store().SetTraining(features.Graph(), true)
		if bfloat16 {
			UseBFloat16(features.Graph())
		}
		if ids != nil {
			SetDistinct(Const(features.Graph(), ids), Const(features.Graph(), slots))
		}
		out := d.Logits(scope, features, tokens)
		if both, ok := d.(Bidirectional); ok {
			out = Concatenate([]*Node{out, both.Backward().Logits(scope, features, tokens)}, 0)
		}
		return out
	}
	var paths []string
	out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, features, tokens *Node) []*Node {
		values := logits(scope, features, tokens)
		weighted := Mul(values, Sin(IotaFull(values.Graph(), values.Shape()))) // so that the sum's gradients are not zero
		by := map[string]*Node{}
		for v := range store.IterVariables() {
			if v.Trainable {
				by[v.Path()] = v.NodeValue(values.Graph())
			}
		}
		paths = slices.Sorted(maps.Keys(by))
		var nodes []*Node
		for _, path := range paths {
			nodes = append(nodes, by[path])
		}
		return append([]*Node{values}, Gradient(ReduceAllSum(weighted), nodes...)...)
	}).MustCall(features, tensors.FromValue(tokens))
	results := map[string][]float32{"logits": flat(out[0])}
	for n, path := range paths {
		results[path] = flat(out[n+1])
	}
	return results
}

// TestSharesTokens: every decoder makes use of a batch's distinct tokens, behind a front too, unless embeddings have dropout.
func TestSharesTokens(t *testing.T) {
	all := variants()
	all["attention"] = Settings{Name: "attention", AttentionUnits: 3, Units: 6, Embedding: 5}
	all["bidirectional"] = Settings{Name: "lstm", Inject: "pre", Bidirectional: true, Units: 6, Embedding: 5}
	for name, s := range all {
		for _, rate := range []float64{0, 0.5} {
			s.Dropout, s.DropoutOn = rate, []string{"embedding"}
			d, err := New(s, Size{Features: 4, Locations: 2, Vocabulary: 9})
			if err != nil {
				t.Fatal(err)
			}
			for way, d := range map[string]Decoder{"by itself": d, "behind a front": WithFront(d, twice{})} {
				if got := SharesTokens(d, 8); got != (rate == 0) {
					t.Errorf("%s, %s, dropout %v: %v", name, way, rate, got)
				}
				if SharesTokens(d, 9) {
					t.Errorf("%s, %s: it shares as many as the vocabulary has", name, way)
				}
			}
		}
	}
}
