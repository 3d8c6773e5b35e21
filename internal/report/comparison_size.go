package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/captionlab/captionlab/internal/compare"
)

// sizePlots are the learning curves over the number of training pictures, a plot a figure.
func sizePlots(c *compare.Comparison) (plots []plotFigure) {
	for at := 0; at < len(c.SizeCurves); {
		col := c.SizeCurves[at].Column
		var curves []compare.SizeCurve
		for ; at < len(c.SizeCurves) && c.SizeCurves[at].Column.Name == col.Name; at++ {
			curves = append(curves, c.SizeCurves[at])
		}
		if lowestShown(curves) == 0 { // all are 0, which a logarithmic axis doesn't have
			continue
		}
		title := columnName(col.Name) + " by training pictures"
		plots = append(plots, plotFigure{Name: title, File: "plots/comparison_size_" + col.Name, Alt: sizeAlt(curves), Meaning: sizeMeaning(curves),
			draw: func() (svg, png []byte, err error) { return drawSizes(curves, title) }})
	}
	return plots
}

func curveName(s compare.SizeCurve) string {
	if s.Label == "" {
		return "all runs"
	}
	return s.Label
}

// curveUnit makes percent of metrics.
func curveUnit(s compare.SizeCurve) float64 {
	if s.Column.Kind == compare.Metric {
		return 100
	}
	return 1
}

func sizeAlt(curves []compare.SizeCurve) string {
	var parts []string
	for _, s := range curves {
		at := func(pictures int) string {
			var values []float64
			for _, p := range s.Points {
				if p.Pictures == pictures {
					values = append(values, p.Value)
				}
			}
			of := ""
			if len(values) > 1 {
				of = fmt.Sprintf(" (the mean of %d runs)", len(values))
			}
			return fmt.Sprintf("%s at %s%s", columnValue(s.Column, stat.Mean(values, nil), fixed), english.Plural(pictures, "picture", ""), of)
		}
		parts = append(parts, fmt.Sprintf("%s: %s, %s", curveName(s), at(s.Points[0].Pictures), at(s.Points[len(s.Points)-1].Pictures)))
	}
	return strings.Join(parts, "; ") + "."
}

func sizeMeaning(curves []compare.SizeCurve) string {
	var parts []string
	for _, s := range curves {
		if s.Fit != nil {
			parts = append(parts, fmt.Sprintf("%s: y = %s", curveName(s), lawText(s)))
		}
	}
	text := "Both axes are logarithmic."
	bottom, off := lowestShown(curves), 0
	for _, s := range curves {
		for _, at := range s.Points {
			if at.Value < bottom {
				off++
			}
		}
	}
	if off > 0 {
		text += fmt.Sprintf(" %s below %s: too low for the axis.", english.Plural(off, "run", ""), significant(curveUnit(curves[0])*bottom))
	}
	for _, s := range curves {
		if len(s.LeftOut) > 0 {
			text += fmt.Sprintf(" %s: without %s, whose losses can't be compared with those of %s.", curveName(s), strings.Join(s.LeftOut, ", "), s.Tags[0])
		}
	}
	if len(parts) == 0 {
		return text + " A power law takes three sizes at least."
	}
	return text + " " + strings.Join(parts, "; ") + "."
}

// lowestShown is a thousandth of the highest value: on a logarithmic axis, a score of next to nothing would leave no
// room for the others.
func lowestShown(curves []compare.SizeCurve) (lowest float64) {
	for _, s := range curves {
		for _, at := range s.Points {
			lowest = max(lowest, at.Value/1000)
		}
	}
	return lowest
}

// lawText writes a fitted power law in the column's unit.
func lawText(s compare.SizeCurve) string {
	f, unit := s.Fit, curveUnit(s)
	text := fmt.Sprintf("%s·n^(%s)", significant(unit*f.A), significant(-f.B))
	if f.Limit {
		text += " + " + significant(unit*f.C)
	}
	return text
}

// significant writes three significant digits with a true minus sign.
func significant(x float64) string {
	if !finite(x) {
		return missing
	}
	return strings.ReplaceAll(fmt.Sprintf("%.3g", x), "-", "−")
}

