package report

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

func TestThumbnailSize(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{500, 375, 224, 168}, {375, 500, 168, 224}, {100, 60, 100, 60}, {4000, 3, 224, 1},
	} {
		path := filepath.Join(t.TempDir(), "x.jpg")
		writePicture(t, path, c.w, c.h, 0)
		data, err := Thumbnail(path)
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

// A thumbnail carries no EXIF of its own, so it is upright itself.
func TestThumbnailIsUpright(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jpg")
	writePicture(t, path, 40, 20, 0)
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		turned := picturetest.Oriented(plain, order, 6)
		if err := os.WriteFile(path, turned, 0o644); err != nil {
			t.Fatal(err)
		}
		data, err := Thumbnail(path)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := jpeg.DecodeConfig(bytes.NewReader(data)); c.Width != 20 || c.Height != 40 {
			t.Errorf("%v: the thumbnail is %d×%d, want it upright, 20×40", order, c.Width, c.Height)
		}
	}
}
