package score

import (
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
		if got := Rank(c.scores, c.at); got != c.want {
			t.Errorf("%s: rank %v, want %v", c.reason, got, c.want)
		}
	}
	if got := Ranks([]float64{-1, -2, -3, -4, -5, -4, -2, -1, -9}, 3); !slices.Equal(got, []float64{1, 3, 3}) {
		t.Errorf("ranks %v", got)
	}
	got := NewRetrieval([]float64{1, 4, 6, 1.5, 20, 11})
	if want := (Retrieval{6, 1.0 / 6, 3.0 / 6, 4.0 / 6, 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
