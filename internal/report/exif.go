package report

import (
	"bytes"
	"encoding/binary"
	"image"
)

// exifOrientation finds the orientation tag (0x0112, values 1 to 8) of a JPEG; 1 where there is none. A thumbnail
// carries no EXIF of its own, so it must be turned upright.
func exifOrientation(jpeg []byte) int {
	const upright = 1
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xff && jpeg[at+1] != 0xda; {
		size := int(binary.BigEndian.Uint16(jpeg[at+2:]))
		segment := jpeg[at+4 : min(len(jpeg), max(at+4, at+2+size))]
		if jpeg[at+1] == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		at += 2 + size
	}
	return upright
}

func tiffOrientation(tiff []byte) int {
	const upright = 1
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	offset := int64(order.Uint32(tiff[4:]))
	if offset+2 > int64(len(tiff)) {
		return upright
	}
	directory := tiff[offset:]
	for n := range int(order.Uint16(directory)) {
		entry := 2 + 12*n
		if entry+12 > len(directory) {
			break
		}
		if order.Uint16(directory[entry:]) == 0x0112 {
			if v := int(order.Uint16(directory[entry+8:])); v >= 1 && v <= 8 {
				return v
			}
		}
	}
	return upright
}

// orient turns and mirrors a picture as the orientation tag says.
func orient(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			dst.SetRGBA(tx, ty, src.RGBAAt(x, y))
		}
	}
	return dst
}
