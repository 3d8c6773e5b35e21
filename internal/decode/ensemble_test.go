package decode_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

// together makes one model of several, with the pictures of the first.
func together(t *testing.T, members ...*tiny) *tiny {
	t.Helper()
	m := &tiny{store: gomodel.NewStore(), rows: members[0].rows}
	var decoders []model.Decoder
	for n, one := range members {
		decoders = append(decoders, one.decoder)
		for v := range one.store.IterVariables() {
			if !v.Trainable {
				continue
			}
			value := tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](v.MustValue()), v.Shape().Dimensions...)
			if _, err := m.store.CreateVariable("/"+model.MemberScope(n)+v.Path(), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	var err error
	if m.decoder, err = model.NewEnsemble(decoders); err != nil {
		t.Fatal(err)
	}
	return m
}

// distributions are a model's probabilities of every token after each beginning of a caption, [beginning][picture][token].
func (m *tiny) distributions(t *testing.T, beginnings [][]int32) [][][]float64 {
	t.Helper()
	exec, err := gomodel.NewExec(acceltest.XLA(t), m.store, func(scope *gomodel.Scope, features, tokens *graph.Node) *graph.Node {
		scope.Store().SetTraining(features.Graph(), false)
		return m.decoder.Logits(scope, features, tokens)
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([][][]float64, len(beginnings))
	for picture := range m.rows {
		var features [][]float32
		var tokens [][]int32
		for _, b := range beginnings {
			row := make([]int32, maxLength+1)
			row[0] = token.Start
			copy(row[1:], b)
			features, tokens = append(features, m.rows[picture]), append(tokens, row)
		}
		out, err := exec.Call1(features, tokens)
		if err != nil {
			t.Fatal(err)
		}
		logits := out.Value().([][][]float32) // [time, batch, vocabulary]
		for n, b := range beginnings {
			row, sum := make([]float64, vocabulary), 0.0
			for id, x := range logits[len(b)][n] {
				row[id] = math.Exp(float64(x))
				sum += row[id]
			}
			for id := range row {
				row[id] /= sum
			}
			all[n] = append(all[n], row)
		}
	}
	return all
}

// unlike are two decoders with little in common, and a third one.
func unlike(t *testing.T) []*tiny {
	return []*tiny{
		tinyOf(t, model.Settings{Name: "lstm", Inject: "merge", Units: 6, Embedding: 4}),
		tinyOf(t, model.Settings{Name: "gru", ResetAfter: true, LayerNorm: true, Layers: 2, Inject: "par", Units: 5, Embedding: 3}),
	}
}

// TestEnsembleBeamEqualsExhaustiveSearch: under the mean of two models' probabilities, which is taken here from the models
// by themselves, in float64, a beam that is wide enough finds the best of all captions, every caption of it has its true
// log-probability, and greedy search takes the most probable token each time.
func TestEnsembleBeamEqualsExhaustiveSearch(t *testing.T) {
	members := unlike(t)
	m, captions := together(t, members...), every()
	first, second := members[0].distributions(t, captions), members[1].distributions(t, captions)
	mean := func(beginning []int32, picture int, id int32) float64 {
		n := slices.IndexFunc(captions, func(c []int32) bool { return slices.Equal(c, beginning) })
		return (first[n][picture][id] + second[n][picture][id]) / 2
	}
	truth := func(c []int32, picture int) (log float64) {
		for n := range c {
			log += math.Log(mean(c[:n], picture, c[n]))
		}
		return log + math.Log(mean(c, picture, token.End))
	}
	logs := m.logProbabilities(t, captions) // teacher-forced, over whole captions
	for n, c := range captions {
		for picture := range m.rows {
			if want := truth(c, picture); math.Abs(logs[n][picture]-want) > 1e-4 {
				t.Fatalf("%v of picture %d has log-probability %.6f, the mean of probabilities gives %.6f", c, picture, logs[n][picture], want)
			}
		}
	}
	for _, penalty := range []float64{0, 1.5} {
		for picture, got := range m.generate(t, decode.Settings{Method: "beam", BeamWidth: 15, BeamGroups: 1, LengthPenalty: penalty}) {
			score := func(c []int32) float64 { return truth(c, picture) / math.Pow(float64(len(c)+1), penalty) }
			best := math.Inf(-1)
			for _, c := range captions {
				best = max(best, score(c))
			}
			if math.Abs(score(got[0].Tokens)-best) > 1e-4 {
				t.Errorf("penalty %g, picture %d: %v scores %.5f, the best caption %.5f", penalty, picture, got[0].Tokens, score(got[0].Tokens), best)
			}
			for _, c := range got {
				if math.Abs(c.LogProbability-truth(c.Tokens, picture)) > 1e-4 {
					t.Errorf("penalty %g, picture %d: %v, its log-probability is %.6f", penalty, picture, c, truth(c.Tokens, picture))
				}
			}
		}
	}
	for picture, got := range m.generate(t, decode.Settings{Method: "greedy"}) {
		var want []int32
		for len(want) < maxLength {
			likely := token.End
			for _, id := range []int32{4, 5} {
				if mean(want, picture, id) > mean(want, picture, likely) {
					likely = id
				}
			}
			if likely == token.End {
				break
			}
			want = append(want, likely)
		}
		if !slices.Equal(got[0].Tokens, want) {
			t.Errorf("picture %d: greedy search says %v, want %v", picture, got[0].Tokens, want)
		}
	}
}

// TestEnsembleOfOneModelIsThatModel, with itself three times or once, by every method.
func TestEnsembleOfOneModelIsThatModel(t *testing.T) {
	gru, attention := unlike(t)[1], newTinyAttention(t)
	greedy, beam := decode.Settings{Method: "greedy"}, decode.Settings{Method: "beam", BeamWidth: 3, BeamGroups: 1, LengthPenalty: 0.7}
	sample := decode.Settings{Method: "sample", Temperature: 0.8, TopP: 0.95, Seed: 7}
	for _, c := range []struct {
		one, ensemble *tiny
		methods       []decode.Settings
	}{
		{gru, together(t, gru, gru, gru), []decode.Settings{greedy, beam, sample}},
		{gru, together(t, gru), []decode.Settings{greedy}},
		{attention, together(t, attention, attention), []decode.Settings{beam}},
	} {
		for _, s := range c.methods {
			want := c.one.generate(t, s)
			for picture, got := range c.ensemble.generate(t, s) {
				if len(got) != len(want[picture]) {
					t.Fatalf("%s, picture %d: %d captions, want %d", s.Method, picture, len(got), len(want[picture]))
				}
				for n := range got {
					if w := want[picture][n]; !slices.Equal(got[n].Tokens, w.Tokens) || math.Abs(got[n].LogProbability-w.LogProbability) > 1e-5 {
						t.Errorf("%s, picture %d: %v, want %v", s.Method, picture, got[n], w)
					}
				}
			}
		}
	}
}

// TestEnsembleSamplesFollowTheMean: over many samples, first tokens come as often as the mean of the two models says.
func TestEnsembleSamplesFollowTheMean(t *testing.T) {
	members := unlike(t)
	m := together(t, members...)
	first, second := members[0].distributions(t, [][]int32{nil})[0][0], members[1].distributions(t, [][]int32{nil})[0][0]
	const n = 4000
	one := m.rows[0]
	m.rows = nil
	for range n {
		m.rows = append(m.rows, one)
	}
	g, err := decode.New(acceltest.XLA(t), m.store, m.decoder, decode.Settings{Method: "sample", Temperature: 1, TopP: 1, Seed: 9, Batch: n}, maxLength)
	if err != nil {
		t.Fatal(err)
	}
	captions, err := g.Generate(t.Context(), m.rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	share, allowed := map[int32]float64{}, 0.0
	for _, c := range captions {
		id := token.End
		if len(c.Tokens) > 0 {
			id = c.Tokens[0]
		}
		share[id] += 1.0 / n
	}
	for _, id := range []int32{token.End, 4, 5} { // the others are never said: their share goes to these
		allowed += (first[id] + second[id]) / 2
	}
	for _, id := range []int32{token.End, 4, 5} {
		if p := (first[id] + second[id]) / 2 / allowed; math.Abs(share[id]-p) > 5*math.Sqrt(p*(1-p)/n)+1e-9 {
			t.Errorf("token %d came with share %.4f, the mean of the models gives %.4f", id, share[id], p)
		}
	}
}

func TestEnsembleOfNone(t *testing.T) {
	if _, err := model.NewEnsemble(nil); err == nil {
		t.Error("an ensemble without members")
	}
}
