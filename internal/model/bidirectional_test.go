package model

import (
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// bothVariants are variants whose directions differ in how the picture enters, in their state or in what they share.
func bothVariants() map[string]Settings {
	all := variants()
	maps.DeleteFunc(all, func(name string, _ Settings) bool {
		return !slices.Contains([]string{"lstm pre", "gru par", "gru tied, hidden", "lstm three layers", "lstm norm, two layers, pre"}, name)
	})
	return all
}

// both is a tiny bidirectional decoder.
func both(t *testing.T, s Settings) (Bidirectional, *gomodel.Store) {
	t.Helper()
	s.Bidirectional = true
	d, store := tinyDecoder(t, s)
	return d.(Bidirectional), store
}

// the captions of tinyBatch the other way round.
var turnedBatch = [][]int32{{1, 2, 6, 5, 4}, {1, 2, 7, 8, 0}, {1, 4, 4, 4, 4}}

// TestBackwardStepsFromTheEnd feeds each caption's tokens one by one from its end, and wants the backward direction's logits of
// whole captions, which are in the places of the tokens that they predict; and the forward direction is the decoder that it is
// without the other.
func TestBackwardStepsFromTheEnd(t *testing.T) {
	backend := acceltest.XLA(t)
	for name, s := range bothVariants() {
		t.Run(name, func(t *testing.T) {
			d, store := both(t, s)
			alone, _ := tinyDecoder(t, s)
			features, tokens := tinyBatch()
			out := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids, turned *Node) []*Node {
				b := d.Backward()
				return []*Node{b.Logits(scope, f, ids), stepByStep(b, scope, f, turned), d.Logits(scope, f, ids), alone.Logits(scope, f, ids)}
			}).MustCall(features, tokens, turnedBatch)
			counts := [][]float32{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 0}, {1, 1, 1, 1, 1}} // all but padding, which is read too
			compare(t, "backward logits", asRead(out[0], counts), inOrder(out[1]), 1e-5)
			if !slices.Equal(flat(out[2]), flat(out[3])) {
				t.Error("the forward direction differs from a decoder without the other one")
			}
		})
	}
}

// inOrder are logits [time, batch, vocabulary] as [batch, time, vocabulary], flat.
func inOrder(logits *tensors.Tensor) (all []float32) {
	values, dims := flat(logits), logits.Shape().Dimensions
	for caption := range dims[1] {
		for step := range dims[0] {
			all = append(all, values[(step*dims[1]+caption)*dims[2]:][:dims[2]]...)
		}
	}
	return all
}

// TestBackwardIgnoresPadding: a caption has the same backward logits alone as beside longer ones, and they have nothing to do
// with what is said at its beginning.
func TestBackwardIgnoresPadding(t *testing.T) {
	backend := acceltest.XLA(t)
	for _, s := range []Settings{{Name: "lstm", Inject: "pre"}, {Name: "gru", Inject: "merge", ResetAfter: true, Layers: 2}} {
		s.Units, s.Embedding = 6, 5
		d, store := both(t, s)
		exec := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids *Node) *Node {
			return d.Backward().Logits(scope, f, ids)
		})
		picture := []float32{-1, 0.2, 0.5, -0.3}
		row := func(out *tensors.Tensor, step, caption int) []float32 {
			dims := out.Shape().Dimensions
			return flat(out)[(step*dims[1]+caption)*dims[2]:][:dims[2]]
		}
		alone := exec.MustCall([][]float32{picture}, [][]int32{{1, 8, 7}})[0]
		among := exec.MustCall([][]float32{{0.1, -0.4, 0.9, 0.3}, picture, {0, 0, 0, 0}},
			[][]int32{{1, 4, 5, 6, 5, 4, 8}, {1, 8, 7, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}})[0] // the last row fills up a batch
		other := exec.MustCall([][]float32{picture}, [][]int32{{1, 4, 7}})[0]
		for step := range 3 {
			compare(t, s.Name, row(among, step, 1), row(alone, step, 0), 1e-6)
		}
		for step, same := range []bool{true, true, false} { // the place of the end has read the first word, too
			if slices.Equal(row(other, step, 0), row(alone, step, 0)) != same {
				t.Errorf("%s: logits in place %d after another first word are the same: %v, want %v", s.Name, step, !same, same)
			}
		}
	}
}

