package features

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/picture"
)

func off(got uint32, want uint8) int { return int(math.Abs(float64(got) - float64(want))) }

// Files of package picture's testdata/formats.py: whatever the format keeps, the same four colours reach the encoder.
func TestFormats(t *testing.T) {
	found, err := filepath.Glob("../picture/testdata/format-*")
	if err != nil || len(found) != 13 {
		t.Fatalf("%d files, want 13 (%v)", len(found), err)
	}
	want := [][3]uint8{{200, 60, 30}, {20, 160, 80}, {40, 50, 210}, {255, 255, 255}}
	for _, path := range found {
		img, err := picture.Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		e := tiny(t, t.TempDir(), 1)
		pixels := make([]uint8, 224*224*3)
		e.Prepare(img, pixels)
		for n, w := range want {
			at := 3 * ((56+n/2*112)*224 + 56 + n%2*112)
			got := [3]uint8(pixels[at : at+3])
			distance := off(uint32(got[0]), w[0]) + off(uint32(got[1]), w[1]) + off(uint32(got[2]), w[2])
			if slices.Contains([]string{"../picture/testdata/format-gray.png", "../picture/testdata/format-gray.jpg"}, path) {
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
