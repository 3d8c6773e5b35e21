package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	xdraw "golang.org/x/image/draw"

	"github.com/captionlab/captionlab/internal/picture"
)

// thumbSize is the longest side of a gallery picture in pixels.
const thumbSize = 224

// thumbnail sets the card's Image, or Problem when the picture can't be shown.
func (c *card) thumbnail() {
	data, err := Thumbnail(c.path)
	if err != nil {
		c.Problem = "The picture can't be shown: " + err.Error()
		return
	}
	c.Image = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
}

// Thumbnail is the picture at path as a JPEG of at most thumbSize pixels a side, on white.
func Thumbnail(path string) ([]byte, error) {
	data, err := picture.Read(path)
	if err != nil {
		return nil, err
	}
	src, header, err := picture.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	w, h := fit(src.Bounds().Dx(), src.Bounds().Dy())
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(small, small.Bounds(), src, src.Bounds(), xdraw.Over, nil)
	upright := picture.Upright(small, header.Orientation) // a thumbnail carries no EXIF of its own
	var out bytes.Buffer
	if err := jpeg.Encode(&out, upright, &jpeg.Options{Quality: 85}); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out.Bytes(), nil
}

// fit scales w × h down to thumbSize; small pictures stay as they are.
func fit(w, h int) (int, int) {
	longest := max(w, h)
	if longest <= thumbSize {
		return w, h
	}
	return max(1, w*thumbSize/longest), max(1, h*thumbSize/longest)
}
