package compare

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

// TestPowerLawIsSciPys: parameters, their standard errors, intervals and the band are those of scipy.optimize.curve_fit;
// testdata/powerlaw.py writes them.
func TestPowerLawIsSciPys(t *testing.T) {
	data, err := os.ReadFile("testdata/powerlaw.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Reason                        string
			Limit                         bool
			N, Y                          []float64
			Parameters, Errors, Low, High []float64
			At                            float64
			Band                          [2]float64
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 5 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	near := func(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Max(math.Abs(b), 1e-9) }
	for _, c := range file.Cases {
		t.Run(c.Reason, func(t *testing.T) {
			p, err := FitPowerLaw(c.N, c.Y)
			if err != nil {
				t.Fatal(err)
			}
			if p.Limit != c.Limit || p.Points != len(c.N) || p.Free != len(c.N)-len(c.Parameters) {
				t.Errorf("limit %v, %d points, %d free", p.Limit, p.Points, p.Free)
			}
			for k, want := range c.Parameters {
				if got := [3]float64{p.A, p.B, p.C}[k]; !near(got, want, 1e-4) {
					t.Errorf("%c = %.8g, SciPy has %.8g", "abc"[k], got, want)
				}
				if !near(p.Errors[k], c.Errors[k], 1e-3) {
					t.Errorf("standard error of %c = %.8g, SciPy has %.8g", "abc"[k], p.Errors[k], c.Errors[k])
				}
				low, high := p.Interval(k)
				if width := c.High[k] - c.Low[k]; math.Abs(low-c.Low[k]) > 1e-3*width || math.Abs(high-c.High[k]) > 1e-3*width {
					t.Errorf("interval of %c %.6g to %.6g, SciPy has %.6g to %.6g", "abc"[k], low, high, c.Low[k], c.High[k])
				}
			}
			low, high := p.Band(c.At)
			if width := c.Band[1] - c.Band[0]; math.Abs(low-c.Band[0]) > 1e-3*width || math.Abs(high-c.Band[1]) > 1e-3*width {
				t.Errorf("at %g: %.6g to %.6g, SciPy has %.6g to %.6g", c.At, low, high, c.Band[0], c.Band[1])
			}
		})
	}
}

// TestPowerLawRecovers: points on a curve give back the curve.
func TestPowerLawRecovers(t *testing.T) {
	for _, want := range []PowerLaw{{A: 30, B: 0.7, C: 0.3, Limit: true}, {A: -4, B: 0.3, C: 1.2, Limit: true}, {A: 12, B: 0.05, C: 0, Limit: false}} {
		sizes := []float64{250, 500, 1000, 2000, 4000, 8000}
		if !want.Limit {
			sizes = sizes[:3]
		}
		var y []float64
		for _, n := range sizes {
			y = append(y, want.At(n))
		}
		got, err := FitPowerLaw(sizes, y)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.A/want.A-1) > 1e-4 || math.Abs(got.B-want.B) > 1e-5 || math.Abs(got.C-want.C) > 1e-4 || got.Limit != want.Limit {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestPowerLawRefuses(t *testing.T) {
	for _, test := range []struct {
		reason string
		n, y   []float64
	}{
		{"two sizes", []float64{1, 1, 2, 2}, []float64{3, 3, 2, 2}},
		{"a size of 0", []float64{0, 1, 2}, []float64{3, 2, 1}},
		{"a value that is no number", []float64{1, 2, 3}, []float64{3, math.NaN(), 1}},
		{"an infinite size", []float64{1, 2, math.Inf(1)}, []float64{3, 2, 1}},
		{"nothing but zeros", []float64{1, 2, 3}, []float64{0, 0, 0}},
	} {
		if _, err := FitPowerLaw(test.n, test.y); !errors.Is(err, ErrNoPowerLaw) {
			t.Errorf("%s: error %v", test.reason, err)
		}
	}
	if _, err := FitPowerLaw([]float64{1, 2}, []float64{1}); err == nil {
		t.Error("lengths that differ")
	}
}

// TestPowerLawWithoutALimit: a curve that bends away from any limit is fitted without one, not with a negative one.
func TestPowerLawWithoutALimit(t *testing.T) {
	p, err := FitPowerLaw([]float64{100, 200, 400, 800}, []float64{2.68, 2.17, 1.53, 0.85})
	if err != nil {
		t.Fatal(err)
	}
	if p.Limit || p.C != 0 {
		t.Errorf("%+v: losses can't fall below 0", p)
	}
}
