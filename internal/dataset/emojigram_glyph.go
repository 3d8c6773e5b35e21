package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	notocolor "eliasnaur.com/font/noto/emoji/color"
	"github.com/forPelevin/gomoji"
	"github.com/go-text/typesetting/font"
)

// emojiName is an emoji's Unicode name and group, such as "cat face", "Animals & Nature".
func emojiName(char string) (name, group string) {
	info, err := gomoji.GetInfo(char)
	if err != nil {
		return "", ""
	}
	return info.Slug, info.Group
}

// glyph is a subject's picture with a transparent margin, square, and what may be drawn behind it.
type glyph struct {
	picture *image.RGBA // glyphSide by glyphSide
	shadow  *image.RGBA // black, blurred
	sticker *image.RGBA // white, a little larger than the picture
}

const (
	glyphSide   = 168 // pixels: a picture of 136×128 and its margin
	glyphInside = 136
)

// loadGlyphs reads the subjects' pictures from Noto Color Emoji (SIL Open Font License 1.1).
func loadGlyphs() ([]glyph, error) {
	face, err := font.ParseTTF(bytes.NewReader(notocolor.TTF))
	if err != nil {
		return nil, fmt.Errorf("noto color emoji: %w", err)
	}
	glyphs := make([]glyph, len(subjects))
	for n, s := range subjects {
		img, err := bitmap(face, s.char)
		if err != nil {
			return nil, err
		}
		square := image.NewRGBA(image.Rect(0, 0, glyphSide, glyphSide))
		corner := image.Pt((glyphSide-img.Bounds().Dx())/2, (glyphSide-img.Bounds().Dy())/2)
		draw.Draw(square, img.Bounds().Sub(img.Bounds().Min).Add(corner), img, img.Bounds().Min, draw.Src)
		alpha := make([]float32, glyphSide*glyphSide)
		for i := range alpha {
			alpha[i] = float32(square.Pix[4*i+3]) / 255
		}
		outline := blurred(alpha, 5)
		for i, a := range outline { // a blurred edge, cut off steeply, is a grown one
			outline[i] = min(1, max(0, (a-0.04)*8))
		}
		glyphs[n] = glyph{
			picture: square,
			shadow:  filled(blurred(blurred(alpha, 4), 4), color.Gray{}, 0.55),
			sticker: filled(outline, color.Gray{Y: 255}, 1),
		}
	}
	return glyphs, nil
}

// bitmap decodes the picture of a one-code-point emoji.
func bitmap(face *font.Face, char string) (image.Image, error) {
	r := []rune(char)
	gid, ok := face.NominalGlyph(r[0])
	if !ok || len(r) != 1 {
		return nil, fmt.Errorf("noto color emoji: no glyph for %q", char)
	}
	data, ok := face.GlyphData(gid).(font.GlyphBitmap)
	if !ok || data.Format != font.PNG {
		return nil, fmt.Errorf("noto color emoji: the glyph of %q is not a PNG", char)
	}
	img, err := png.Decode(bytes.NewReader(data.Data))
	if err != nil {
		return nil, fmt.Errorf("noto color emoji: %q: %w", char, err)
	}
	return img, nil
}

// blurred is a square of glyphSide after a box blur of radius pixels.
func blurred(from []float32, radius int) []float32 {
	across := func(from []float32) []float32 { // blurs rows and transposes
		to := make([]float32, len(from))
		for y := range glyphSide {
			for x := range glyphSide {
				sum := float32(0)
				for at := max(0, x-radius); at <= min(glyphSide-1, x+radius); at++ {
					sum += from[y*glyphSide+at]
				}
				to[x*glyphSide+y] = sum / float32(2*radius+1)
			}
		}
		return to
	}
	return across(across(from))
}

// filled is one grey with an alpha channel, times opacity.
func filled(alpha []float32, grey color.Gray, opacity float32) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, glyphSide, glyphSide))
	for i, a := range alpha {
		a *= opacity
		v := uint8(a*float32(grey.Y) + 0.5)
		img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], img.Pix[4*i+3] = v, v, v, uint8(a*255+0.5)
	}
	return img
}
