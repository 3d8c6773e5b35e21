package decode_test

import (
	"math"
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
)

// newTinyAttention is newTiny for soft attention over grids of 5 locations with 2 channels.
func newTinyAttention(t *testing.T) *tiny {
	t.Helper()
	s := model.Settings{Name: "attention", Units: 6, Embedding: 4, AttentionUnits: 3}
	return tinySized(t, s, model.Size{Features: 10, Locations: 5, Vocabulary: vocabulary}, 4)
}

// TestAttentionBeamEqualsExhaustiveSearch: a beam that is wide enough finds the best of all captions that there are, a beam
// of one is the greedy search, and their log-probabilities are the teacher-forced ones.
func TestAttentionBeamEqualsExhaustiveSearch(t *testing.T) {
	m, captions := newTinyAttention(t), every()
	truth := m.logProbabilities(t, captions)
	for at, got := range m.generate(t, decode.Settings{Method: "beam", BeamWidth: 15, BeamGroups: 1, LengthPenalty: 1.5}) {
		best := math.Inf(-1)
		for n, c := range captions {
			best = max(best, truth[n][at]/math.Pow(float64(len(c)+1), 1.5))
		}
		for _, c := range got {
			n := slices.IndexFunc(captions, func(o []int32) bool { return slices.Equal(o, c.Tokens) })
			if n < 0 || math.Abs(c.LogProbability-truth[n][at]) > 1e-4 {
				t.Errorf("picture %d: %v is no caption with its teacher-forced log-probability", at, c)
			}
		}
		if score := got[0].LogProbability / math.Pow(float64(len(got[0].Tokens)+1), 1.5); math.Abs(score-best) > 1e-4 {
			t.Errorf("picture %d: %v scores %.5f, the best caption %.5f", at, got[0], score, best)
		}
	}
	greedy := m.generate(t, decode.Settings{Method: "greedy"})
	for at, got := range m.generate(t, decode.Settings{Method: "beam", BeamWidth: 1, BeamGroups: 1}) {
		if !slices.Equal(got[0].Tokens, greedy[at][0].Tokens) {
			t.Errorf("picture %d: a beam of one says %v, greedy search %v", at, got[0], greedy[at][0])
		}
	}
}

// TestAttentionMaps: each token of a caption and its end have a distribution over the locations, which depends neither on
// the other captions of the batch nor on what follows.
func TestAttentionMaps(t *testing.T) {
	m := newTinyAttention(t)
	maps, err := decode.NewAttention(acceltest.XLA(t), m.store, m.decoder.(model.Attender), maxLength)
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Finalize()
	captions := [][]int32{{4, 5, 4}, {}, {5}}
	all, err := maps.Maps(t.Context(), m.rows, captions)
	if err != nil {
		t.Fatal(err)
	}
	for n, rows := range all {
		if len(rows) != len(captions[n])+1 {
			t.Fatalf("caption %v has %d maps", captions[n], len(rows))
		}
		for _, row := range rows {
			sum := float32(0)
			for _, a := range row {
				sum += a
			}
			if len(row) != 5 || math.Abs(float64(sum)-1) > 1e-5 {
				t.Errorf("caption %v: %v is no distribution over 5 locations", captions[n], row)
			}
		}
	}
	if slices.Equal(all[0][0], all[0][1]) {
		t.Errorf("two tokens look at the same: %v", all[0][0])
	}
	one, err := maps.Maps(t.Context(), m.rows[:1], [][]int32{{4}})
	if err != nil {
		t.Fatal(err)
	}
	for step := range one[0] {
		for n, a := range one[0][step] {
			if math.Abs(float64(a-all[0][step][n])) > 1e-6 {
				t.Errorf("step %d: alone %v, with others %v", step, one[0][step], all[0][step])
				break
			}
		}
	}
	if _, err := maps.Maps(t.Context(), m.rows[:1], [][]int32{{4, 4, 4, 4}}); err == nil {
		t.Error("a caption longer than the longest is not refused")
	}
}
