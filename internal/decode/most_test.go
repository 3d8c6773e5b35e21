package decode

import "testing"

// TestMost: few grids of 100,352 values are on the device at once, many vectors of 512, whatever the batch; never none.
func TestMost(t *testing.T) {
	for _, c := range []struct{ pictures, batch, size, want int }{
		{5, 100, 512, 5}, {5000, 100, 512, 1000}, {5000, 100, 14 * 14 * 512, 334}, {5, 100, 1 << 26, 1}, {0, 100, 512, 0},
	} {
		rows := make([][]float32, c.pictures)
		row := make([]float32, c.size) // never touched, so it takes no memory
		for n := range rows {
			rows[n] = row
		}
		if got := (&Generator{settings: Settings{Batch: c.batch}}).most(rows); got != c.want {
			t.Errorf("%d pictures of %d values, batch %d: %d in a loop, want %d", c.pictures, c.size, c.batch, got, c.want)
		}
	}
}
