package features

import (
	"math"
	"testing"
)

// TestNormalizeGrid: a grid's channels are standardised over all locations of all training pictures.
func TestNormalizeGrid(t *testing.T) {
	c, err := openCache(t.TempDir(), meta{Fingerprint: "f", Shape: []int{1, 2, 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	table := &Table{shape: []int{1, 2, 2}, cache: c, keys: map[string]key{"a": {1}, "b": {2}}}
	c.add(key{1}, []float32{1, 10, 3, 10})
	c.add(key{2}, []float32{5, 10, 7, 10})
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	scaler, err := Normalize(table, "standardize", []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	row := []float32{4, 11, 9, 10}
	scaler.Apply(row)
	deviation := math.Sqrt(5) // of 1, 3, 5, 7, whose mean is 4
	for n, want := range []float64{0, 1, 5 / deviation, 0} {
		if math.Abs(float64(row[n])-want) > 1e-6 {
			t.Errorf("value %d is %v, want %v", n, row[n], want)
		}
	}
}
