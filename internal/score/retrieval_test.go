package score

import (
	"math"
	"slices"
	"testing"
)

func TestRetrieval(t *testing.T) {
	for _, c := range []struct {
		reason string
		scores []float64
		at     int
		want   float64
	}{
		{"the highest is first", []float64{-3, -1, -2}, 1, 1},
		{"the lowest is last", []float64{-3, -1, -2}, 0, 3},
		{"equal ones share their places", []float64{-2, -2, -2, -2, -2}, 3, 3},
		{"equal to the best", []float64{-1, -1, -5}, 0, 1.5},
	} {
		if got := PlaceOf(c.scores, c.at).Rank(); got != c.want {
			t.Errorf("%s: rank %v, want %v", c.reason, got, c.want)
		}
	}
	if got := Places([]float64{-1, -2, -3, -4, -5, -4, -2, -1, -9}, 3); !slices.Equal(got, []Place{{}, {2, 0}, {2, 0}}) {
		t.Errorf("places %v", got)
	}
	got := NewRetrieval([]Place{{}, {3, 0}, {5, 0}, {0, 1}, {19, 0}, {10, 0}})
	if want := (Retrieval{6, 1.5 / 6, 3.0 / 6, 4.0 / 6, 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestRetrievalByChance: a model to which all pictures are the same finds as many as chance, whatever their number.
func TestRetrievalByChance(t *testing.T) {
	for _, pictures := range []int{1, 4, 9, 19, 100} {
		got := NewRetrieval(Places(make([]float64, pictures*pictures), pictures))
		chance := func(k int) float64 { return min(1, float64(k)/float64(pictures)) }
		want := []float64{chance(1), chance(5), chance(10), float64(pictures+1) / 2}
		for n, x := range []float64{got.RecallAt1, got.RecallAt5, got.RecallAt10, got.MedianRank} {
			if math.Abs(x-want[n]) > 1e-12 {
				t.Errorf("%d pictures: %+v, want %v", pictures, got, want)
			}
		}
	}
}
