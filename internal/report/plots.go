package report

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
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

	"github.com/captionlab/captionlab/internal/runfolder"
)

// A plot's size in points. Two stand side by side on a page of 1,100 pixels, and the text can still be read when
// one is scaled to a phone's width.
const (
	plotWidth  vg.Length = 400
	plotHeight vg.Length = 290
	pngDPI               = 144 // 2 pixels a point
)

// Colours that stay apart for colour-blind readers (Okabe and Ito 2008), darkened to a contrast of at least 4.5 : 1
// where text has them.
var (
	trainColor      = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	validationColor = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	floorColor      = color.RGBA{R: 0x00, G: 0x7a, B: 0x5a, A: 0xff}
	controlColor    = color.RGBA{R: 0x8a, G: 0x8f, B: 0x98, A: 0xff}
	inkColor        = color.RGBA{R: 0x33, G: 0x3a, B: 0x44, A: 0xff}
	gridColor       = color.RGBA{R: 0xe4, G: 0xe7, B: 0xeb, A: 0xff}
)

// curve is one line over the epochs.
type curve struct {
	name  string
	color color.Color
	glyph draw.GlyphDrawer
	at    func(runfolder.Epoch) float64
}

// level is a horizontal dashed line with its name on it.
type level struct {
	name   string
	value  float64
	color  color.Color
	dashes []vg.Length
	above  bool // where the name stands
	left   bool
}

// chart is what one plot shows.
type chart struct {
	title, yLabel string
	curves        []curve
	levels        []level
	best          int // the epoch marked on the last curve; 0: none
}

const controlPrefix = "control: "

func lossChart(d Data) chart {
	c := chart{
		title:  "Teacher-forced loss by epoch",
		yLabel: "loss (nats a token)",
		curves: []curve{
			{"training (dropout on)", trainColor, draw.RingGlyph{}, func(e runfolder.Epoch) float64 { return e.TrainLoss }},
			{"validation", validationColor, draw.CircleGlyph{}, func(e runfolder.Epoch) float64 { return e.ValidationLoss }},
		},
	}
	if best, ok := bestEpoch(d); ok {
		c.best = best.Epoch
	}
	for _, control := range d.Controls {
		if control.Name != modelName && control.Split == d.Controls[0].Split && finite(control.Loss) {
			c.levels = append(c.levels, level{
				fmt.Sprintf("%s%s %.3f", controlPrefix, control.Name, control.Loss), control.Loss, controlColor, []vg.Length{1.5, 2.5}, true, false,
			})
		}
	}
	if d.Floor != nil && finite(d.Floor.NatsPerToken) {
		c.levels = append(c.levels, level{
			fmt.Sprintf("entropy floor %.3f", d.Floor.NatsPerToken), d.Floor.NatsPerToken, floorColor, []vg.Length{6, 3}, false, true,
		})
	}
	return c
}

func accuracyChart(d Data) chart {
	c := chart{
		title:  "Teacher-forced accuracy by epoch",
		yLabel: "tokens predicted right (%)",
		curves: []curve{
			{"training (dropout on)", trainColor, draw.RingGlyph{}, func(e runfolder.Epoch) float64 { return 100 * e.TrainAccuracy }},
			{"validation", validationColor, draw.CircleGlyph{}, func(e runfolder.Epoch) float64 { return 100 * e.ValidationAccuracy }},
		},
	}
	if best, ok := bestEpoch(d); ok {
		c.best = best.Epoch
	}
	return c
}

// nameRoom is the share of the y axis that a level's name takes.
const nameRoom = 0.07

// place keeps the names of levels apart on an axis from low to high: of controls whose names would be written over
// each other the highest line bears them all, and the floor's name goes above its line where there is no room below.
func place(levels []level, low, high float64) []level {
	out := slices.Clone(levels)
	slices.SortStableFunc(out, func(a, b level) int { return cmp.Compare(b.value, a.value) })
	bearer := -1 // the last control that bears a name
	for i := range out {
		switch l := &out[i]; {
		case !l.above:
			l.above = l.value-low < nameRoom*(high-low)
		case bearer >= 0 && out[bearer].value-l.value < nameRoom*(high-low):
			out[bearer].name += ", " + strings.TrimPrefix(l.name, controlPrefix)
			l.name = ""
		default:
			bearer = i
		}
	}
	return out
}

