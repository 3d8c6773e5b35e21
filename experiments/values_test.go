package experiments

import (
	"runtime"
	"testing"
)

// TestNewValues: a large table holds zeros and what is written to it, and is not on the heap.
func TestNewValues(t *testing.T) {
	for _, c := range []struct {
		n      int
		onHeap bool
	}{{1 << 20, true}, {largeValues, false}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		values, free, err := newValues(c.n)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc-before.TotalAlloc >= uint64(4*c.n); grown != c.onHeap {
			t.Errorf("%d values: on the heap %v, want %v", c.n, grown, c.onHeap)
		}
		values[0], values[c.n-1] = 1, 2
		if len(values) != c.n || values[0]+values[1]+values[c.n-1] != 3 {
			t.Errorf("%d values: %d, which begin %v and end %v", c.n, len(values), values[:2], values[c.n-1])
		}
		free()
	}
	if _, _, err := newValues(1 << 58); err == nil {
		t.Error("more memory than any machine has is not refused")
	}
}
