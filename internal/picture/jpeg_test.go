package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

// A JPEG file without the marker at its end is whole. One that lacks more is cut off, unless that was no pixels': between
// the scans of a progressive file, too, and with zeros in the place of what it lacks.
func TestEndless(t *testing.T) {
	files := map[string][]byte{
		"4:2:0":  picturetest.JPEG(t, picturetest.Scene(1, 50, 40), 90),
		"turned": picturetest.Oriented(picturetest.JPEG(t, picturetest.Scene(2, 40, 50), 60), binary.LittleEndian, 6),
	}
	for _, name := range []string{"rgb.jpg", "gray.jpg", "cmyk.jpg", "progressive.jpg"} {
		data, err := os.ReadFile("testdata/format-" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	for name, data := range files {
		want, _, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range len(data) {
			got, _, err := Decode(data[:n])
			if n >= len(data)-2 && err != nil || n < len(data)-5 && err == nil || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %d of %d bytes: error %v, or other pixels", name, n, len(data), err)
			}
			if n < 700 { // for time: whatever stands before the pixels
				continue
			}
			if _, _, err := Decode(slices.Concat(data[:n-3], make([]byte, 4096))); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s, zeros for the last %d bytes: error %v, want it cut off", name, len(data)-n, err)
			}
		}
	}
}

// EXIF is found behind fill bytes, which may stand before any marker.
func TestFillBytes(t *testing.T) {
	upright := picturetest.JPEG(t, picturetest.Scene(1, 8, 8), 50)
	for _, fill := range []int{0, 1, 5} {
		turned := picturetest.Oriented(upright, binary.BigEndian, 6)
		data := slices.Concat(turned[:2], bytes.Repeat([]byte{0xFF}, fill), turned[2:])
		if _, header, err := Decode(data); err != nil || header.Orientation != 6 {
			t.Errorf("%d fill bytes: orientation %d (error %v), want 6", fill, header.Orientation, err)
		}
	}
}
