package features

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// known is a table of given rows, in a cache of its own.
func known(t *testing.T, rows map[string][]float32) *Table {
	t.Helper()
	c, err := openCache(t.TempDir(), meta{Fingerprint: "f", Shape: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	table := &Table{shape: []int{3}, cache: c, keys: map[string]key{}}
	for id, row := range rows {
		k := key{}
		copy(k[:], id)
		table.keys[id] = k
		c.add(k, row)
	}
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestNormalize(t *testing.T) {
	table := known(t, map[string][]float32{"a": {1, -4, 7}, "b": {9, 4, 7}, "held out": {100, 100, 100}})
	tests := map[string]struct {
		row, want []float32
	}{
		"none":             {[]float32{3, 0, 4}, []float32{3, 0, 4}},
		"l2":               {[]float32{3, 0, 4}, []float32{0.6, 0, 0.8}},
		"standardize":      {[]float32{9, 0, 8}, []float32{1, 0, 1}},    // means 5, 0, 7; deviations 4, 4, and 0 taken as 1
		"sqrt_standardize": {[]float32{9, -16, 7}, []float32{1, -2, 0}}, // roots 1 3, -2 2, √7 √7
	}
	for kind, test := range tests {
		scaler, err := Normalize(table, kind, []string{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(scaler) // as the run folder keeps it
		if err != nil {
			t.Fatal(err)
		}
		var saved Scaler
		if err := json.Unmarshal(data, &saved); err != nil {
			t.Fatal(err)
		}
		row := slices.Clone(test.row)
		saved.Apply(row)
		for n := range row {
			if math.Abs(float64(row[n]-test.want[n])) > 1e-6 {
				t.Errorf("%s: %v, want %v", kind, row, test.want)
				break
			}
		}
	}
	zero := []float32{0, 0, 0}
	(&Scaler{Kind: "l2"}).Apply(zero)
	if !slices.Equal(zero, []float32{0, 0, 0}) {
		t.Errorf("a row of zeros becomes %v", zero)
	}
	if _, err := Normalize(table, "zscore", nil); err == nil {
		t.Error("an unknown scaling is accepted")
	}
	if _, err := Normalize(table, "standardize", []string{"nobody"}); err == nil {
		t.Error("a picture without features is accepted")
	}
}
