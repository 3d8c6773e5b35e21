package encoder

import (
	"image"
	"image/color"
)

// Upright is a picture turned and mirrored as an EXIF orientation from 1 to 8 says. Nothing is copied.
func Upright(picture image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return picture
	}
	return turned{picture, orientation}
}

// turned is another picture seen through an EXIF orientation.
type turned struct {
	image.Image
	orientation int
}

func (t turned) Bounds() image.Rectangle {
	b := t.Image.Bounds()
	if t.orientation >= 5 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

func (t turned) At(x, y int) color.Color {
	b := t.Image.Bounds()
	x, y = t.source(x, y, b.Dx()-1, b.Dy()-1)
	return t.Image.At(b.Min.X+x, b.Min.Y+y)
}

// source is where a pixel lies in the stored picture, whose last column and row are right and bottom.
func (t turned) source(x, y, right, bottom int) (int, int) {
	switch t.orientation {
	case 2:
		return right - x, y
	case 3:
		return right - x, bottom - y
	case 4:
		return x, bottom - y
	case 5:
		return y, x
	case 6:
		return y, bottom - x
	case 7:
		return right - y, bottom - x
	case 8:
		return right - y, x
	}
	return x, y
}
