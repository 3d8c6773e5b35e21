package encoder

import (
	"image"
	"image/color"

	"golang.org/x/image/draw"
)

// resize writes the picture, squashed to height×width, as RGB bytes. Transparent parts become white.
func resize(picture image.Image, dst []uint8, height, width int, how string) {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	b := picture.Bounds()
	switch {
	case b.Dx() == width && b.Dy() == height:
		draw.Draw(canvas, canvas.Bounds(), picture, b.Min, draw.Over)
	case how == "bilinear":
		draw.BiLinear.Scale(canvas, canvas.Bounds(), picture, b, draw.Over, nil)
	case how == "bicubic":
		draw.CatmullRom.Scale(canvas, canvas.Bounds(), picture, b, draw.Over, nil)
	default: // as PIL's NEAREST, which Keras' load_img uses
		draw.NearestNeighbor.Scale(canvas, canvas.Bounds(), picture, b, draw.Over, nil)
	}
	for n := range height * width {
		copy(dst[3*n:3*n+3], canvas.Pix[4*n:4*n+3])
	}
}
