package experiments

import (
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/model"
)

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  model.Size
	}{
		{[]int{512}, model.Size{Features: 512}},
		{[]int{14, 14, 512}, model.Size{Features: 100352, Locations: 196}},
		{[]int{1, 1, 512}, model.Size{Features: 512, Locations: 1}},
	} {
		if got := featureSize(c.shape); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.shape, got, c.want)
		}
	}
	rows := [][]float32{{1, 10, 3, 20}, {0, 0, 8, 2}}
	for n, want := range [][]float32{{2, 15}, {4, 1}} {
		if got := averaged(rows, 2)[n]; !slices.Equal(got, want) {
			t.Errorf("%v averaged over two locations: %v, want %v", rows[n], got, want)
		}
	}
	if got := averaged(rows, 0); !slices.Equal(got[0], rows[0]) {
		t.Errorf("vectors became %v", got)
	}
}
