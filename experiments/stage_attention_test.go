package experiments

import (
	"testing"

	"github.com/captionlab/captionlab/internal/dataset"
)

func TestPointing(t *testing.T) {
	objects := []dataset.Object{
		{Names: []string{"🐱", "cat", "cats"}, X: 0.25, Y: 0.25, Size: 0.5}, // one part of four
		{Names: []string{"🐱", "cat", "cats"}, X: 0.75, Y: 0.75, Size: 0.4},
		{Names: []string{"🦊", "fox", "foxes"}, X: 0.5, Y: 0.5, Size: 1}, // all four
	}
	for _, c := range []struct {
		reason, name string
		weights      []float32
		want         pointing
	}{
		{"the first cat", "cat", []float32{0.4, 0.3, 0.2, 0.1}, pointing{1, 1, 0.5}},
		{"the second cat", "🐱", []float32{0.1, 0.2, 0.3, 0.4}, pointing{1, 1, 0.5}},
		{"beside both", "cats", []float32{0.3, 0.4, 0.2, 0.1}, pointing{1, 0, 0.5}},
		{"it is everywhere", "fox", []float32{0.3, 0.4, 0.2, 0.1}, pointing{1, 1, 1}},
		{"not in the picture", "frog", []float32{1, 0, 0, 0}, pointing{}},
		{"names nothing", "the", []float32{1, 0, 0, 0}, pointing{}},
	} {
		var got pointing
		if got.add(objects, c.name, c.weights, 2, 2); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.reason, got, c.want)
		}
	}
}
