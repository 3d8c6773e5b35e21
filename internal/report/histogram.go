package report

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histogram is a distribution of whole numbers to draw.
type Histogram struct {
	Title, XLabel, YLabel string
	Width                 int   // of a bin
	Counts                []int // the first bin begins at 0
	Mark                  int   // a dashed line after this number; 0: none
	MarkName              string
}

// Render draws the histogram as SVG and PNG.
func (h Histogram) Render() (svg, png []byte, err error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = h.Title, h.XLabel, h.YLabel
	p.Title.Padding = 8
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(valueTicks), plot.TickerFunc(valueTicks)
	highest := 1
	for _, n := range h.Counts {
		highest = max(highest, n)
	}
	right := float64(max(len(h.Counts), 1) * h.Width)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, right, 0, 1.08*float64(highest)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Transparent, gridColor
	p.Add(grid, bars{h.Counts, h.Width})
	if at := float64(h.Mark); h.Mark > 0 && at < right {
		line, err := plotter.NewLine(plotter.XYs{{X: at, Y: 0}, {X: at, Y: p.Y.Max}})
		if err != nil {
			return nil, nil, fmt.Errorf("plot %q: %w", h.Title, err)
		}
		line.LineStyle = draw.LineStyle{Color: validationColor, Width: 1.3, Dashes: []vg.Length{6, 3}}
		text, offset := sans(9.5), vg.Point{X: 4, Y: -2}
		text.Color, text.YAlign = validationColor, draw.YTop
		if at > right/2 {
			text.XAlign, offset.X = draw.XRight, -4
		}
		p.Add(line, plotLabel{plotter.XY{X: at, Y: p.Y.Max}, h.MarkName, text, offset})
	}
	return renderPlot(h.Title, plotWidth, plotHeight, func(c draw.Canvas) { p.Draw(c) })
}

// bars are the bins, with a hair of space between them.
type bars struct {
	counts []int
	width  int
}

// Plot implements plot.Plotter.
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for n, count := range b.counts {
		if count == 0 {
			continue
		}
		left, right, top := x(float64(n*b.width)), x(float64((n+1)*b.width))-0.6, y(float64(count))
		c.FillPolygon(trainColor, []vg.Point{{X: left, Y: y(0)}, {X: right, Y: y(0)}, {X: right, Y: top}, {X: left, Y: top}})
	}
}
