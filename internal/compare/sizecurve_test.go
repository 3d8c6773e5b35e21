package compare

import (
	"math"
	"testing"
)

// TestZerosAreOnTheCurve: a run that scores 0 is a point, and counts for the fit; one without a figure does neither.
func TestZerosAreOnTheCurve(t *testing.T) {
	c := &Comparison{}
	for n, value := range []float64{0, 0.25, 0.5, math.NaN(), math.Inf(1)} {
		c.Groups = append(c.Groups, &Group{Runs: []*Run{{TrainPictures: 10 << n, Figures: map[string]float64{"cider": value}}}})
	}
	s, ok := c.sizeCurve(Column{Name: "cider", Signature: "x"}, "", []int{0, 1, 2, 3, 4})
	if !ok || len(s.Points) != 3 || s.Fit == nil || s.Fit.Points != 3 {
		t.Errorf("curve %+v, %v", s, ok)
	}
}
