package model

import (
	"cmp"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestInitializers: kernels, embeddings and a learnt state begin as the settings say; biases begin as ever.
func TestInitializers(t *testing.T) {
	clippedShare := 2 * (1 - 0.5*(1+math.Erf(0.1/math.Sqrt2))) // of N(0, 1) beyond 0.1
	for _, c := range []struct {
		name    string
		s       Settings
		largest float64                   // no value is beyond
		spread  func(in, out int) float64 // expected standard deviation
		atEnds  float64                   // share of values of the largest size
	}{
		{"uniform", Settings{Initializer: "uniform", InitializerScale: 0.08}, 0.08, func(int, int) float64 { return 0.08 / math.Sqrt(3) }, 0},
		{"normal", Settings{Initializer: "normal", InitializerScale: 0.3}, 3, func(int, int) float64 { return 0.3 }, 0},
		{"clipped", Settings{Initializer: "normal", InitializerScale: 1, InitializerClip: 0.1}, 0.1, nil, clippedShare},
		{"xavier_normal", Settings{Initializer: "xavier_normal"}, 3, func(in, out int) float64 { return math.Sqrt(2 / float64(in+out)) }, 0},
		{"xavier_uniform", Settings{Initializer: "xavier_uniform"}, 3, func(in, out int) float64 { return math.Sqrt(2 / float64(in+out)) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.s
			s.Name, s.Inject, s.Units, s.Embedding, s.LearnState = "gru", "par", 60, 50, true
			d, store := tinyDecoder(t, s)
			features, tokens := tinyBatch()
			gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node { return d.Logits(scope, f, ids) }).MustCall(features, tokens)
			for v := range store.IterVariables() {
				if !v.Trainable {
					continue
				}
				values := flat(v.MustValue())
				if strings.HasSuffix(v.Path(), "bias") {
					for n, x := range values {
						want := float32(0)
						if v.Path() == "/gru/bias" && n < 2*60 { // its gates'
							want = 1
						}
						if x != want {
							t.Errorf("%s begins with %v at %d, want %v", v.Path(), x, n, want)
							break
						}
					}
					continue
				}
				var square, ends float64
				for _, x := range values {
					size := math.Abs(float64(x))
					square += size * size
					if size >= c.largest*(1-1e-6) {
						ends++
					}
					if size > c.largest*(1+1e-6) {
						t.Fatalf("%s has %v, beyond %v", v.Path(), x, c.largest)
					}
				}
				n := float64(len(values))
				if got, allowed := ends/n, 5*math.Sqrt(0.25/n); math.Abs(got-c.atEnds) > allowed {
					t.Errorf("%s: a share of %v of its values are as large as they may be, want %v", v.Path(), got, c.atEnds)
				}
				if c.spread != nil && n >= 400 {
					dims := v.Shape().Dimensions
					if got, want := math.Sqrt(square/n), c.spread(dims[0], dims[1]); math.Abs(got-want) > 5*want/math.Sqrt(2*n) {
						t.Errorf("%s has a standard deviation of %v, want %v", v.Path(), got, want)
					}
				}
			}
		})
	}
}

// TestOrthogonalInitializer: the rows of every recurrent kernel are orthonormal, whatever the other kernels begin with, and no direction is
// preferred: the first value is negative as often as not, where QR without Mezzadri's correction has one sign (2007, How to generate
// random matrices from the classical compact groups).
func TestOrthogonalInitializer(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Settings
		path string
	}{
		{"lstm", Settings{Name: "lstm", Inject: "init", Layers: 2}, "/lstm_2/recurrent_kernel"},
		{"norm lstm", Settings{Name: "lstm", Inject: "init", LayerNorm: true}, "/lstm/recurrent_kernel"},
		{"gru", Settings{Name: "gru", Inject: "init", ResetAfter: true}, "/gru/recurrent_kernel"},
		{"gru before", Settings{Name: "gru", Inject: "init"}, "/gru/recurrent_kernel"},
		{"one unit", Settings{Name: "gru", Inject: "init", Units: 1}, "/gru/recurrent_kernel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.s
			s.RecurrentInitializer, s.Initializer, s.InitializerScale, s.Embedding = "orthogonal", "uniform", 0.01, 8
			s.Units = cmp.Or(s.Units, 37)
			d, store := tinyDecoder(t, s)
			features, tokens := tinyBatch()
			gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node { return d.Logits(scope, f, ids) }).MustCall(features, tokens)
			kernel := store.GetVariable(c.path)
			if kernel == nil {
				t.Fatalf("no variable %s", c.path)
			}
			rows, columns := kernel.Shape().Dim(0), kernel.Shape().Dim(1)
			values := flat(kernel.MustValue())
			for i := range rows {
				for j := range i + 1 {
					var dot, want float64
					for k := range columns {
						dot += float64(values[i*columns+k]) * float64(values[j*columns+k])
					}
					if i == j {
						want = 1
					}
					if math.Abs(dot-want) > 1e-5 {
						t.Fatalf("rows %d and %d have the product %v, want %v", i, j, dot, want)
					}
				}
			}
		})
	}

	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(1); err != nil {
		t.Fatal(err)
	}
	const draws = 200
	negative := 0
	features, _ := tinyBatch() // for its shape
	exec := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, x *Node) *Node {
		return orthogonal(scope.Store())(x.Graph(), x.Shape())
	})
	for range draws {
		if flat(exec.MustCall(features)[0])[0] < 0 {
			negative++
		}
	}
	if math.Abs(float64(negative)-draws/2) > 5*math.Sqrt(draws)/2 {
		t.Errorf("the first value is negative in %d of %d draws", negative, draws)
	}
}

// TestDropoutActsWhereItIsNamed, where a decoder has the place: where it has none of those that are named, Check refuses.
func TestDropoutActsWhereItIsNamed(t *testing.T) {
	for _, c := range []struct {
		place, inject string
		layers        int
	}{
		{"features", "pre", 1}, {"features", "init", 1}, {"embedding", "init", 1}, {"embedding", "par", 1}, {"image", "pre", 1}, {"image", "par", 1},
		{"image", "merge", 1}, {"layers", "pre", 2}, {"output", "merge", 1}, {"output", "init", 2},
	} {
		var logits [2][]float32
		for n, rate := range []float64{0, 0.5} {
			d, store := tinyDecoder(t, Settings{Name: "lstm", Inject: c.inject, Layers: c.layers, Units: 16, Embedding: 8, Dropout: rate, DropoutOn: []string{c.place}})
			features, tokens := tinyBatch()
			logits[n] = flat(gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, f, ids *Node) *Node {
				scope.Store().SetTraining(f.Graph(), true)
				return d.Logits(scope, f, ids)
			}).MustCall(features, tokens)[0])
		}
		largest := 0.0
		for n := range logits[0] {
			largest = math.Max(largest, math.Abs(float64(logits[0][n]-logits[1][n])))
		}
		if largest <= 1e-4 {
			t.Errorf("dropout on %s, inject %s, %d layers: logits change by %v", c.place, c.inject, c.layers, largest)
		}
	}
}
