package model

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// variants are the decoders and combinations of options that differ in what they compute.
func variants() map[string]Settings {
	all := map[string]Settings{}
	add := func(name string, s Settings) {
		s.Units, s.Dropout = 6, 0.5
		if s.Embedding == 0 {
			s.Embedding = 5
		}
		all[name] = s
	}
	for _, inject := range []string{"pre", "init", "par", "merge"} {
		add("lstm "+inject, Settings{Name: "lstm", Inject: inject})
		add("gru "+inject, Settings{Name: "gru", Inject: inject, ResetAfter: true})
	}
	add("gru reset before, init", Settings{Name: "gru", Inject: "init", Layers: 2})
	add("gru reset before, par", Settings{Name: "gru", Inject: "par", LearnState: true})
	add("lstm norm, two layers, pre", Settings{Name: "lstm", Inject: "pre", LayerNorm: true, Layers: 2, LearnState: true})
	add("lstm norm, par", Settings{Name: "lstm", Inject: "par", LayerNorm: true})
	add("gru norm, two layers, init", Settings{Name: "gru", ResetAfter: true, Inject: "init", LayerNorm: true, Layers: 2})
	add("gru norm, par", Settings{Name: "gru", ResetAfter: true, Inject: "par", LayerNorm: true})
	add("lstm three layers", Settings{Name: "lstm", Inject: "init", Layers: 3, ImageActivation: "tanh"})
	add("lstm tied", Settings{Name: "lstm", Inject: "pre", Tied: true, Embedding: 6})
	add("gru tied, hidden", Settings{Name: "gru", ResetAfter: true, Inject: "merge", Hidden: 5, Tied: true})
	add("lstm added, hidden", Settings{Name: "lstm", Inject: "merge", Merge: "add", Hidden: 7, ImageActivation: "relu", LearnState: true})
	add("gru added, two layers, tied", Settings{Name: "gru", ResetAfter: true, Inject: "merge", Merge: "add", Layers: 2, Tied: true, Embedding: 6})
	return all
}

func tinyDecoder(t *testing.T, s Settings) (Decoder, *gomodel.Store) {
	t.Helper()
	d, err := New(s, Size{Features: 4, Vocabulary: 9})
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(7); err != nil {
		t.Fatal(err)
	}
	return d, store
}

func tinyBatch() (features, tokens *tensors.Tensor) {
	return tensors.FromValue([][]float32{{0.1, -0.4, 0.9, 0.3}, {-1, 0.2, 0.5, -0.3}, {0.7, 0.7, -0.2, 0}}),
		tensors.FromValue([][]int32{{1, 4, 5, 6, 2}, {1, 8, 7, 2, 0}, {1, 4, 4, 4, 4}})
}

// TestStepEqualsSequence feeds the tokens one by one and wants the logits of the whole sequence: what is trained
// is what generates.
func TestStepEqualsSequence(t *testing.T) {
	backend := acceltest.XLA(t)
	features, tokens := tinyBatch()
	for name, s := range variants() {
		t.Run(name, func(t *testing.T) {
			d, store := tinyDecoder(t, s)
			want := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids *Node) *Node {
				return d.Logits(scope, f, ids)
			}).MustCall(features, tokens)[0]
			got := gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, f, ids *Node) *Node {
				return stepByStep(d, scope, f, ids)
			}).MustCall(features, tokens)[0]
			compare(t, "logits", flat(got), flat(want), 1e-5)
		})
	}
}

// stepByStep are the logits [time, batch, vocabulary] that Step gives for tokens [batch, time], fed one by one.
func stepByStep(d Decoder, scope *gomodel.Scope, features, tokens *Node) *Node {
	weights := d.StepWeights(scope, features.Graph())
	state, context := d.Start(scope, features)
	var all []*Node
	for n := range tokens.Shape().Dim(1) {
		var logits *Node
		logits, state = d.Step(weights, context, state, Squeeze(Slice(tokens, AxisRange(), AxisElem(n)), 1))
		all = append(all, logits)
	}
	return Stack(all, 0)
}

// TestUnrolledDecoderOnPureGo runs the same weights through the scan on XLA and unrolled on the pure-Go backend.
func TestUnrolledDecoderOnPureGo(t *testing.T) {
	for name, s := range variants() {
		t.Run(name, func(t *testing.T) {
			features, tokens := tinyBatch()
			scan, store := tinyDecoder(t, s)
			s.Unrolled = true
			unrolled, _ := tinyDecoder(t, s)
			want := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
				return scan.Logits(scope, f, ids)
			}).MustCall(features, tokens)[0]
			features, tokens = tinyBatch() // a tensor belongs to one backend
			got := gomodel.MustNewExec(acceltest.Go(t), local(t, store), func(scope *gomodel.Scope, f, ids *Node) *Node {
				return unrolled.Logits(scope, f, ids)
			}).MustCall(features, tokens)[0]
			compare(t, "logits", flat(got), flat(want), 1e-5)
		})
	}
}

// local copies a store's values off the device, so that another backend can take them.
func local(t *testing.T, store *gomodel.Store) *gomodel.Store {
	t.Helper()
	c := gomodel.NewStore()
	for v := range store.IterVariables() {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateVariable(v.Path(), value); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestLayersCountTheVariables: the summary's counts are those of the variables that the graph makes.
func TestLayersCountTheVariables(t *testing.T) {
	features, tokens := tinyBatch()
	for name, s := range variants() {
		d, store := tinyDecoder(t, s)
		gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
			return d.Logits(scope, f, ids)
		}).MustCall(features, tokens)
		want := 0
		for v := range store.IterVariables() {
			if v.Trainable {
				want += v.Shape().Size()
			}
		}
		got := 0
		for _, l := range d.Layers() {
			got += l.Params
		}
		if got != want || want == 0 {
			t.Errorf("%s: layers count %d parameters, the variables hold %d", name, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		reason string
		s      Settings
		size   Size
	}{
		{"an unknown decoder", Settings{Name: "transformer"}, Size{Features: 1, Vocabulary: 1}},
		{"no features", Settings{Name: "lstm"}, Size{Vocabulary: 5}},
		{"no vocabulary", Settings{Name: "lstm"}, Size{Features: 5}},
	} {
		if d, err := New(c.s, c.size); err == nil {
			t.Errorf("%s: got %v, want an error", c.reason, fmt.Sprint(d))
		}
	}
}
