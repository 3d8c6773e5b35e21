package picture

import (
	"image"
	"image/color"
)

// Upright is a picture turned and mirrored as an EXIF orientation from 1 to 8 says: a *Turned, unless it is upright
// already. Nothing is copied.
func Upright(stored image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return stored
	}
	return &Turned{stored, orientation}
}

// Turned is a stored picture seen through an EXIF orientation from 2 to 8. Its coordinates begin at 0.
type Turned struct {
	Stored      image.Image
	Orientation int
}

// ColorModel is the stored picture's.
func (t *Turned) ColorModel() color.Model { return t.Stored.ColorModel() }

// Bounds swaps height and width where the picture lies on its side.
func (t *Turned) Bounds() image.Rectangle {
	b := t.Stored.Bounds()
	if t.Orientation >= 5 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

// At is the colour at a place of the upright picture.
func (t *Turned) At(x, y int) color.Color {
	at := t.Stored.Bounds().Min
	x, y = t.Source(x, y)
	return t.Stored.At(at.X+x, at.Y+y)
}

// Source is where a pixel lies in the stored picture, counted from its top left corner.
func (t *Turned) Source(x, y int) (int, int) {
	b := t.Stored.Bounds()
	right, bottom := b.Dx()-1, b.Dy()-1
	switch t.Orientation {
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
