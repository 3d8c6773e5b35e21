package picture

import (
	"errors"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/riff"
	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

var errAnimated = errors.New("an animated WebP, of which no picture is read: convert it to GIF or PNG")

// checkFrame holds the picture inside a WebP file to the limit too: in the extended format its size stands apart
// from the canvas', which image.DecodeConfig returns, and decides what the decoder allocates.
func checkFrame(data []byte) error {
	from := newSource(data)
	_, chunks, err := riff.NewReader(from)
	if err != nil {
		return from.explain(err, data)
	}
	animated := false
	for {
		id, length, chunk, err := chunks.Next()
		if errors.Is(err, io.EOF) {
			if animated {
				return errAnimated
			}
			return nil // no picture in it: the decoder says so
		}
		if err != nil {
			return from.explain(err, data)
		}
		switch string(id[:]) {
		case "VP8X":
			var flags [1]byte
			if _, err := io.ReadFull(chunk, flags[:]); err != nil {
				return from.explain(err, data)
			}
			animated = flags[0]&2 != 0
		case "VP8 ":
			d := vp8.NewDecoder()
			d.Init(chunk, int(min(length, uint32(len(data)))))
			frame, err := d.DecodeFrameHeader()
			if err != nil {
				return from.explain(err, data)
			}
			return checkSize(frame.Width, frame.Height)
		case "VP8L":
			frame, err := vp8l.DecodeConfig(chunk)
			if err != nil {
				return from.explain(err, data)
			}
			return checkSize(frame.Width, frame.Height)
		}
	}
}

// Limited is a lossy WebP picture: its planes are of limited range (BT.601: luma 16 to 235), where image.YCbCr, as which
// golang.org/x/image decodes them, means JPEG's full range.
type Limited struct {
	Planes *image.YCbCr
	Alpha  *image.NYCbCrA // nil where nothing is transparent
}

// limited gives a WebP decoder's planes their range.
func limited(decoded image.Image) image.Image {
	switch p := decoded.(type) {
	case *image.YCbCr:
		return &Limited{Planes: p}
	case *image.NYCbCrA:
		return &Limited{&p.YCbCr, p}
	}
	return decoded // lossless
}

// ColorModel implements image.Image.
func (p *Limited) ColorModel() color.Model { return color.NRGBAModel }

// Bounds implements image.Image.
func (p *Limited) Bounds() image.Rectangle { return p.Planes.Bounds() }

// At implements image.Image.
func (p *Limited) At(x, y int) color.Color {
	c := p.Planes.YCbCrAt(x, y)
	r, g, b := LimitedRGB(int(c.Y), int(c.Cb), int(c.Cr))
	return color.NRGBA{r, g, b, p.AlphaAt(x, y)}
}

// Opaque tells whether nothing is transparent.
func (p *Limited) Opaque() bool { return p.Alpha == nil || p.Alpha.Opaque() }

// AlphaAt is how opaque a pixel is.
func (p *Limited) AlphaAt(x, y int) uint8 {
	if p.Alpha == nil {
		return 255
	}
	return p.Alpha.NYCbCrAAt(x, y).A
}

// LimitedRGB is libwebp's fixed-point conversion (src/dsp/yuv.h), with which PIL and browsers show WebP.
func LimitedRGB(y, cb, cr int) (r, g, b uint8) {
	luma := y * 19077 >> 8
	clip := func(v int) uint8 { return uint8(max(0, min(v>>6, 255))) }
	return clip(luma + cr*26149>>8 - 14234), clip(luma - cb*6419>>8 - cr*13320>>8 + 8708), clip(luma + cb*33050>>8 - 17685)
}
