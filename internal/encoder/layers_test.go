package encoder

import "testing"

// TestFLOPs: a layer's weights are used at every position of its output, whether those are pixels or tokens.
func TestFLOPs(t *testing.T) {
	for _, test := range []struct {
		output []int
		want   float64
	}{
		{[]int{7}, 2 * 10}, {[]int{6, 7}, 2 * 10 * 6}, {[]int{2, 3, 7}, 2 * 10 * 6},
	} {
		if got := (layers{{Output: test.output, Params: 14, Fixed: 4}}).flops(); got != test.want {
			t.Errorf("output %v: %g, want %g", test.output, got, test.want)
		}
	}
}
