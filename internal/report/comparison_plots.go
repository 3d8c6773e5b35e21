package report

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// groupColors stay apart for colour-blind readers (Okabe and Ito 2008, the light ones darkened), groupDashes tell groups
// apart that have the same colour.
var (
	groupColors = []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x7a, 0x5a, 0xff}, {0xb0, 0x4a, 0x83, 0xff},
		{0x33, 0x3a, 0x44, 0xff}, {0x2a, 0x93, 0xc9, 0xff}, {0xb8, 0x86, 0x00, 0xff}, {0x7a, 0x4f, 0x2b, 0xff},
	}
	groupDashes = [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}}
)

// groupLine is how a group is drawn in every plot of a page.
func groupLine(n int) draw.LineStyle {
	return draw.LineStyle{Color: groupColors[n%len(groupColors)], Width: 1.8, Dashes: groupDashes[n/len(groupColors)%len(groupDashes)]}
}

func faint(c color.Color, alpha uint8) color.Color {
	r, g, b, _ := c.RGBA()
	return color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), alpha}
}

// xAxis is what curves run over.
type xAxis struct {
	name, label string
	at          func(runfolder.Epoch) float64
}

// curvePlots are the validation curves of all runs by epoch, step and time.
func curvePlots(c *compare.Comparison) (plots []plotFigure, note string) {
	what, label := "loss a token", "validation loss (nats a token)"
	value := func(e runfolder.Epoch) float64 { return e.ValidationLoss }
	if perCharacter(c) {
		what, label = "loss a character", "validation loss (nats a character)"
		value = func(e runfolder.Epoch) float64 { return e.ValidationNatsPerCharacter }
	}
	any := slices.ContainsFunc(c.Runs(), func(r *compare.Run) bool { return len(finitePoints(r.Epochs, value)) > 0 })
	if !any {
		return nil, ""
	}
	for _, x := range []xAxis{
		{"epoch", "epoch", func(e runfolder.Epoch) float64 { return float64(e.Epoch) }},
		{"step", "training steps (batches)", func(e runfolder.Epoch) float64 { return float64(e.Step) }},
		{"time", "training time (minutes)", func(e runfolder.Epoch) float64 { return e.TotalSeconds / 60 }},
	} {
		name := fmt.Sprintf("Validation %s by %s", what, x.name)
		plots = append(plots, plotFigure{Name: name, File: "plots/comparison_" + x.name, Alt: curveAlt(c, value),
			draw: func() (svg, png []byte, err error) { return drawCurves(c, name, label, x, value) }})
	}
	note = "Teacher-forced, at the end of every epoch. Thin lines are single runs, thick ones their group's mean."
	if what == "loss a token" {
		note += " Losses a token compare only between runs with the same tokens."
	} else if !allComparable(c, compare.PerCharacter) {
		note += " Losses a character compare only between runs whose captions were cleaned the same way, and whose vocabularies lack none of their text."
	}
	if !allComparable(c, compare.Cost) {
		note += " Times are of different machines."
	}
	return plots, note
}

// perCharacter says whether all runs have losses a character.
func perCharacter(c *compare.Comparison) bool {
	return !slices.ContainsFunc(c.Groups, func(g *compare.Group) bool { return g.Figures["nats_per_character"].N < len(g.Runs) })
}

// allComparable says whether all groups' figures of a kind compare with the first's.
func allComparable(c *compare.Comparison, kind compare.Kind) bool {
	return !slices.ContainsFunc(c.Groups, func(g *compare.Group) bool { return !c.Comparable(compare.Column{Kind: kind}, c.Groups[0], g) })
}

func curveAlt(c *compare.Comparison, value func(runfolder.Epoch) float64) string {
	var parts []string
	for _, g := range c.Groups {
		least, n := 0., 0
		for _, r := range g.Runs {
			points := finitePoints(r.Epochs, value)
			if len(points) == 0 {
				continue
			}
			lowest := points[0].Y
			for _, p := range points {
				lowest = min(lowest, p.Y)
			}
			least, n = least+lowest, n+1
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", g.Name(), fixed(least/float64(n), 3)))
		}
	}
	return "Lowest value of each group: " + strings.Join(parts, "; ") + "."
}

