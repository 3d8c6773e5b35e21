package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// vectorDecoder has vectors for tokens 4, 7 and 8 of 9.
func vectorDecoder(t *testing.T, trainable bool) (*recurrentDecoder, *gomodel.Store) {
	t.Helper()
	v := &Vectors{Tokens: []int32{4, 7, 8}}
	for n := range 15 {
		v.Values = append(v.Values, float32(n+1)/3)
	}
	d, err := New(Settings{Name: "lstm", Inject: "pre", Units: 6, Embedding: 5, VectorsTrainable: trainable}, Size{Features: 4, Vocabulary: 9, Pretrained: v})
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(7); err != nil {
		t.Fatal(err)
	}
	return d.(*recurrentDecoder), store
}

// TestVectorsStandAtTheirTokens: the table holds each vector bit for bit at its token, and the usual small random values
// at the others, the same ones from the same seed.
func TestVectorsStandAtTheirTokens(t *testing.T) {
	var tables [2][]float32
	for n := range tables {
		d, store := vectorDecoder(t, false)
		got := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, x *Node) *Node {
			return d.embedding(scope, x.Graph())
		}).MustCall(tensors.FromScalar(float32(0)))[0]
		tables[n] = flat(got)
	}
	if !slices.Equal(tables[0], tables[1]) {
		t.Error("the same seed gave two tables")
	}
	d, _ := vectorDecoder(t, false)
	for id := range 9 {
		row := tables[0][5*id : 5*id+5]
		if at := slices.Index(d.Pretrained.Tokens, int32(id)); at >= 0 {
			if !slices.Equal(row, d.Pretrained.Values[5*at:5*at+5]) {
				t.Errorf("token %d has %v", id, row)
			}
			continue
		}
		for _, x := range row {
			if x == 0 || math.Abs(float64(x)) > 0.05 {
				t.Errorf("token %d, without a vector, has %v; want random values within 0.05", id, row)
			}
		}
	}
}

// TestStepEqualsSequenceWithVectors: what is trained on the vectors is what generates with them.
func TestStepEqualsSequenceWithVectors(t *testing.T) {
	features, tokens := tinyBatch()
	d, store := vectorDecoder(t, true)
	want := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
		return d.Logits(scope, f, ids)
	}).MustCall(features, tokens)[0]
	got := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
		return stepByStep(d, scope, f, ids)
	}).MustCall(features, tokens)[0]
	compare(t, "logits", flat(got), flat(want), 1e-5)
}

// TestLayersCountFrozenVectors: what the summary calls trainable is what training changes.
func TestLayersCountFrozenVectors(t *testing.T) {
	for _, trainable := range []bool{false, true} {
		features, tokens := tinyBatch()
		d, store := vectorDecoder(t, trainable)
		gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
			return d.Logits(scope, f, ids)
		}).MustCall(features, tokens)
		want := map[bool]int{}
		for v := range store.IterVariables() {
			if v.Path() != "/rngState" && !strings.Contains(v.Path(), "#rng") {
				want[v.Trainable] += v.Shape().Size()
			}
		}
		got := map[bool]int{}
		for _, l := range d.Layers() {
			got[!l.Frozen] += l.Params
		}
		if got[true] != want[true] || got[false] != map[bool]int{false: 15}[trainable] {
			t.Errorf("trainable vectors %v: layers count %v, the variables hold %v", trainable, got, want)
		}
	}
}

func TestVectorsThatDontFit(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		reason string
		v      Vectors
		want   string
	}{
		{"none", Vectors{}, "0 word vectors"},
		{"too short", Vectors{[]int32{4}, make([]float32, 4)}, "expected 5 each, as decoder.embedding says"},
		{"not ascending", Vectors{[]int32{5, 4}, make([]float32, 10)}, "token 4 after 5"},
		{"twice the same", Vectors{[]int32{5, 5}, make([]float32, 10)}, "token 5 after 5"},
		{"beyond the vocabulary", Vectors{[]int32{9}, make([]float32, 5)}, "tokens below 9"},
		{"NaN", Vectors{[]int32{4}, []float32{0, nan, 0, 0, 0}}, "token 4 has the value NaN"},
	} {
		_, err := New(Settings{Name: "lstm", Embedding: 5}, Size{Features: 1, Vocabulary: 9, Pretrained: &c.v})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.reason, err, c.want)
		}
	}
}
