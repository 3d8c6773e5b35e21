package features

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// exif is a JPEG with an EXIF orientation, in the byte order "II" or "MM".
func exif(t testing.TB, picture image.Image, order string, orientation uint16) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, picture, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	var o binary.AppendByteOrder = binary.LittleEndian
	if order == "MM" {
		o = binary.BigEndian
	}
	tiff := o.AppendUint32(o.AppendUint16([]byte(order), 42), 8)
	tiff = o.AppendUint16(tiff, 2)
	tiff = append(o.AppendUint32(o.AppendUint16(o.AppendUint16(tiff, 0x0100), 3), 1), 0, 0, 0, 0) // ImageWidth
	tiff = o.AppendUint16(o.AppendUint32(o.AppendUint16(o.AppendUint16(tiff, 0x0112), 3), 1), orientation)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(head, segment...), data.Bytes()[2:]...)
}

// Each orientation shows the same scene, red, green, blue and white in the corners, from another stored picture.
func TestOrientation(t *testing.T) {
	colours := map[byte]color.NRGBA{'R': {255, 0, 0, 255}, 'G': {0, 255, 0, 255}, 'B': {0, 0, 255, 255}, 'W': {255, 255, 255, 255}}
	// What lies top left, top right, bottom left, bottom right in the file (EXIF 2.3, section 4.6.4).
	stored := map[uint16]string{1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG", 5: "RBGW", 6: "GWRB", 7: "WGBR", 8: "BRWG"}
	for orientation, corners := range stored {
		for _, order := range []string{"II", "MM"} {
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
			path := filepath.Join(t.TempDir(), "p.jpg")
			write(t, path, exif(t, picture, order, orientation))
			got, err := open(path)
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

func FuzzOrientation(f *testing.F) {
	picture := image.NewGray(image.Rect(0, 0, 1, 1))
	f.Add(exif(f, picture, "II", 6))
	f.Add(exif(f, picture, "MM", 3)[:40])
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

// Files of testdata/formats.py: whatever the format keeps, the same four colours come out.
func TestFormats(t *testing.T) {
	found, err := filepath.Glob("testdata/format-*")
	if err != nil || len(found) != 11 {
		t.Fatalf("%d files, want 11 (%v)", len(found), err)
	}
	want := [][3]uint8{{200, 60, 30}, {20, 160, 80}, {40, 50, 210}, {255, 255, 255}}
	for _, path := range found {
		picture, err := open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		e := tiny(t, t.TempDir(), 1)
		pixels := make([]uint8, 224*224*3)
		e.Prepare(picture, pixels)
		for n, w := range want {
			at := 3 * ((56+n/2*112)*224 + 56 + n%2*112)
			got := [3]uint8(pixels[at : at+3])
			distance := off(uint32(got[0]), w[0]) + off(uint32(got[1]), w[1]) + off(uint32(got[2]), w[2])
			if slices.Contains([]string{"testdata/format-gray.png", "testdata/format-gray.jpg"}, path) {
				light := uint8(0.299*float64(w[0]) + 0.587*float64(w[1]) + 0.114*float64(w[2]) + 0.5)
				distance = off(uint32(got[0]), light) + off(uint32(got[1]), light) + off(uint32(got[2]), light)
			}
			if distance > 12 {
				t.Errorf("%s, quarter %d: %v, want %v", path, n, got, w)
			}
		}
	}
}

// A hash is computed anew when size or time of a file changes, and only then.
func TestHashFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, []byte("abc"))
	first, err := hashFile(path, remembered{})
	if err != nil {
		t.Fatal(err)
	}
	lie := first
	lie.SHA256 = bytes.Repeat([]byte{7}, 32)
	if got, err := hashFile(path, lie); err != nil || !bytes.Equal(got.SHA256, lie.SHA256) {
		t.Errorf("read again: %v", err)
	}
	lie.Time--
	if got, err := hashFile(path, lie); err != nil || !bytes.Equal(got.SHA256, first.SHA256) {
		t.Errorf("a file of another time was not read again: %v", err)
	}
	at := time.Unix(0, first.Time)
	write(t, path, []byte("abcd"))
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	if got, err := hashFile(path, first); err != nil || bytes.Equal(got.SHA256, first.SHA256) {
		t.Errorf("a file of another size was not read again: %v", err)
	}
}
