package report

import (
	"fmt"
	"image/color"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize/english"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/captionlab/captionlab/internal/score"
)

// heatmap draws a confusion matrix: a row a true label, from top to bottom, coloured by the row's shares.
type heatmap struct {
	title  string
	matrix *score.Confusion
}

// fewLabels is how many labels leave room for figures in the cells.
const fewLabels = 10

func (h heatmap) render() (svg, png []byte, err error) {
	p := plot.New()
	style(p)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = h.title, "predicted", "true"
	p.Title.Padding = 6
	n := len(h.matrix.Labels)
	labels := make([]string, n)
	for i, label := range h.matrix.Labels {
		labels[i] = printable(label)
	}
	p.NominalX(labels...)
	upsideDown := make([]string, n)
	for i, label := range labels {
		upsideDown[n-1-i] = label
	}
	p.NominalY(upsideDown...)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Tick.Label.Font, axis.Tick.Label.Color = sans(labelSize(n)).Font, inkColor
	}
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = 0.8, draw.XRight, draw.YCenter
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(n)-0.5, -0.5, float64(n)-0.5
	p.Add(cells{h.matrix.Shares(), n <= fewLabels})
	side := vg.Length(400)
	if n > fewLabels {
		side = 560
	}
	return renderPlot(h.title, side, side, func(c draw.Canvas) { p.Draw(c) })
}

func labelSize(n int) vg.Length {
	if n > fewLabels {
		return 8
	}
	return 9.5
}

// cells are the matrix itself.
type cells struct {
	shares  [][]float64
	figures bool
}

// Plot implements plot.Plotter.
func (m cells) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := len(m.shares)
	for t, row := range m.shares {
		for k, share := range row {
			left, right := x(float64(k)-0.5), x(float64(k)+0.5)
			bottom, top := y(float64(n-1-t)-0.5), y(float64(n-1-t)+0.5)
			if share == 0 {
				continue
			}
			c.FillPolygon(shade(share), []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
			if m.figures && share >= 0.005 {
				text := sans(9)
				text.XAlign, text.YAlign = draw.XCenter, draw.YCenter
				if share >= 0.75 { // the greater contrast
					text.Color = color.White
				}
				c.FillText(text, vg.Point{X: (left + right) / 2, Y: (bottom + top) / 2}, fmt.Sprintf("%.0f %%", 100*share))
			}
		}
	}
}

// DataRange implements plot.DataRanger.
func (m cells) DataRange() (xmin, xmax, ymin, ymax float64) {
	n := float64(len(m.shares)) - 0.5
	return -0.5, n, -0.5, n
}

// shade goes from white to the curves' blue; small shares are still seen.
func shade(share float64) color.Color {
	mix := func(to uint8) uint8 { return uint8(255 - (0.06+0.94*share)*(255-float64(to))) }
	return color.RGBA{R: mix(trainColor.R), G: mix(trainColor.G), B: mix(trainColor.B), A: 0xff}
}

// printable is a token as the plots' font can show it: spaces as their symbol, pictographs by their code point.
func printable(token string) string {
	switch token {
	case "":
		return `""`
	case " ":
		return "space"
	case score.Nothing:
		return "nothing"
	}
	var b strings.Builder
	for _, r := range token {
		switch {
		case r == ' ':
			b.WriteRune('_')
		case unicode.Is(unicode.So, r) || !unicode.IsPrint(r) || !hasGlyph(r):
			fmt.Fprintf(&b, "U+%X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hasGlyph is whether the plots' font can show a character; it would leave others out.
func hasGlyph(r rune) bool {
	style := sans(9).Font
	index, err := font.DefaultCache.Lookup(style, style.Size).Face.GlyphIndex(nil, r)
	return err == nil && index != 0
}

// confusionFigures are the matrices as figures.
func confusionFigures(matrices []Confusion) []plotFigure {
	var figures []plotFigure
	for _, m := range matrices {
		figures = append(figures, plotFigure{
			Name: m.Name, File: "plots/" + m.File, draw: heatmap{m.Name, m.Matrix}.render,
			Alt:     fmt.Sprintf("%s: %s of %d on the diagonal.", m.Name, percent(m.Matrix.Accuracy()), m.Matrix.Total()),
			Meaning: fmt.Sprintf("%s %s of %s on the diagonal.", m.Meaning, percent(m.Matrix.Accuracy()), english.Plural(m.Matrix.Total(), "count", "")),
		})
	}
	return figures
}