// fewNames is how many groups are named in full on a plot; of more, the tags are.
const fewNames = 6

// plotName is a group's name on a plot.
func plotName(c *compare.Comparison, g *compare.Group, room int) string {
	if name := g.Name(); len(c.Groups) <= fewNames && utf8.RuneCountInString(name) <= room {
		return name
	}
	return g.Tag
}

func drawCurves(c *compare.Comparison, title, label string, x xAxis, value func(runfolder.Epoch) float64) (svg, png []byte, err error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x.label, label
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(valueTicks), plot.TickerFunc(valueTicks)
	if x.name == "epoch" {
		p.X.Tick.Marker = plot.TickerFunc(epochTicks)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, nil
	p.Add(grid)
	var legend []entry
	lowX, highX, lowY, highY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	add := func(points plotter.XYs, line draw.LineStyle) {
		for _, at := range points {
			lowX, highX, lowY, highY = min(lowX, at.X), max(highX, at.X), min(lowY, at.Y), max(highY, at.Y)
		}
		if len(points) == 1 {
			p.Add(&plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: line.Color, Radius: 2.2, Shape: draw.CircleGlyph{}}})
		} else if len(points) > 1 {
			p.Add(&plotter.Line{XYs: points, LineStyle: line})
		}
	}
	for n, g := range c.Groups {
		line := groupLine(n)
		legend = append(legend, entry{name: plotName(c, g, 44), line: line})
		var curves []plotter.XYs
		for _, r := range g.Runs {
			var points plotter.XYs
			for _, e := range r.Epochs {
				if y := value(e); finite(y) {
					points = append(points, plotter.XY{X: x.at(e), Y: y})
				}
			}
			curves = append(curves, points)
			if thin := line; len(g.Runs) > 1 {
				thin.Width, thin.Color = 0.8, faint(line.Color, 0x80)
				add(points, thin)
			}
		}
		add(meanCurve(curves), line)
	}
	if lowX > highX {
		lowX, highX = 0, 1
	}
	if lowX == highX {
		lowX, highX = lowX-0.5, highX+0.5
	}
	p.X.Min, p.X.Max = lowX, highX
	if x.name != "epoch" {
		p.X.Min = 0
	}
	p.Y.Min, p.Y.Max = padded(lowY, highY)
	return renderWithRows(p, title, plotWidth, plotHeight, legend)
}

// meanCurve is the mean of curves, point by point, as far as all of them go.
func meanCurve(curves []plotter.XYs) plotter.XYs {
	shortest := len(curves[0])
	for _, points := range curves {
		shortest = min(shortest, len(points))
	}
	mean := make(plotter.XYs, shortest)
	for _, points := range curves {
		for n := range mean {
			mean[n].X += points[n].X / float64(len(curves))
			mean[n].Y += points[n].Y / float64(len(curves))
		}
	}
	return mean
}

