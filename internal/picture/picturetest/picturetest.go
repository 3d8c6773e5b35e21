// Package picturetest makes picture files for tests, whole ones and broken ones.
package picturetest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
)

// Scene is a picture of soft colours that depends on the seed alone: like photographs, two seeds differ at a glance
// and in every perceptual hash.
func Scene(seed uint64, width, height int) *image.RGBA {
	random := rand.New(rand.NewPCG(seed, 1))
	type wave struct{ x, y, phase, height float64 }
	var waves [3][6]wave // by channel
	for c := range waves {
		for n := range waves[c] {
			waves[c][n] = wave{random.Float64() * 4, random.Float64() * 4, random.Float64() * 2 * math.Pi, 15 + random.Float64()*25}
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var v [3]uint8
			for c := range v {
				sum := 128.0
				for _, w := range waves[c] {
					sum += w.height * math.Cos(math.Pi*(w.x*float64(x)/float64(width)+w.y*float64(y)/float64(height))+w.phase)
				}
				v[c] = uint8(min(max(sum, 0), 255))
			}
			img.SetRGBA(x, y, color.RGBA{v[0], v[1], v[2], 255})
		}
	}
	return img
}

// T is what a test gives: a testing.TB is one.
type T interface {
	Helper()
	Fatal(args ...any)
}

// JPEG is the picture as a JPEG file.
func JPEG(t T, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// PNG is the picture as a PNG file.
func PNG(t T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Oriented puts an EXIF segment with an orientation behind a JPEG's first marker, in one of the byte orders. Another
// tag stands before it, as in real files.
func Oriented(data []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("II")
	if order.String() == "BigEndian" {
		tiff = []byte("MM")
	}
	const short = 3
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8) // the directory's offset
	tiff = order.AppendUint16(tiff, 2) // entries
	for _, entry := range [][2]uint16{{0x0100, 0}, {0x0112, orientation}} {
		tiff = order.AppendUint16(tiff, entry[0])
		tiff = order.AppendUint16(tiff, short)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, entry[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	tiff = order.AppendUint32(tiff, 0) // no next directory
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), data[2:]...)
}

// Bomb is a valid PNG of some 300 kB that shows black, 50,000×50,000 pixels of it: 2.5 GB as an image.Gray.
func Bomb(t T) []byte {
	t.Helper()
	const side = 50_000
	rows := make([]byte, 100*(1+(side+7)/8)) // a filter byte and one bit a pixel
	var pixels bytes.Buffer
	w := zlib.NewWriter(&pixels)
	flushed := func() []byte {
		from := pixels.Len()
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return pixels.Bytes()[from:]
	}
	flushed()
	again := bytes.Clone(flushed()) // from the second on, the same zeros give the same bytes
	for range side/100 - 2 {
		pixels.Write(again)
	}
	total := len(rows) * (side / 100)
	pixels.Write([]byte{1, 0, 0, 0xff, 0xff})                                           // an empty last block
	pixels.Write(binary.BigEndian.AppendUint32(nil, uint32(total%65521)<<16|uint32(1))) // Adler-32 of zeros

	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		from := len(out)
		out = append(append(out, kind...), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	chunk("IHDR", append(head, 1, 0, 0, 0, 0))
	chunk("IDAT", pixels.Bytes())
	chunk("IEND", nil)
	return out
}
