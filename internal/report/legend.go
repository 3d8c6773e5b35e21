package report

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is one name of a legend with the line and the mark that it stands for.
type entry struct {
	name  string
	line  draw.LineStyle
	glyph draw.GlyphStyle
}

// drawWithLegend draws p with its legend as one row between the title and the axes, where no curve can lie under it.
func drawWithLegend(c draw.Canvas, p *plot.Plot, legend []entry) {
	c.SetColor(p.BackgroundColor)
	c.Fill(c.Rectangle.Path())
	inner := draw.Crop(c, 8, -14, 6, -10)
	p.Draw(inner)

	text := sans(10)
	text.YAlign = draw.YCenter
	const swatch, gap, between vg.Length = 20, 5, 14
	x := p.DataCanvas(inner).Min.X
	y := inner.Max.Y - p.Title.TextStyle.Rectangle(p.Title.Text).Size().Y - p.Title.Padding/2 + 1
	for _, e := range legend {
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
}
