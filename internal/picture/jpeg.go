package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"iter"
	"strings"
)

const startOfScan = 0xDA

// segments are a JPEG file's markers with what follows each of them; for a scan that is its header, without the pixels. They end
// where the file is cut or damaged, and a file of another format has none.
func segments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		if len(data) < 4 || data[0] != 0xFF || data[1] != 0xD8 {
			return
		}
		for at := 2; at+4 <= len(data) && data[at] == 0xFF; {
			marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
			if marker == 0xFF { // a marker may follow any number of fill bytes (ITU-T T.81, B.1.1.2)
				at++
				continue
			}
			if length < 2 || at+2+length > len(data) || !yield(marker, data[at+4:at+2+length]) {
				return
			}
			at += 2 + length
			for marker == startOfScan && at+2 <= len(data) && (data[at] != 0xFF || isPixels(data[at+1])) {
				at++
			}
		}
	}
}

// isPixels is whether this behind 0xFF is no marker that ends a scan: 0xFF itself, as pixels have it, or a restart.
func isPixels(next byte) bool { return next == 0 || next >= 0xD0 && next <= 0xD7 }

// decodeEndless decodes a JPEG file that lacks nothing but the marker at its end.
func decodeEndless(data []byte) (image.Image, error) {
	stored, _, err := image.Decode(io.MultiReader(bytes.NewReader(data), strings.NewReader("\xFF\xD9")))
	return stored, err
}

// isEndless is whether a file that ends too early may be such a JPEG file. Its scans must begin all: those of each component give
// each coefficient to its lowest bit (ITU-T T.81, B.2.3), as a decoder that meets an end doesn't ask. And it must not end with
// zeros, which pass for pixels: an interrupted download may have them in the place of what it lacks.
func isEndless(data []byte) bool {
	components, exact := 0, map[[2]int]bool{} // by component and coefficient
	for marker, body := range segments(data) {
		switch marker {
		case 0xC0, 0xC1, 0xC2: // a frame; other kinds are not decoded
			if len(body) < 6 {
				return false
			}
			components = int(body[5])
		case startOfScan:
			if len(body) == 0 || len(body) != 4+2*int(body[0]) {
				return false
			}
			band := body[len(body)-3:] // first and last coefficient, and the bits before and after this scan
			for c := range int(body[0]) {
				for k := int(band[0]); k <= int(band[1]) && band[2]&15 == 0; k++ {
					exact[[2]int{int(body[1+2*c]), k}] = true
				}
			}
		}
	}
	return components > 0 && len(exact) == 64*components && (data[len(data)-1] != 0 || data[len(data)-2] == 0xFF)
}