// build makes the gonum plot of c over the epochs, and the entries of its legend.
func (c chart) build(epochs []runfolder.Epoch) (*plot.Plot, []entry, error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, "epoch", c.yLabel
	p.X.Tick.Marker = plot.TickerFunc(epochTicks)
	p.Y.Tick.Marker = plot.TickerFunc(valueTicks)
	first, last := epochRange(epochs)
	p.X.Min, p.X.Max = first, last

	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, nil
	p.Add(grid)

	var legend []entry
	low, high := math.Inf(1), math.Inf(-1)
	for n, s := range c.curves {
		points := finitePoints(epochs, s.at)
		for _, xy := range points {
			low, high = min(low, xy.Y), max(high, xy.Y)
		}
		line := draw.LineStyle{Color: s.color, Width: 1.8}
		glyph := draw.GlyphStyle{Color: s.color, Radius: 2.2, Shape: s.glyph}
		if len(points) > 40 {
			glyph.Radius = 0 // the dots would run together
		}
		legend = append(legend, entry{s.name, line, glyph})
		if len(points) == 0 {
			continue
		}
		l, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, nil, err
		}
		l.LineStyle, dots.GlyphStyle = line, glyph
		p.Add(l)
		if glyph.Radius > 0 {
			p.Add(dots)
		}
		if n == len(c.curves)-1 {
			for _, xy := range points {
				if int(xy.X) == c.best {
					ring := draw.GlyphStyle{Color: inkColor, Radius: 5, Shape: draw.RingGlyph{}}
					p.Add(&plotter.Scatter{XYs: plotter.XYs{xy}, GlyphStyle: ring})
					legend = append(legend, entry{fmt.Sprintf("best epoch (%d)", c.best), draw.LineStyle{}, ring})
				}
			}
		}
	}
	for _, l := range c.levels {
		low, high = min(low, l.value), max(high, l.value)
	}
	p.Y.Min, p.Y.Max = padded(low, high)
	for _, l := range place(c.levels, p.Y.Min, p.Y.Max) {
		if err := l.add(p, first, last); err != nil {
			return nil, nil, err
		}
	}
	return p, legend, nil
}

// add draws the line and its name; controls have theirs at the right, the floor at the left, away from each other.
func (l level) add(p *plot.Plot, first, last float64) error {
	line, err := plotter.NewLine(plotter.XYs{{X: first, Y: l.value}, {X: last, Y: l.value}})
	if err != nil {
		return err
	}
	line.LineStyle = draw.LineStyle{Color: l.color, Width: 1.3, Dashes: l.dashes}
	p.Add(line)
	if l.name == "" {
		return nil
	}
	text := sans(9.5)
	text.Color, text.XAlign, text.YAlign = l.color, draw.XRight, draw.YBottom
	at, offset := plotter.XY{X: last, Y: l.value}, vg.Point{X: -3, Y: 2}
	if l.color == controlColor {
		text.Color = color.RGBA{R: 0x5c, G: 0x63, B: 0x6e, A: 0xff}
	}
	if l.left {
		at.X, offset.X, text.XAlign = first, 3, draw.XLeft
	}
	if !l.above {
		offset.Y, text.YAlign = -2, draw.YTop
	}
	p.Add(plotLabel{at, l.name, text, offset})
	return nil
}

// plotLabel is a text at a point. Unlike plotter.Labels it claims no room, so that it can't shrink the axes.
type plotLabel struct {
	at     plotter.XY
	text   string
	style  draw.TextStyle
	offset vg.Point
}

// Plot implements plot.Plotter.
func (l plotLabel) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	c.FillText(l.style, vg.Point{X: x(l.at.X), Y: y(l.at.Y)}.Add(l.offset), l.text)
}

// render draws the chart over the epochs.
func (c chart) render(epochs []runfolder.Epoch) (svg, png []byte, err error) {
	p, legend, err := c.build(epochs)
	if err != nil {
		return nil, nil, fmt.Errorf("plot %q: %w", c.title, err)
	}
	return renderPlot(c.title, plotWidth, plotHeight, func(canvas draw.Canvas) { drawWithLegend(canvas, p, legend) })
}

