package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// sizeKeys are the keys that change how much is trained on, and may differ along a learning curve.
var sizeKeys = []string{"data.limit", "data.fraction", dataHash}

// SizeCurve is a learning curve over the number of training pictures: groups that differ in nothing else.
type SizeCurve struct {
	Label  string // what distinguishes this curve from the others; empty where there is one
	Tags   []string
	Column Column
	Points []SizePoint // every run, by size
	Fit    *PowerLaw   // nil where there are too few sizes
	// LeftOut are groups whose figures can't be compared with the first one's: of losses, where cleaning, vocabulary or unknown
	// tokens differ.
	LeftOut []string
}

// SizePoint is one run on a learning curve.
type SizePoint struct {
	Group    int
	Pictures int
	Value    float64
}

// curveColumns are drawn over the data set's size.
var curveColumns = []string{"nats_per_character", "cider"}

// sizeCurves finds the groups that differ in the number of training pictures alone.
func (c *Comparison) sizeCurves() {
	var others []string // the keys that tell curves apart
	for _, key := range c.Keys {
		if !slices.Contains(sizeKeys, key) {
			others = append(others, key)
		}
	}
	series := map[string][]int{}
	var order []string
	for n, g := range c.Groups {
		var parts []string
		for _, key := range others {
			parts = append(parts, c.part(g, key, others))
		}
		label := strings.Join(parts, ", ")
		if series[label] == nil {
			order = append(order, label)
		}
		series[label] = append(series[label], n)
	}
	for _, name := range curveColumns {
		col, ok := c.Column(name)
		if !ok {
			continue
		}
		for _, label := range order {
			s, ok := c.sizeCurve(col, label, series[label])
			switch {
			case ok:
				c.SizeCurves = append(c.SizeCurves, s)
			case len(s.LeftOut) > 0:
				c.Notes = append(c.Notes, fmt.Sprintf("There is no learning curve of nats a character over the data set's size for %s: the losses of %s can't be compared with the others'.",
					list(append(slices.Clone(s.Tags), s.LeftOut...)), list(s.LeftOut)))
			}
		}
	}
}

// sizeCurve is the curve of some groups; ok is false where they don't have two sizes.
func (c *Comparison) sizeCurve(col Column, label string, groups []int) (s SizeCurve, ok bool) {
	s = SizeCurve{Label: label, Column: col}
	sizes := map[int]bool{}
	for _, n := range groups {
		g := c.Groups[n]
		if !c.Comparable(col, c.Groups[groups[0]], g) {
			s.LeftOut = append(s.LeftOut, g.Tag)
			continue
		}
		s.Tags = append(s.Tags, g.Tag)
		for _, r := range g.Runs {
			if v, ok := r.Figures[col.Name]; ok && v >= 0 && !math.IsInf(v, 1) && r.TrainPictures > 0 { // NaN where nothing was measured
				s.Points = append(s.Points, SizePoint{n, r.TrainPictures, v})
				sizes[r.TrainPictures] = true
			}
		}
	}
	slices.SortStableFunc(s.Points, func(a, b SizePoint) int { return a.Pictures - b.Pictures })
	if len(sizes) < 2 {
		return s, false
	}
	var x, y []float64
	for _, p := range s.Points {
		x, y = append(x, float64(p.Pictures)), append(y, p.Value)
	}
	if fit, err := FitPowerLaw(x, y); err == nil { // too few sizes have no fit
		s.Fit = fit
	}
	return s, true
}
