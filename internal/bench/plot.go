package bench

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// bar is one peer's ratio to ours in the plot.
type bar struct {
	name  string
	ratio spread
	goal  float64 // what is asked for; 0: nothing
}

// barsOf are the ratios of all rows. A goal stands at each peer that it is about.
func barsOf(rows []row) []bar {
	var bars []bar
	for _, r := range rows {
		for _, p := range r.peers {
			if p.ratio.median == 0 {
				continue
			}
			b := bar{name: r.name + ", " + title(p.who), ratio: p.ratio}
			for _, g := range r.goals {
				if len(g.peers) == 0 {
					b.goal = max(b.goal, g.least)
				}
				for _, who := range g.peers {
					if who == p.who {
						b.goal = max(b.goal, g.least)
					}
				}
			}
			bars = append(bars, b)
		}
	}
	return bars
}

// Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
var (
	fasterColor = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	slowerColor = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	inkColor    = color.RGBA{R: 0x33, G: 0x3a, B: 0x44, A: 0xff}
	gridColor   = color.RGBA{R: 0xe4, G: 0xe7, B: 0xeb, A: 0xff}
)

const (
	plotWidth  vg.Length = 640
	barHeight  vg.Length = 17
	aroundBars vg.Length = 90 // title and axis
	pngDPI               = 144
)

// drawRatios draws the bars from 1, where both sides are equal, on a logarithmic axis: to the right we are faster.
func drawRatios(bars []bar) (svg, png []byte, err error) {
	p := plot.New()
	p.Title.Text = "How many times as long the peer takes (line: all rounds; mark: the goal)"
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold, Size: 12}
	p.Title.TextStyle.Color, p.Title.Padding = inkColor, 8
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		for _, s := range []*draw.TextStyle{&axis.Label.TextStyle, &axis.Tick.Label} {
			s.Font, s.Color = sans(10), inkColor
		}
		axis.LineStyle = draw.LineStyle{Color: inkColor, Width: 0.8}
		axis.Tick.LineStyle, axis.Tick.Length, axis.Padding = axis.LineStyle, 4, 0
	}
	p.X.Label.Text = "peer's time / ours"
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max = 0.8, 1.25
	var names []plot.Tick
	for n, b := range bars {
		p.X.Min, p.X.Max = min(p.X.Min, b.ratio.low/1.1), max(p.X.Max, b.ratio.top, b.goal)
		names = append(names, plot.Tick{Value: float64(len(bars) - 1 - n), Label: b.name})
	}
	p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.12) // room for the ratio's text
	p.X.Tick.Marker = plot.TickerFunc(ratioTicks)
	p.Y.Min, p.Y.Max = -0.7, float64(len(bars))-0.3
	p.Y.Tick.Marker, p.Y.Tick.Length = plot.ConstantTicks(names), 0
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, nil
	p.Add(grid, ratioBars(bars))
	return render(p, plotWidth, aroundBars+barHeight*vg.Length(len(bars)))
}

func sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// ratioBars draws the first bar at the top.
type ratioBars []bar

// Plot implements plot.Plotter.
func (bars ratioBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	half := (y(1) - y(0)) * 0.32
	text := draw.TextStyle{Color: inkColor, Font: sans(9.5), YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	for n, b := range bars {
		at := y(float64(len(bars) - 1 - n))
		fill := fasterColor
		if b.ratio.median < 1 {
			fill = slowerColor
		}
		from, to := min(x(1), x(b.ratio.median)), max(x(1), x(b.ratio.median))
		c.FillPolygon(fill, []vg.Point{{X: from, Y: at - half}, {X: to, Y: at - half}, {X: to, Y: at + half}, {X: from, Y: at + half}})
		c.StrokeLine2(draw.LineStyle{Color: inkColor, Width: 1}, x(b.ratio.low), at, x(b.ratio.top), at)
		end := max(x(1), x(b.ratio.top))
		if b.goal > 0 {
			c.StrokeLine2(draw.LineStyle{Color: inkColor, Width: 2.2}, x(b.goal), at-half*1.4, x(b.goal), at+half*1.4)
			end = max(end, x(b.goal))
		}
		c.FillText(text, vg.Point{X: end + 4, Y: at}, ratio(b.ratio.median)+" ×")
	}
	c.StrokeLine2(draw.LineStyle{Color: inkColor, Width: 0.8}, x(1), c.Min.Y, x(1), c.Max.Y)
}

// ratioTicks are 1, 2, 5 and their tens.
func ratioTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * power; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 3, 64)})
			}
		}
	}
	return ticks
}

func render(p *plot.Plot, width, height vg.Length) (svg, png []byte, err error) {
	vector, raster := vgsvg.New(width, height), vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pngDPI))
	for _, canvas := range []draw.Canvas{draw.New(vector), draw.New(raster)} {
		canvas.SetColor(color.White)
		canvas.Fill(canvas.Rectangle.Path())
		p.Draw(draw.Crop(canvas, 8, -14, 6, -8))
	}
	var s, r bytes.Buffer
	if _, err := vector.WriteTo(&s); err != nil {
		return nil, nil, fmt.Errorf("draw the ratios: %w", err)
	}
	if _, err := (vgimg.PngCanvas{Canvas: raster}).WriteTo(&r); err != nil {
		return nil, nil, fmt.Errorf("draw the ratios: %w", err)
	}
	// The fonts that stand in for Liberation Sans where it is not installed have the same widths.
	text := strings.ReplaceAll(s.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	return []byte(text), r.Bytes(), nil
}
