package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that data sets hold
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

var errNoPixels = errors.New("the picture has no pixels")

// Header is what a picture file says of itself before its pixels.
type Header struct {
	Format        string // jpeg, png, gif, bmp, tiff, webp
	Width, Height int    // as stored
	Orientation   int    // EXIF, 1 to 8, of a JPEG; 1, upright, where there is none, and in other formats
	CMYK          bool
	Palette       bool
	Deep          bool // 16 bits a channel
}

// Inspect reads a picture file's header and refuses, without decoding, what Decode could not or should not decode.
func Inspect(data []byte) (h Header, err error) {
	if len(data) == 0 {
		return h, ErrEmpty
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder failed on its header: %v", r)
		}
	}()
	from := newSource(data)
	config, format, err := image.DecodeConfig(from)
	if err != nil {
		return h, from.explain(err, data)
	}
	h = Header{Format: format, Width: config.Width, Height: config.Height, Orientation: orientation(data)}
	h.CMYK = config.ColorModel == color.CMYKModel
	_, h.Palette = config.ColorModel.(color.Palette)
	switch config.ColorModel {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		h.Deep = true
	}
	if err := checkSize(h.Width, h.Height); err != nil {
		return h, err
	}
	if format == "webp" {
		return h, checkFrame(data)
	}
	return h, nil
}

func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return errNoPixels
	case width > MaxPixels/height:
		return fmt.Errorf("%w: %d×%d pixels, at most %d million are decoded", ErrTooLarge, width, height, MaxPixels/1_000_000)
	case max(width, height) > maxSide:
		return fmt.Errorf("%w: %d×%d pixels, at most %d along a side are decoded", ErrTooLarge, width, height, maxSide)
	}
	return nil
}

// source is a file's bytes, and whether a decoder asked for more than there are.
type source struct {
	data      *bytes.Reader
	exhausted bool
}

func newSource(data []byte) *source { return &source{data: bytes.NewReader(data)} }

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.data.Read(p)
	s.exhausted = s.exhausted || errors.Is(err, io.EOF)
	return n, err
}

// explain says in a user's words why a decoder gave up. Each has other words for a file that ends too early.
func (s *source) explain(err error, data []byte) error {
	switch {
	case errors.Is(err, image.ErrFormat):
		return unknown(data)
	case s.exhausted:
		return fmt.Errorf("%w: it ends after %d bytes", ErrTruncated, len(data))
	}
	return err
}

// unknown names formats that people have and that are not read; of anything else it shows the beginning, for that
// is often a web page's.
func unknown(data []byte) error {
	if len(data) >= 12 && string(data[4:8]) == "ftyp" {
		switch brand := string(data[8:12]); brand {
		case "heic", "heix", "mif1", "msf1", "avif", "avis":
			return fmt.Errorf("%w: it is HEIC or AVIF; convert it to JPEG", ErrUnknown)
		}
	}
	return fmt.Errorf("%w: it begins with %q", ErrUnknown, data[:min(len(data), 16)])
}