// sizeFits is the table of the power laws.
func sizeFits(c *compare.Comparison) table {
	t := table{Caption: "Power laws y = a·n^(−b) + c by least squares, with 95 % intervals", Columns: []column{{Name: "Figure"}, {Name: "Curve"}, {Name: "Groups"}, {Name: "Runs", Number: true},
		{Name: "a", Number: true}, {Name: "b", Number: true}, {Name: "c, the limit", Number: true}, {Name: "Residual", Number: true}}}
	for _, s := range c.SizeCurves {
		f := s.Fit
		if f == nil {
			continue
		}
		unit := curveUnit(s)
		parameter := func(k int, unit float64) string {
			low, high := f.Interval(k)
			return fmt.Sprintf("%s (%s to %s)", significant(unit*[3]float64{f.A, f.B, f.C}[k]), significant(unit*low), significant(unit*high))
		}
		limit := "none found"
		if f.Limit {
			limit = parameter(2, unit)
		}
		t.row(columnName(s.Column.Name), curveName(s), strings.Join(s.Tags, ", "), comma(f.Points), parameter(0, unit), parameter(1, 1), limit, significant(unit*f.Residual))
	}
	return t
}

func drawSizes(curves []compare.SizeCurve, title string) (svg, png []byte, err error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "training pictures", columnName(curves[0].Column.Name)
	unit := curveUnit(curves[0])
	if curves[0].Column.Kind == compare.Metric {
		p.Y.Label.Text += " (%)"
	}
	low, high, least, most := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	bottom := lowestShown(curves)
	for _, s := range curves {
		for _, at := range s.Points {
			low, high = min(low, float64(at.Pictures)), max(high, float64(at.Pictures))
			if at.Value >= bottom {
				least, most = min(least, unit*at.Value), max(most, unit*at.Value)
			}
		}
	}
	low, high = low/1.15, high*1.15
	spread := max(most/least, 1.1)
	floor, ceiling := least/math.Pow(spread, 0.25), most*math.Pow(spread, 0.2)
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(sizeTicks(curves)), plot.TickerFunc(logTicks)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	p.Add(grid)
	var legend []entry
	for n, s := range curves {
		line := groupLine(n)
		dot := draw.GlyphStyle{Color: line.Color, Radius: 2.6, Shape: draw.CircleGlyph{}}
		var points plotter.XYs
		for _, at := range s.Points {
			if at.Value >= bottom {
				points = append(points, plotter.XY{X: float64(at.Pictures), Y: unit * at.Value})
			}
		}
		if s.Fit != nil {
			var fit, top, below plotter.XYs
			for k := range 121 {
				x := low * math.Pow(high/low, float64(k)/120)
				from, to := s.Fit.Band(x)
				within := func(y float64) float64 { return min(max(unit*y, floor), ceiling) } // the axis cuts the band off
				if y := unit * s.Fit.At(x); y >= floor && y <= ceiling {
					fit = append(fit, plotter.XY{X: x, Y: y})
				}
				top, below = append(top, plotter.XY{X: x, Y: within(to)}), append(below, plotter.XY{X: x, Y: within(from)})
			}
			slices.Reverse(below)
			p.Add(&plotter.Polygon{XYs: []plotter.XYs{append(top, below...)}, Color: faint(line.Color, 0x24)})
			if len(fit) > 1 {
				p.Add(&plotter.Line{XYs: fit, LineStyle: line})
			}
		}
		p.Add(&plotter.Scatter{XYs: points, GlyphStyle: dot})
		legend = append(legend, entry{curveName(s), line, dot})
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low, high, floor, ceiling
	return renderWithRows(p, title, plotWidth, plotHeight, legend)
}

// sizeTicks puts ticks on the sizes that there are, as far as their labels don't touch.
func sizeTicks(curves []compare.SizeCurve) func(low, high float64) []plot.Tick {
	var sizes []int
	for _, s := range curves {
		for _, at := range s.Points {
			sizes = append(sizes, at.Pictures)
		}
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	return func(low, high float64) []plot.Tick {
		var ticks []plot.Tick
		last := 0.
		for _, n := range sizes {
			if last == 0 || math.Log(float64(n)/last) > 0.1*math.Log(high/low) {
				ticks = append(ticks, plot.Tick{Value: float64(n), Label: comma(n)})
				last = float64(n)
			}
		}
		return ticks
	}
}