// TestUnrolledBackwardOnPureGo runs the same weights through the scan on XLA and unrolled on the pure-Go backend.
func TestUnrolledBackwardOnPureGo(t *testing.T) {
	s := Settings{Name: "gru", Inject: "par", ResetAfter: true, Layers: 2, Units: 6, Embedding: 5}
	scan, store := both(t, s)
	s.Unrolled = true
	unrolled, _ := both(t, s)
	logits := func(d Bidirectional) func(scope *gomodel.Scope, f, ids *Node) *Node {
		return func(scope *gomodel.Scope, f, ids *Node) *Node { return d.Backward().Logits(scope, f, ids) }
	}
	features, tokens := tinyBatch()
	want := gomodel.MustNewExec(acceltest.XLA(t), store, logits(scan)).MustCall(features, tokens)[0]
	features, tokens = tinyBatch()
	got := gomodel.MustNewExec(acceltest.Go(t), local(t, store), logits(unrolled)).MustCall(features, tokens)[0]
	compare(t, "logits", flat(got), flat(want), 1e-5)
}

// TestBidirectionalLayers: the summary counts the variables of both directions, the shared projection once; and so it is with
// frozen word vectors, which each direction begins with.
func TestBidirectionalLayers(t *testing.T) {
	features, tokens := tinyBatch()
	vectors := &Vectors{Tokens: []int32{4, 6}, Values: make([]float32, 10)}
	for name, s := range bothVariants() {
		s.Bidirectional = true
		size := Size{Features: 4, Vocabulary: 9}
		if s.Embedding == 5 {
			size.Pretrained = vectors
		}
		made, err := New(s, size)
		if err != nil {
			t.Fatal(err)
		}
		d := made.(Bidirectional)
		store := gomodel.NewStore()
		gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
			return Add(d.Logits(scope, f, ids), d.Backward().Logits(scope, f, ids))
		}).MustCall(features, tokens)
		got, want := map[bool]int{}, map[bool]int{}
		for v := range store.IterVariables() {
			if v.Path() != gomodel.ScopeSeparator+gomodel.RNGStateVariableName {
				want[!v.Trainable] += v.Shape().Size()
			}
		}
		backward := 0
		for _, l := range d.Layers() {
			got[l.Frozen] += l.Params
			if strings.HasPrefix(l.Name, backwardScope+"/") {
				backward++
			}
		}
		if got[false] != want[false] || got[true] != want[true] || want[false] == 0 {
			t.Errorf("%s: layers count %v parameters (frozen: true), the variables hold %v", name, got, want)
		}
		shared := 1
		if s.Inject == "init" {
			shared = 0
		}
		if len(d.Layers()) != 2*backward+shared {
			t.Errorf("%s: %d of %d layers are the backward direction's", name, backward, len(d.Layers()))
		}
	}
}

// TestBidirectionalTogether: an ensemble of bidirectional decoders reads backwards by the mean of its members' probabilities, and
// a decoder behind a front by the front's features; an ensemble with a decoder of one direction has one direction.
func TestBidirectionalTogether(t *testing.T) {
	s := Settings{Name: "lstm", Inject: "pre", Units: 6, Embedding: 5}
	one, _ := tinyDecoder(t, s)
	first, store := both(t, s)
	s.Inject = "init"
	second, _ := both(t, s)
	d, err := NewEnsemble([]Decoder{first, second})
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := NewEnsemble([]Decoder{first, one})
	if _, ok := mixed.(Bidirectional); ok || err != nil {
		t.Errorf("an ensemble with a decoder of one direction is bidirectional: %v (%v)", ok, err)
	}
	calls := 0
	behind := WithFront(d, counted{&calls}).(Bidirectional)
	if !HasFront(behind) || !HasFront(behind.Backward()) {
		t.Error("the decoder lost its front")
	}
	features, tokens := tinyBatch()
	out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) []*Node {
		seen := twice{}.Features(scope, f)
		var mean *Node
		for n, m := range []Bidirectional{first, second} {
			p := Softmax(m.Backward().Logits(scope.At("%s", MemberScope(n)), seen, ids))
			if mean == nil {
				mean = p
			} else {
				mean = Add(mean, p)
			}
		}
		return []*Node{behind.Backward().Logits(scope, f, ids), Log(MulScalar(mean, 0.5)), behind.Logits(scope, f, ids), d.Logits(scope, seen, ids)}
	}).MustCall(features, tokens)
	compare(t, "log-probabilities", flat(out[0]), flat(out[1]), 1e-5)
	compare(t, "forward log-probabilities", flat(out[2]), flat(out[3]), 1e-6)
	if calls != 1 {
		t.Errorf("the front was called %d times in one graph", calls)
	}
}

// counted is a front that counts the graphs that it is in.
type counted struct{ calls *int }

func (c counted) Features(scope *gomodel.Scope, kept *Node) *Node {
	*c.calls++
	return twice{}.Features(scope, kept)
}
