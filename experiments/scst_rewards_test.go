package experiments

import (
	"slices"
	"testing"
)

// TestMeanOfOthers: the baseline of a sampled caption is the mean reward of the same picture's other ones.
func TestMeanOfOthers(t *testing.T) {
	got := meanOfOthers([]float64{1, 2, 6, 0, 3, 3}, 3)
	if want := []float64{4, 3.5, 1.5, 3, 1.5, 1.5}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
