package decode_test

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

// beginning is a caption in plainBeam.
type beginning struct {
	tokens []int32
	log    float64
	ended  bool
	rank   float64 // among those of its group at this step
}

func (b beginning) score(penalty float64) float64 {
	return b.log / math.Pow(float64(len(b.tokens)+1), penalty)
}

// plainBeam is the search that beam compiles, caption by caption: next gives the log-probabilities of all tokens after each beginning.
func plainBeam(next func(beginnings [][]int32) [][]float32, s decode.Settings, longest int) (ended []beginning) {
	groups := make([][]beginning, s.BeamGroups)
	for n := range groups {
		groups[n] = []beginning{{}}
	}
	improves := func(group []beginning) bool {
		best, bound := math.Inf(-1), math.Inf(-1)
		for _, b := range group {
			if b.ended {
				best = max(best, b.score(s.LengthPenalty))
			} else {
				bound = max(bound, b.log/math.Pow(float64(longest+1), s.LengthPenalty))
			}
		}
		return bound > best
	}
	for step := 0; step <= longest && slices.ContainsFunc(groups, improves); step++ {
		taken := map[int32]int{}
		for n, group := range groups {
			var candidates []beginning
			for _, b := range group {
				if b.ended {
					b.rank = math.Inf(1)
					candidates = append(candidates, b)
					continue
				}
				for id, log := range next([][]int32{b.tokens})[0] {
					id := int32(id)
					switch {
					case id == token.Pad, id == token.Start, id == token.Unknown, id == token.End && step < s.MinLength, id != token.End && step == longest:
						continue
					}
					c := beginning{tokens: b.tokens, log: b.log + float64(log), ended: id == token.End}
					c.rank = c.log - s.Diversity*float64(taken[id])
					if !c.ended {
						c.tokens = append(slices.Clone(b.tokens), id)
					}
					candidates = append(candidates, c)
				}
			}
			slices.SortStableFunc(candidates, func(a, b beginning) int { return cmp.Compare(b.rank, a.rank) })
			groups[n] = candidates[:min(len(candidates), s.BeamWidth/s.BeamGroups)]
			for _, b := range groups[n] {
				if !b.ended {
					taken[b.tokens[len(b.tokens)-1]]++
				} else if !math.IsInf(b.rank, 1) { // it did not end before
					taken[token.End]++
				}
			}
		}
	}
	for _, b := range slices.Concat(groups...) {
		found := slices.ContainsFunc(ended, func(e beginning) bool { return slices.Equal(e.tokens, b.tokens) }) // by another group
		if b.ended && !found {
			ended = append(ended, b)
		}
	}
	slices.SortStableFunc(ended, func(a, b beginning) int { return cmp.Compare(b.score(s.LengthPenalty), a.score(s.LengthPenalty)) })
	return ended
}

// TestBeamEqualsPlainSearch: every caption that ends in the beam, in its order, is that of the same search in plain Go, over the
// distributions of teacher forcing: narrow beams, those wider than there are tokens, and groups.
func TestBeamEqualsPlainSearch(t *testing.T) {
	const longest, tokens = 7, 15
	for name, decoder := range map[string]model.Settings{
		"lstm pre": {Name: "lstm", Inject: "pre", Units: 6, Embedding: 4},
		"gru par":  {Name: "gru", ResetAfter: true, Inject: "par", Units: 6, Embedding: 4},
	} {
		m := tinySized(t, decoder, model.Size{Features: featureLen, Vocabulary: tokens}, 6)
		next, err := decode.NewNextTokens(acceltest.XLA(t), m.store, m.decoder, longest)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []decode.Settings{
			{BeamWidth: 2, BeamGroups: 1}, {BeamWidth: 5, BeamGroups: 1, MinLength: 3}, {BeamWidth: 5, BeamGroups: 1, LengthPenalty: 1},
			{BeamWidth: 12, BeamGroups: 1, MinLength: 1}, {BeamWidth: 15, BeamGroups: 1}, {BeamWidth: 20, BeamGroups: 1, LengthPenalty: 0.5},
			{BeamWidth: 6, BeamGroups: 3, Diversity: 0.7}, {BeamWidth: 4, BeamGroups: 4, Diversity: 2, MinLength: 1},
		} {
			s.Method = "beam"
			for at, got := range m.candidates(t, s, longest) {
				want := plainBeam(func(beginnings [][]int32) [][]float32 {
					logs, err := next.LogProbabilities(context.Background(), m.rows[at], beginnings)
					if err != nil {
						t.Fatal(err)
					}
					return logs
				}, s, longest)
				same := len(got) == len(want)
				for n := range min(len(got), len(want)) {
					same = same && slices.Equal(got[n].Tokens, want[n].tokens) && math.Abs(got[n].LogProbability-want[n].log) < 1e-3
				}
				if !same {
					t.Errorf("%s, %+v, picture %d:\n%v\nplain Go:\n%v", name, s, at, got, want)
				}
			}
		}
		next.Finalize()
	}
}
