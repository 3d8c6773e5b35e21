package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"

	notocolor "eliasnaur.com/font/noto/emoji/color"
	"github.com/go-text/typesetting/font"
	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// loadEmoji decodes the emoji's pictures, 136×128, from the Noto colour emoji font (SIL Open Font License).
func loadEmoji() (map[string]image.Image, error) {
	face, err := font.ParseTTF(bytes.NewReader(notocolor.TTF))
	if err != nil {
		return nil, fmt.Errorf("emoji font: %w", err)
	}
	pictures := map[string]image.Image{}
	for _, e := range emojis {
		r := []rune(e.char)[0]
		glyph, ok := face.NominalGlyph(r)
		bitmap, isBitmap := face.GlyphData(glyph).(font.GlyphBitmap)
		if !ok || !isBitmap || bitmap.Format != font.PNG {
			return nil, fmt.Errorf("emoji font: no picture of %s (%U)", e.char, r)
		}
		if pictures[e.char], err = png.Decode(bytes.NewReader(bitmap.Data)); err != nil {
			return nil, fmt.Errorf("emoji font: %s: %w", e.char, err)
		}
	}
	return pictures, nil
}

// draw paints the scene on a square of size pixels: the background in its pattern, then the things from left to
// right, with size, place and turn varied and some overlap.
func (s scene) draw(size int, emoji map[string]image.Image) *image.RGBA {
	canvas := image.NewRGBA(image.Rect(0, 0, size, size))
	paintBackground(canvas, backgrounds[s.background].color, s.look)
	things := s.things()
	slot := float64(size) / float64(len(things))
	for n, thing := range things {
		side := (0.62 + 0.3*s.look.Float64()) * math.Min(slot*1.25, float64(size)*0.8)
		x := (float64(n)+0.5)*slot + (s.look.Float64()-0.5)*slot*0.3
		y := float64(size)*0.5 + (s.look.Float64()-0.5)*float64(size)*0.45
		turn := (s.look.Float64() - 0.5) * math.Pi / 3
		paste(canvas, emoji[thing.char], x, y, side, turn)
	}
	return canvas
}

// paste draws a picture, centred on x, y, side pixels wide, turned by an angle in radians.
func paste(canvas *image.RGBA, picture image.Image, x, y, side, turn float64) {
	b := picture.Bounds()
	scale := side / float64(b.Dx())
	sin, cos := math.Sincos(turn)
	cx, cy := float64(b.Min.X+b.Max.X)/2, float64(b.Min.Y+b.Max.Y)/2
	m := f64.Aff3{
		scale * cos, -scale * sin, x - scale*(cos*cx-sin*cy),
		scale * sin, scale * cos, y - scale*(sin*cx+cos*cy),
	}
	draw.BiLinear.Transform(canvas, m, picture, b, draw.Over, nil)
}

// paintBackground fills the canvas with one of four patterns of a colour, its lightness varied.
func paintBackground(canvas *image.RGBA, base color.RGBA, rng *rand.Rand) {
	pattern, phase := rng.IntN(4), rng.Float64()*40
	light := 0.85 + 0.3*rng.Float64()
	period := 18 + 22*rng.Float64()
	size := canvas.Bounds().Dx()
	for y := range size {
		for x := range size {
			shade := light
			switch pattern {
			case 1: // gradient
				shade *= 0.8 + 0.4*float64(y)/float64(size)
			case 2: // slanted stripes
				if math.Mod(float64(x+y)+phase, 2*period) < period {
					shade *= 0.88
				}
			case 3: // dots
				dx, dy := math.Mod(float64(x)+phase, period)-period/2, math.Mod(float64(y)+phase, period)-period/2
				if dx*dx+dy*dy < period*period/14 {
					shade *= 1.12
				}
			}
			noise := (rng.Float64() - 0.5) * 8
			at := func(c uint8) uint8 { return uint8(math.Max(0, math.Min(255, float64(c)*shade+noise))) }
			canvas.SetRGBA(x, y, color.RGBA{at(base.R), at(base.G), at(base.B), 255})
		}
	}
}
