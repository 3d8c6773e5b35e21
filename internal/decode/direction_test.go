package decode_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
)

// TestDirectionsEqualExhaustiveSearch: a beam that is wide enough finds the caption that the backward direction finds the most
// probable, and of both directions' the more probable one (Wang et al. 2016); its log-probability is that direction's under
// teacher forcing, and its tokens are in reading order. Greedy captions and samples of both directions are true ones, too.
func TestDirectionsEqualExhaustiveSearch(t *testing.T) {
	captions := every()
	fromBackward, found := 0, 0
	for name, s := range map[string]model.Settings{
		"lstm, pre":               {Name: "lstm", Inject: "pre"},
		"gru, two layers, merged": {Name: "gru", ResetAfter: true, Inject: "merge", Layers: 2},
	} {
		s.Units, s.Embedding, s.Bidirectional = 6, 4, true
		m := tinyOf(t, s)
		other := &tiny{m.decoder.(model.Bidirectional).Backward(), m.store, m.rows}
		forward, backward := m.logProbabilities(t, captions), other.logProbabilities(t, captions)
		searches := []decode.Settings{{Method: "beam", BeamWidth: 15, BeamGroups: 1}}
		if s.Layers == 0 {
			searches = append(searches, decode.Settings{Method: "beam", BeamWidth: 15, BeamGroups: 1, LengthPenalty: 1},
				decode.Settings{Method: "greedy"}, decode.Settings{Method: "sample", Temperature: 1, TopP: 1, Seed: 1})
		}
		for _, direction := range []string{"backward", "both"} {
			for _, d := range searches {
				d.Direction = direction
				for at, got := range m.generate(t, d) {
					best, truth := math.Inf(-1), math.Inf(-1) // of any caption; of the one that was found, by a direction that may generate
					for n, c := range captions {
						for _, way := range []struct {
							p        float64
							backward bool
						}{{forward[n][at], false}, {backward[n][at], true}} {
							if !way.backward && direction == "backward" {
								continue
							}
							best = max(best, way.p/math.Pow(float64(len(c)+1), d.LengthPenalty))
							if slices.Equal(c, got[0].Tokens) && math.Abs(way.p-got[0].LogProbability) < math.Abs(truth-got[0].LogProbability) {
								truth = way.p
							}
						}
					}
					p := got[0].LogProbability
					if math.Abs(p-truth) > 1e-4 {
						t.Errorf("%s, %+v, picture %d: %v, under teacher forcing %.5f", name, d, at, got[0], truth)
					}
					if score := p / math.Pow(float64(len(got[0].Tokens)+1), d.LengthPenalty); d.Method == "beam" && math.Abs(score-best) > 1e-4 {
						t.Errorf("%s, %+v, picture %d: %v, the best has %.5f", name, d, at, got[0], best)
					}
					n := slices.IndexFunc(captions, func(c []int32) bool { return slices.Equal(c, got[0].Tokens) })
					if direction == "both" {
						found++
						if math.Abs(p-backward[n][at]) < math.Abs(p-forward[n][at]) {
							fromBackward++
						}
					}
				}
			}
		}
	}
	if fromBackward == 0 || fromBackward == found {
		t.Errorf("of both directions, %d of %d captions are the backward one's: the test shows nothing", fromBackward, found)
	}
}

// TestDirectionNeedsADecoder that has it.
func TestDirectionNeedsADecoder(t *testing.T) {
	m := newTiny(t, "pre")
	for _, direction := range []string{"backward", "both"} {
		_, err := decode.New(acceltest.XLA(t), m.store, m.decoder, decode.Settings{Method: "greedy", Direction: direction}, maxLength)
		if err == nil || !strings.Contains(err.Error(), "decoder.bidirectional") {
			t.Errorf("direction %s of a decoder with one: %v", direction, err)
		}
	}
}
