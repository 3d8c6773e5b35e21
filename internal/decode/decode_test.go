package decode_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

const (
	vocabulary = 6 // two tokens and the special ones
	featureLen = 5
	maxLength  = 3
	pictures   = 3
)

// tiny is a decoder with random weights, its pictures and how it scores captions under teacher forcing.
type tiny struct {
	decoder model.Decoder
	store   *gomodel.Store
	rows    [][]float32
}

func newTiny(t *testing.T, inject string) *tiny {
	t.Helper()
	return tinyOf(t, model.Settings{Name: "lstm", Inject: inject, Units: 6, Embedding: 4})
}

// variants are the decoders whose states and steps differ.
func variants() map[string]model.Settings {
	all := map[string]model.Settings{}
	for _, inject := range []string{"pre", "init", "par", "merge"} {
		all["lstm "+inject] = model.Settings{Name: "lstm", Inject: inject, Units: 6, Embedding: 4}
	}
	all["gru, two layers, init"] = model.Settings{Name: "gru", ResetAfter: true, Inject: "init", Layers: 2, Units: 6, Embedding: 4}
	all["gru reset before, par"] = model.Settings{Name: "gru", Inject: "par", LearnState: true, Units: 6, Embedding: 4}
	all["lstm norm, two layers, pre"] = model.Settings{Name: "lstm", LayerNorm: true, Layers: 2, Inject: "pre", Units: 6, Embedding: 4}
	all["gru norm, tied, par"] = model.Settings{Name: "gru", ResetAfter: true, LayerNorm: true, Tied: true, Inject: "par", Units: 5, Embedding: 5}
	all["lstm added, hidden"] = model.Settings{Name: "lstm", Inject: "merge", Merge: "add", Hidden: 4, ImageActivation: "relu", Units: 6, Embedding: 4}
	return all
}

func tinyOf(t *testing.T, s model.Settings) *tiny {
	t.Helper()
	return tinySized(t, s, model.Size{Features: featureLen, Vocabulary: vocabulary}, 6)
}