// renderWithRows draws a plot with its legend in as many rows as it takes, above the axes.
func renderWithRows(p *plot.Plot, title string, width, height vg.Length, legend []entry) (svg, png []byte, err error) {
	const row, swatch, gap, between vg.Length = 13, 20, 5, 14
	text := sans(10)
	text.YAlign = draw.YCenter
	room := width - 70
	var rows [][]entry
	used := room + 1
	for _, e := range legend {
		need := swatch + gap + text.Width(e.name) + between
		if used+need > room {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += need
	}
	p.Title.Padding = 10 + row*vg.Length(len(rows))
	height += row * vg.Length(max(0, len(rows)-1))
	return renderPlot(title, width, height, func(c draw.Canvas) {
		c.SetColor(p.BackgroundColor)
		c.Fill(c.Rectangle.Path())
		inner := draw.Crop(c, 8, -14, 6, -10)
		p.Draw(inner)
		y := inner.Max.Y - p.Title.TextStyle.Rectangle(p.Title.Text).Size().Y - 11
		for _, entries := range rows {
			x := p.DataCanvas(inner).Min.X
			for _, e := range entries {
				if e.line.Width > 0 {
					c.StrokeLine2(e.line, x, y, x+swatch, y)
				}
				if e.glyph.Radius > 0 {
					c.DrawGlyph(e.glyph, vg.Point{X: x + swatch/2, Y: y})
				}
				x += swatch + gap
				c.FillText(text, vg.Point{X: x, Y: y}, e.name)
				x += text.Width(e.name) + between
			}
			y -= row
		}
	})
}

// differencePlots show each group's difference from the baseline with its interval, for two metrics.
func differencePlots(c *compare.Comparison) (plots []plotFigure) {
	if len(c.Groups) < 2 {
		return nil
	}
	for _, name := range []string{"cider", "bleu_4"} {
		if _, ok := c.Column(name); !ok {
			continue
		}
		title := fmt.Sprintf("%s: difference from %s", metricName(name), c.Groups[c.Baseline].Tag)
		var alt []string
		for n, g := range c.Groups {
			if d, ok := c.Difference(n, name); ok {
				said := fmt.Sprintf("%s %s (%s to %s)", g.Name(), points(d.Difference.Difference), points(d.Low), points(d.High))
				if !d.Distinguishable {
					said += ", not distinguishable"
				}
				alt = append(alt, said)
			}
		}
		plots = append(plots, plotFigure{Name: title, File: "plots/comparison_difference_" + name, Alt: strings.Join(alt, "; ") + ".",
			Meaning: "Percentage points, with 95 % intervals. Grey rings: not distinguishable: the interval holds zero or ends next to it, or all of it is too small to matter.",
			draw:    func() (svg, png []byte, err error) { return drawDifferences(c, title, name) }})
	}
	return plots
}

func drawDifferences(c *compare.Comparison, title, name string) (svg, png []byte, err error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Title.Padding = title, "percentage points", 8
	p.X.Tick.Marker = plot.TickerFunc(valueTicks)
	rows := len(c.Groups) - 1
	var ticks []plot.Tick
	low, high, row := 0., 0., rows
	for n, g := range c.Groups {
		d, ok := c.Difference(n, name)
		if !ok {
			continue
		}
		row--
		ticks = append(ticks, plot.Tick{Value: float64(row), Label: plotName(c, g, 26)})
		low, high = min(low, 100*d.Low), max(high, 100*d.High)
		line := draw.LineStyle{Color: trainColor, Width: 1.8}
		dot := draw.GlyphStyle{Color: trainColor, Radius: 3.2, Shape: draw.CircleGlyph{}}
		if !d.Distinguishable {
			grey := color.RGBA{R: 0x6b, G: 0x72, B: 0x7c, A: 0xff}
			line.Color, dot.Color, dot.Shape = grey, grey, draw.RingGlyph{}
		}
		y := float64(row)
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: 100 * d.Low, Y: y}, {X: 100 * d.High, Y: y}}, LineStyle: line},
			&plotter.Scatter{XYs: plotter.XYs{{X: 100 * d.Difference.Difference, Y: y}}, GlyphStyle: dot})
	}
	room := max(high-low, 1)
	p.X.Min, p.X.Max = low-0.05*room, high+0.05*room
	p.Y.Min, p.Y.Max = -0.6, float64(rows)-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	zero := &plotter.Line{XYs: plotter.XYs{{X: 0, Y: p.Y.Min}, {X: 0, Y: p.Y.Max}}, LineStyle: draw.LineStyle{Color: inkColor, Width: 0.8, Dashes: []vg.Length{3, 2}}}
	p.Add(zero)
	height := vg.Length(80 + 22*rows)
	return renderPlot(title, plotWidth, height, func(canvas draw.Canvas) {
		canvas.SetColor(p.BackgroundColor)
		canvas.Fill(canvas.Rectangle.Path())
		p.Draw(draw.Crop(canvas, 8, -14, 6, -10))
	})
}

// logTicks puts ticks on 1, 2 and 5 times powers of ten, on the powers alone where the axis spans many, and on round
// values where it spans none.
func logTicks(low, high float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	if high/low > 300 {
		steps = steps[:1]
	}
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, m := range steps {
			if v := m * power; v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 6, 64)})
			}
		}
	}
	if len(ticks) < 3 {
		return valueTicks(low, high)
	}
	return ticks
}