// renderPlot draws as SVG and as PNG of twice as many pixels as points.
func renderPlot(title string, width, height vg.Length, paint func(draw.Canvas)) (svg, png []byte, err error) {
	vector := vgsvg.New(width, height)
	paint(draw.New(vector))
	raster := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pngDPI))
	paint(draw.New(raster))
	var s, r bytes.Buffer
	if _, err := vector.WriteTo(&s); err != nil {
		return nil, nil, fmt.Errorf("plot %q: %w", title, err)
	}
	if _, err := (vgimg.PngCanvas{Canvas: raster}).WriteTo(&r); err != nil {
		return nil, nil, fmt.Errorf("plot %q: %w", title, err)
	}
	// The fonts that stand in for Liberation Sans where it is not installed have the same widths.
	text := strings.ReplaceAll(s.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	return []byte(text), r.Bytes(), nil
}

func style(p *plot.Plot) {
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold, Size: 12}
	p.Title.TextStyle.Color = inkColor
	p.Title.Padding = 24 // the legend stands here
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		for _, s := range []*draw.TextStyle{&axis.Label.TextStyle, &axis.Tick.Label} {
			s.Font, s.Color = sans(10.5).Font, inkColor
		}
		axis.Label.Padding = 3
		axis.LineStyle = draw.LineStyle{Color: inkColor, Width: 0.8}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = 4
		axis.Padding = 0
	}
}

// sans is the plots' text style.
func sans(size font.Length) draw.TextStyle {
	return draw.TextStyle{
		Color:   inkColor,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler,
	}
}

// epochRange is the x axis. A single epoch stands in its middle.
func epochRange(epochs []runfolder.Epoch) (first, last float64) {
	if len(epochs) == 0 {
		return 0, 1
	}
	first, last = math.Inf(1), math.Inf(-1)
	for _, e := range epochs {
		first, last = min(first, float64(e.Epoch)), max(last, float64(e.Epoch))
	}
	if first == last {
		return first - 0.5, last + 0.5
	}
	return first, last
}

// finitePoints leaves out what a diverged epoch can't show.
func finitePoints(epochs []runfolder.Epoch, at func(runfolder.Epoch) float64) plotter.XYs {
	var points plotter.XYs
	for _, e := range epochs {
		if y := at(e); finite(y) {
			points = append(points, plotter.XY{X: float64(e.Epoch), Y: y})
		}
	}
	return points
}

// padded widens [low, high] so that curves don't touch the frame and a name fits below the floor.
func padded(low, high float64) (float64, float64) {
	if low > high {
		return 0, 1
	}
	room := high - low
	if room < 1e-9 {
		room = max(math.Abs(high), 1) * 0.2
	}
	bottom := low - 0.12*room
	if low >= 0 {
		bottom = max(bottom, 0)
	}
	return bottom, high + 0.08*room
}

// epochTicks puts ticks on whole epochs only, at most about eight.
func epochTicks(low, high float64) []plot.Tick {
	step := 1
	for _, candidate := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000} {
		step = candidate
		if (high-low)/float64(step) <= 10 {
			break
		}
	}
	var ticks []plot.Tick
	add := func(n int) { ticks = append(ticks, plot.Tick{Value: float64(n), Label: strconv.Itoa(n)}) }
	first := int(math.Ceil(low))
	if step > 1 && first%step != 0 && step-first%step > step/2 {
		add(first) // epoch 1, when the next tick is far enough
	}
	for n := int(math.Ceil(low/float64(step))) * step; float64(n) <= high; n += step {
		if n >= 1 {
			add(n)
		}
	}
	return ticks
}

// valueTicks puts about six ticks on round values.
func valueTicks(low, high float64) []plot.Tick {
	raw := (high - low) / 6
	if raw <= 0 || !finite(raw) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= raw {
			step = m * power
			break
		}
	}
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	var ticks []plot.Tick
	for n := math.Ceil(low/step - 1e-9); n*step <= high*(1+1e-12); n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: strconv.FormatFloat(n*step+0, 'f', decimals, 64)})
	}
	return ticks
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
