package report

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

func TestThumbnailSize(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{500, 375, 224, 168}, {375, 500, 168, 224}, {100, 60, 100, 60}, {4000, 3, 224, 1},
	} {
		path := filepath.Join(t.TempDir(), "x.jpg")
		writePicture(t, path, c.w, c.h, 0)
		data, err := thumbnail(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if got.Width != c.wantW || got.Height != c.wantH {
			t.Errorf("%d×%d became %d×%d, want %d×%d", c.w, c.h, got.Width, got.Height, c.wantW, c.wantH)
		}
	}
}

// TestOrient checks against the EXIF standard (CIPA DC-008, tag 0x0112): where the stored first row and first
// column lie in the picture as seen.
func TestOrient(t *testing.T) {
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
		got := orient(src, orientation)
		if !side(got, want.row, func(c color.RGBA) bool { return c.R == 255 }) {
			t.Errorf("orientation %d: the first row is not at the %s", orientation, want.row)
		}
		if !side(got, want.column, func(c color.RGBA) bool { return c.G == 255 }) {
			t.Errorf("orientation %d: the first column is not at the %s", orientation, want.column)
		}
	}
}

// side says whether exactly the pixels of one side have a property.
func side(img *image.RGBA, name string, has func(color.RGBA) bool) bool {
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			on := map[string]bool{"top": y == 0, "bottom": y == b.Dy()-1, "left": x == 0, "right": x == b.Dx()-1}[name]
			if has(img.RGBAAt(x, y)) != on {
				return false
			}
		}
	}
	return true
}

func TestExifOrientation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jpg")
	writePicture(t, path, 40, 20, 0)
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := exifOrientation(plain); got != 1 {
		t.Errorf("no EXIF: %d, want 1", got)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		turned := withOrientation(plain, order, 6)
		if got := exifOrientation(turned); got != 6 {
			t.Errorf("%v: %d, want 6", order, got)
		}
		for n := range 60 { // a file that ends early must not panic
			exifOrientation(turned[:n])
		}
		if err := os.WriteFile(path, turned, 0o644); err != nil {
			t.Fatal(err)
		}
		data, err := thumbnail(path)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := jpeg.DecodeConfig(bytes.NewReader(data)); c.Width != 20 || c.Height != 40 {
			t.Errorf("%v: the thumbnail is %d×%d, want it upright, 20×40", order, c.Width, c.Height)
		}
	}
}

// withOrientation puts an EXIF segment with one tag behind the JPEG's first marker.
func withOrientation(data []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("II")
	if order.String() == "BigEndian" {
		tiff = []byte("MM")
	}
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)      // the directory's offset
	tiff = order.AppendUint16(tiff, 1)      // one entry
	tiff = order.AppendUint16(tiff, 0x0112) // orientation
	tiff = order.AppendUint16(tiff, 3)      // SHORT
	tiff = order.AppendUint32(tiff, 1)      // one value
	tiff = order.AppendUint16(tiff, orientation)
	tiff = order.AppendUint16(tiff, 0)
	tiff = order.AppendUint32(tiff, 0) // no next directory
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), data[2:]...)
}
