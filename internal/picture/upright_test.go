package picture

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"testing"

	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

// Each orientation shows the same scene, red, green, blue and white in the corners, from another stored picture.
func TestOrientation(t *testing.T) {
	colours := map[byte]color.NRGBA{'R': {255, 0, 0, 255}, 'G': {0, 255, 0, 255}, 'B': {0, 0, 255, 255}, 'W': {255, 255, 255, 255}}
	// What lies top left, top right, bottom left, bottom right in the file (EXIF 2.3, section 4.6.4).
	stored := map[uint16]string{1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG", 5: "RBGW", 6: "GWRB", 7: "WGBR", 8: "BRWG"}
	for orientation, corners := range stored {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			width, height := 32, 16
			if orientation >= 5 {
				width, height = 16, 32
			}
			picture := image.NewNRGBA(image.Rect(0, 0, width, height))
			for y := range height {
				for x := range width {
					picture.SetNRGBA(x, y, colours[corners[y*2/height*2+x*2/width]])
				}
			}
			path := write(t, filepath.Join(t.TempDir(), "p.jpg"), picturetest.Oriented(picturetest.JPEG(t, picture, 95), order, orientation))
			got, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if b := got.Bounds(); b.Dx() != 32 || b.Dy() != 16 {
				t.Errorf("orientation %d: size %v", orientation, b)
			}
			for n, want := range []byte("RGBW") {
				r, g, b, _ := got.At(3+n%2*25, 3+n/2*9).RGBA()
				c := colours[want]
				if off(r>>8, c.R)+off(g>>8, c.G)+off(b>>8, c.B) > 30 {
					t.Errorf("orientation %d (%s), corner %d: %d %d %d, want %c", orientation, order, n, r>>8, g>>8, b>>8, want)
				}
			}
		}
	}
}

func off(got uint32, want uint8) int { return int(math.Abs(float64(got) - float64(want))) }

// TestUpright checks against the EXIF standard (CIPA DC-008, tag 0x0112): where the stored first row and first
// column lie in the picture as seen.
func TestUpright(t *testing.T) {
	seen := map[int]struct{ row, column string }{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	}
	const w, h = 3, 2
	src := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{A: 255}
			if y == 0 {
				c.R = 255 // red: the first row
			}
			if x == 0 {
				c.G = 255 // green: the first column
			}
			src.SetRGBA(x, y, c)
		}
	}
	for orientation, want := range seen {
		got := Upright(src, orientation)
		if !side(got, want.row, func(c color.RGBA) bool { return c.R == 255 }) {
			t.Errorf("orientation %d: the first row is not at the %s", orientation, want.row)
		}
		if !side(got, want.column, func(c color.RGBA) bool { return c.G == 255 }) {
			t.Errorf("orientation %d: the first column is not at the %s", orientation, want.column)
		}
	}
}

// side says whether exactly the pixels of one side have a property.
func side(img image.Image, name string, has func(color.RGBA) bool) bool {
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			on := map[string]bool{"top": y == 0, "bottom": y == b.Dy()-1, "left": x == 0, "right": x == b.Dx()-1}[name]
			if has(img.At(x, y).(color.RGBA)) != on {
				return false
			}
		}
	}
	return true
}

func FuzzOrientation(f *testing.F) {
	picture := picturetest.JPEG(f, image.NewGray(image.Rect(0, 0, 1, 1)), 90)
	f.Add(picturetest.Oriented(picture, binary.LittleEndian, 6))
	f.Add(picturetest.Oriented(picture, binary.BigEndian, 3)[:40])
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
