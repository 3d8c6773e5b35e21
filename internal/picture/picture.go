// Package picture opens picture files safely and upright: JPEG, PNG, GIF (its first picture), BMP, TIFF and WebP.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"os"
)

// MaxPixels is the largest picture that is decoded: the limit beyond which PIL refuses one too, as a
// "decompression bomb". A photograph of 108 megapixels passes.
const MaxPixels = 178_956_970

// maxSide is the longest side of a picture that is decoded, which is JPEG's limit. In other formats a column of MaxPixels is
// a small file, and to resize it, a whole row is held for each of its pixels.
const maxSide = 65_535

// maxBytes is the largest file that is read: MaxPixels of 16 bits and four channels, uncompressed, and a header.
const maxBytes = 8*MaxPixels + 1<<20

// What a file that is no whole picture may be; errors wrap one of these, or say what the decoder found.
var (
	ErrEmpty     = errors.New("the file is empty")
	ErrTruncated = errors.New("the picture is cut off")
	ErrTooLarge  = errors.New("the picture is too large")
	ErrUnknown   = errors.New("not a picture in a format that is read (JPEG, PNG, GIF, BMP, TIFF, WebP)")
)

// Open decodes a picture file and turns it upright. The error begins with the path.
func Open(path string) (image.Image, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	stored, header, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Upright(stored, header.Orientation), nil
}

// Regular describes a file that may be a picture. A folder, a pipe or a device is refused unopened, and so is a file that
// is larger than any picture may be. The error begins with the path.
func Regular(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, bare(path, err)
	case info.IsDir():
		return nil, fmt.Errorf("%s: a folder, not a picture", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case info.Size() > maxBytes:
		return nil, fmt.Errorf("%s: %w: %d bytes, at most %d are read", path, ErrTooLarge, info.Size(), int64(maxBytes))
	}
	return info, nil
}

// Read returns the bytes of a file that Regular lets through. The error begins with the path.
func Read(path string) ([]byte, error) {
	info, err := Regular(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, bare(path, err)
	}
	defer file.Close()
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(file, maxBytes)); err != nil {
		return nil, bare(path, err)
	}
	return data.Bytes(), nil
}

// bare puts the path before an error once: "open x.jpg: no such file" is "x.jpg: no such file".
func bare(path string, err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Decode decodes a picture file's bytes to the picture as it is stored; Upright turns it. What the header promises
// is checked first, so that a small file can't ask for a large memory.
func Decode(data []byte) (stored image.Image, header Header, err error) {
	if header, err = Inspect(data); err != nil {
		return nil, header, err
	}
	defer func() {
		if r := recover(); r != nil { // a decoder's fault must not end a run of hours
			stored, err = nil, fmt.Errorf("the %s decoder failed on it: %v", header.Format, r)
		}
	}()
	from := newSource(data)
	stored, _, err = image.Decode(from)
	if err != nil && from.exhausted && isEndless(data) {
		stored, err = decodeEndless(data)
	}
	if err != nil {
		return nil, header, from.explain(err, data)
	}
	if stored.Bounds().Empty() {
		return nil, header, errNoPixels
	}
	switch header.Format {
	case "webp":
		stored = limited(stored)
	case "gif":
		stored = onCanvas(stored, image.Rect(0, 0, header.Width, header.Height))
	}
	return stored, header, nil
}

// onCanvas puts a GIF's first frame, which may be smaller, at its place in the picture. What it leaves free is transparent.
func onCanvas(frame image.Image, canvas image.Rectangle) image.Image {
	if frame.Bounds() == canvas {
		return frame
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return whole
}
