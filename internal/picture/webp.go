package picture

import (
	"errors"
	"io"

	"golang.org/x/image/riff"
	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// checkFrame holds the picture inside a WebP file to the limit too: in the extended format its size stands apart
// from the canvas', which image.DecodeConfig returns, and decides what the decoder allocates.
func checkFrame(data []byte) error {
	from := newSource(data)
	_, chunks, err := riff.NewReader(from)
	if err != nil {
		return from.explain(err, data)
	}
	for {
		id, length, chunk, err := chunks.Next()
		if errors.Is(err, io.EOF) {
			return nil // no picture in it: the decoder says so
		}
		if err != nil {
			return from.explain(err, data)
		}
		switch string(id[:]) {
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
