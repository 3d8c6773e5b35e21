package report

import (
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/compare"
)

// TestRunsOfNothing: a run that scores 0 has no place on a logarithmic axis, which is said; the text beside the plot gives
// the mean of a size's runs.
func TestRunsOfNothing(t *testing.T) {
	curve := compare.SizeCurve{Column: compare.Column{Name: "cider"}, Points: []compare.SizePoint{
		{Pictures: 10, Value: 0}, {Pictures: 10, Value: 0.125}, {Pictures: 40, Value: 0.5}}}
	c := &compare.Comparison{SizeCurves: []compare.SizeCurve{curve}}
	plots := sizePlots(c)
	if len(plots) != 1 {
		t.Fatalf("%d plots", len(plots))
	}
	if p := plots[0]; !strings.HasPrefix(p.Alt, "all runs: 6.2 at 10 pictures (the mean of 2 runs), 50.0 at 40 pictures.") ||
		!strings.Contains(p.Meaning, "1 run below 0.05: too low for the axis.") {
		t.Errorf("alt %q, meaning %q", p.Alt, p.Meaning)
	}
	if _, _, err := plots[0].draw(); err != nil {
		t.Error(err)
	}
	for n := range curve.Points {
		curve.Points[n].Value = 0
	}
	if plots := sizePlots(&compare.Comparison{SizeCurves: []compare.SizeCurve{curve}}); len(plots) != 0 {
		t.Errorf("%d plots of zeros", len(plots))
	}
}