// tinySized makes a decoder with pictures of that size. Weights of the initial size say nearly the same whatever came
// before; times times larger ones make the search hard.
func tinySized(t *testing.T, s model.Settings, size model.Size, times float32) *tiny {
	t.Helper()
	d, err := model.New(s, size)
	if err != nil {
		t.Fatal(err)
	}
	m := &tiny{decoder: d, store: gomodel.NewStore()}
	if err := m.store.SetRNGStateFromSeed(3); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range pictures {
		row := make([]float32, size.Features)
		for n := range row {
			row[n] = float32(r.NormFloat64()) * 3
		}
		m.rows = append(m.rows, row)
	}
	m.logProbabilities(t, [][]int32{{4}}) // makes the variables
	if both, ok := d.(model.Bidirectional); ok {
		(&tiny{both.Backward(), m.store, m.rows}).logProbabilities(t, [][]int32{{4}})
	}
	for v := range m.store.IterVariables() {
		if v.Trainable {
			flat := tensors.MustCopyFlatData[float32](v.MustValue())
			for n := range flat {
				flat[n] *= times
			}
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// logProbabilities are those of captions, end included, for each picture: [caption][picture].
func (m *tiny) logProbabilities(t *testing.T, captions [][]int32) [][]float64 {
	t.Helper()
	exec, err := gomodel.NewExec(acceltest.XLA(t), m.store, func(scope *gomodel.Scope, features, tokens, targets *graph.Node) *graph.Node {
		scope.Store().SetTraining(features.Graph(), false)
		logits := graph.TransposeAllAxes(m.decoder.Logits(scope, features, tokens), 1, 0, 2)
		logs := graph.LogSoftmax(logits)
		hit := graph.OneHot(targets, logs.Shape().Dim(-1), logs.DType())
		valid := graph.ConvertDType(graph.NotEqual(targets, graph.ScalarZero(targets.Graph(), targets.DType())), logs.DType())
		return graph.ReduceSum(graph.Mul(graph.ReduceSum(graph.Mul(logs, hit), -1), valid), -1)
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]float64, len(captions))
	for at := range m.rows {
		var features [][]float32
		var tokens, targets [][]int32
		for _, c := range captions {
			input, target := make([]int32, maxLength+1), make([]int32, maxLength+1)
			copy(input, append([]int32{token.Start}, c...))
			copy(target, append(slices.Clone(c), token.End))
			features, tokens, targets = append(features, m.rows[at]), append(tokens, input), append(targets, target)
		}
		out, err := exec.Call1(features, tokens, targets)
		if err != nil {
			t.Fatal(err)
		}
		for n, p := range out.Value().([]float32) {
			all[n] = append(all[n], float64(p))
		}
	}
	return all
}

func (m *tiny) generate(t *testing.T, s decode.Settings) [][]decode.Caption {
	t.Helper()
	return m.candidates(t, s, maxLength)
}

// candidates generates captions of at most longest tokens.
func (m *tiny) candidates(t *testing.T, s decode.Settings, longest int) [][]decode.Caption {
	t.Helper()
	s.Batch = 2 // three pictures: the second batch is filled up
	g, err := decode.New(acceltest.XLA(t), m.store, m.decoder, s, longest)
	if err != nil {
		t.Fatal(err)
	}
	captions, err := g.Candidates(context.Background(), m.rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	return captions
}

// every caption of the two tokens up to maxLength.
func every() [][]int32 {
	all := [][]int32{{}}
	for from := 0; from < len(all); from++ {
		if c := all[from]; len(c) < maxLength {
			for id := int32(4); id < vocabulary; id++ {
				all = append(all, append(slices.Clone(c), id))
			}
		}
	}
	return all
}

func repeats(c []int32, n int) bool {
	seen := map[string]bool{}
	for i := 0; i+n <= len(c); i++ {
		key := fmt.Sprint(c[i : i+n])
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

// TestBeamEqualsExhaustiveSearch: a beam that is wide enough finds the best of all captions that there are, under
// each rule; its log-probabilities are the teacher-forced ones.
func TestBeamEqualsExhaustiveSearch(t *testing.T) {
	captions := every()
	for name, decoder := range variants() {
		m := tinyOf(t, decoder)
		truth := m.logProbabilities(t, captions)
		cases := []decode.Settings{{LengthPenalty: 1.5}}
		if name == "lstm pre" {
			cases = append(cases, decode.Settings{}, decode.Settings{MinLength: 2}, decode.Settings{MinLength: 3, LengthPenalty: 1}, decode.Settings{MaxLength: 2},
				decode.Settings{NoRepeat: 1, MinLength: 2}, decode.Settings{NoRepeat: 2, MinLength: 3, LengthPenalty: 0.7})
		}
		for _, s := range cases {
			s.Method, s.BeamWidth, s.BeamGroups = "beam", 15, 1 // as many captions as there are
			longest := maxLength
			if s.MaxLength > 0 {
				longest = s.MaxLength
			}
			for at, got := range m.generate(t, s) {
				best, bestScore := -1, math.Inf(-1)
				for n, c := range captions {
					if len(c) < s.MinLength || len(c) > longest || s.NoRepeat > 0 && repeats(c, s.NoRepeat) {
						continue
					}
					if score := truth[n][at] / math.Pow(float64(len(c)+1), s.LengthPenalty); score > bestScore {
						best, bestScore = n, score
					}
				}
				score := got[0].LogProbability / math.Pow(float64(len(got[0].Tokens)+1), s.LengthPenalty)
				if tie := math.Abs(score-bestScore) < 1e-4; !tie || slices.Equal(got[0].Tokens, captions[best]) && math.Abs(got[0].LogProbability-truth[best][at]) > 1e-4 {
					t.Errorf("%s %+v, picture %d: got %v, the best caption is %v with %.5f", name, s, at, got[0], captions[best], truth[best][at])
				}
			}
		}
	}
}

// TestEveryCandidateIsTrue: all that a narrow beam, diverse or not, and sampling return are captions within the
// rules, different ones, with their teacher-forced log-probabilities.
func TestEveryCandidateIsTrue(t *testing.T) {
	m := newTiny(t, "pre")
	captions := every()
	truth := m.logProbabilities(t, captions)
	for _, s := range []decode.Settings{
		{Method: "greedy"}, {Method: "beam", BeamWidth: 1, BeamGroups: 1}, {Method: "beam", BeamWidth: 3, BeamGroups: 1},
		{Method: "beam", BeamWidth: 6, BeamGroups: 3, Diversity: 1}, {Method: "beam", BeamWidth: 4, BeamGroups: 4, Diversity: 20},
		{Method: "sample", Temperature: 1, TopP: 1, Seed: 1}, {Method: "sample", Temperature: 0.5, TopK: 2, TopP: 0.9, Seed: 2},
		{Method: "greedy", MinLength: 2, NoRepeat: 1},
	} {
		for at, got := range m.generate(t, s) {
			seen := map[string]bool{}
			for n, c := range got {
				k := slices.IndexFunc(captions, func(o []int32) bool { return slices.Equal(o, c.Tokens) })
				switch {
				case k < 0:
					t.Errorf("%+v, picture %d: %v is no caption", s, at, c.Tokens)
				case math.Abs(c.LogProbability-truth[k][at]) > 1e-4:
					t.Errorf("%+v, picture %d: %v has %.5f, under teacher forcing %.5f", s, at, c.Tokens, c.LogProbability, truth[k][at])
				case len(c.Tokens) < s.MinLength || s.NoRepeat > 0 && repeats(c.Tokens, s.NoRepeat):
					t.Errorf("%+v, picture %d: %v breaks a rule", s, at, c.Tokens)
				case n > 0 && c.LogProbability > got[n-1].LogProbability:
					t.Errorf("%+v, picture %d: candidate %d is better than the one before", s, at, n)
				case seen[fmt.Sprint(c.Tokens)]:
					t.Errorf("%+v, picture %d: %v came twice", s, at, c.Tokens)
				}
				seen[fmt.Sprint(c.Tokens)] = true
			}
			if len(got) == 0 {
				t.Errorf("%+v, picture %d: no caption", s, at)
			}
		}
	}
}

// TestBeamOfOneIsGreedy, whatever the length penalty: a caption that ended keeps the only place.
func TestBeamOfOneIsGreedy(t *testing.T) {
	for name, decoder := range variants() {
		m := tinyOf(t, decoder)
		greedy := m.generate(t, decode.Settings{Method: "greedy"})
		for _, penalty := range []float64{0, 1} {
			for at, got := range m.generate(t, decode.Settings{Method: "beam", BeamWidth: 1, BeamGroups: 1, LengthPenalty: penalty}) {
				if !slices.Equal(got[0].Tokens, greedy[at][0].Tokens) || math.Abs(got[0].LogProbability-greedy[at][0].LogProbability) > 1e-5 {
					t.Errorf("%s, penalty %g, picture %d: %v, greedy %v", name, penalty, at, got[0], greedy[at][0])
				}
			}
		}
	}
}

// TestDiverseGroupsDiffer: without diversity the groups are copies of each other, whose caption comes once; with much of it
// each has a caption, which begins with a token of its own, while there are any.
func TestDiverseGroupsDiffer(t *testing.T) {
	m := newTiny(t, "pre")
	for _, c := range []struct {
		diversity  float64
		beginnings int
	}{{0, 1}, {100, 2}} {
		for at, got := range m.generate(t, decode.Settings{Method: "beam", BeamWidth: 2, BeamGroups: 2, Diversity: c.diversity, MinLength: 1}) {
			first := map[int32]bool{}
			for _, caption := range got {
				first[caption.Tokens[0]] = true
			}
			if len(first) != c.beginnings || len(got) != c.beginnings {
				t.Errorf("diversity %g, picture %d: captions %v begin with %d different tokens, want %d", c.diversity, at, got, len(first), c.beginnings)
			}
		}
	}
}

// TestSamplesFollowTheModel: over many seeds captions come as often as the model's distribution says; a seed
// repeats its captions; top_k = 1, a tiny nucleus and a tiny temperature are all greedy.
func TestSamplesFollowTheModel(t *testing.T) {
	m := newTiny(t, "init")
	const n = 4000
	one := m.rows[0]
	m.rows = nil
	for range n {
		m.rows = append(m.rows, one)
	}
	sample := func(s decode.Settings) []string {
		s.Method, s.Batch = "sample", n
		g, err := decode.New(acceltest.XLA(t), m.store, m.decoder, s, maxLength)
		if err != nil {
			t.Fatal(err)
		}
		captions, err := g.Generate(t.Context(), m.rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]string, n)
		for i, c := range captions {
			out[i] = fmt.Sprint(c.Tokens)
		}
		return out
	}
	count := func(captions []string) map[string]float64 {
		share := map[string]float64{}
		for _, c := range captions {
			share[c] += 1.0 / n
		}
		return share
	}
	all := decode.Settings{Temperature: 1, TopP: 1, Seed: 9}
	first := sample(all)
	if !slices.Equal(first, sample(all)) {
		t.Error("the same seed drew other captions")
	}
	all.Seed = 10
	if slices.Equal(first, sample(all)) {
		t.Error("another seed drew the same captions")
	}
	m.rows = m.rows[:1]
	captions := every()
	truth := m.logProbabilities(t, captions)
	for len(m.rows) < n {
		m.rows = append(m.rows, one)
	}
	share := count(first)
	for k, c := range captions {
		if len(c) == maxLength {
			continue // its end is forced, so it comes more often
		}
		p := math.Exp(truth[k][0])
		// The model never says padding, start or unknown here: their share goes to the other tokens, step by step,
		// so this bound holds from below; five standard deviations of the count.
		if got := share[fmt.Sprint(c)]; got < p-5*math.Sqrt(p*(1-p)/n)-1e-9 {
			t.Errorf("%v came with share %.4f, the model gives %.4f", c, got, p)
		}
	}
	greedy, err := decode.New(acceltest.XLA(t), m.store, m.decoder, decode.Settings{Method: "greedy", Batch: 1}, maxLength)
	if err != nil {
		t.Fatal(err)
	}
	best, err := greedy.Generate(t.Context(), [][]float32{one}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for reason, s := range map[string]decode.Settings{
		"top_k 1": {Temperature: 1, TopK: 1, TopP: 1}, "tiny nucleus": {Temperature: 1, TopP: 0.001}, "cold": {Temperature: 0.01, TopP: 1},
	} {
		s.Seed = 4
		if share := count(sample(s)); share[fmt.Sprint(best[0].Tokens)] != 1 && math.Abs(share[fmt.Sprint(best[0].Tokens)]-1) > 1e-6 {
			t.Errorf("%s: %v, want %v alone", reason, share, best[0].Tokens)
		}
	}
}

func TestSettingsThatContradict(t *testing.T) {
	for reason, s := range map[string]decode.Settings{
		"groups don't divide the beam": {Method: "beam", BeamWidth: 5, BeamGroups: 2},
		"shortest above longest":       {Method: "greedy", MinLength: 9, MaxLength: 3},
		"unknown method":               {Method: "guess"},
	} {
		m := newTiny(t, "pre")
		if _, err := decode.New(acceltest.XLA(t), m.store, m.decoder, s, maxLength); err == nil {
			t.Errorf("%s: no error", reason)
		}
	}
}

// TestGoBackendIsRefused: GoMLX's pure-Go backend would end the process in the search's loop.
func TestGoBackendIsRefused(t *testing.T) {
	a, err := accel.Open(t.Context(), accel.Settings{Backend: "go"}, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m := newTiny(t, "pre")
	g, err := decode.New(a.Backend, m.store, m.decoder, decode.Settings{Method: "greedy", Batch: 2}, maxLength)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Generate(t.Context(), m.rows, nil); err == nil || !strings.Contains(err.Error(), "expected XLA") {
		t.Errorf("error %v, want one that names XLA", err)
	}
}
