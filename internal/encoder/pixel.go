package encoder

import (
	"image"
	"image/color"

	"github.com/captionlab/captionlab/internal/picture"
)

// rgb is a picture's colours as bytes, at coordinates from 0, as PIL's convert("RGB") gives them, except that
// transparent parts become white where PIL shows what lies hidden there.
type rgb func(x, y int) (r, g, b uint8)

func pixelsOf(img image.Image) rgb {
	at := img.Bounds().Min
	switch p := img.(type) {
	case *image.YCbCr:
		return fullColour(p, toRGB)
	case *picture.Limited:
		colour := fullColour(p.Planes, picture.LimitedRGB)
		if p.Opaque() {
			return colour
		}
		return func(x, y int) (r, g, b uint8) {
			r, g, b = colour(x, y)
			return onWhite(color.NRGBA{r, g, b, p.AlphaAt(at.X+x, at.Y+y)})
		}
	case *picture.Turned:
		stored := pixelsOf(p.Stored)
		return func(x, y int) (r, g, b uint8) { return stored(p.Source(x, y)) }
	case *image.Gray:
		return func(x, y int) (r, g, b uint8) {
			v := p.GrayAt(at.X+x, at.Y+y).Y
			return v, v, v
		}
	case *image.RGBA: // premultiplied by alpha
		return func(x, y int) (r, g, b uint8) {
			c := p.RGBAAt(at.X+x, at.Y+y)
			return c.R + (255 - c.A), c.G + (255 - c.A), c.B + (255 - c.A)
		}
	case *image.NRGBA:
		return func(x, y int) (r, g, b uint8) { return onWhite(p.NRGBAAt(at.X+x, at.Y+y)) }
	case *image.Paletted:
		colours := make([]color.NRGBA, 256) // an index past the palette is transparent
		for n, c := range p.Palette {
			colours[n] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		return func(x, y int) (r, g, b uint8) { return onWhite(colours[p.ColorIndexAt(at.X+x, at.Y+y)]) }
	}
	return func(x, y int) (r, g, b uint8) {
		return onWhite(color.NRGBAModel.Convert(img.At(at.X+x, at.Y+y)).(color.NRGBA))
	}
}

func onWhite(c color.NRGBA) (r, g, b uint8) {
	if c.A == 255 {
		return c.R, c.G, c.B
	}
	over := func(v uint8) uint8 { return uint8((int(v)*int(c.A) + 255*(255-int(c.A)) + 127) / 255) }
	return over(c.R), over(c.G), over(c.B)
}

// fullColour is libjpeg's way from a JPEG's planes to colours, which PIL and Keras use: colour planes of half
// the size are interpolated ("fancy upsampling", jdsample.c), where Go's image package repeats their pixels. libwebp does so,
// too, and rounds a little differently: its own test pictures differ by at most 3 of 255.
func fullColour(p *image.YCbCr, toRGB func(y, cb, cr int) (r, g, b uint8)) rgb {
	min := p.Bounds().Min
	width, height := p.Bounds().Dx(), p.Bounds().Dy()
	halfX, halfY := false, false
	switch p.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
	case image.YCbCrSubsampleRatio422:
		halfX = true
	case image.YCbCrSubsampleRatio420:
		halfX, halfY = true, true
	case image.YCbCrSubsampleRatio440:
		halfY = true
	default: // 4:1:1 and 4:1:0 are repeated by libjpeg too
		return repeatedColour(p, toRGB)
	}
	if min != (image.Point{}) { // a cut-out may begin in the middle of a colour pixel
		return repeatedColour(p, toRGB)
	}
	lastX, lastY := width-1, height-1
	if halfX {
		lastX = (width+1)/2 - 1
	}
	if halfY {
		lastY = (height+1)/2 - 1
	}
	return func(x, y int) (r, g, b uint8) {
		nearX, farX, nearY, farY := x, x, y, y
		if halfX {
			nearX = x / 2
			farX = clamp(nearX-1+x%2*2, lastX)
		}
		if halfY {
			nearY = y / 2
			farY = clamp(nearY-1+y%2*2, lastY)
		}
		near, far := nearY*p.CStride, farY*p.CStride
		blend := func(plane []uint8) int {
			switch {
			case halfX && halfY:
				this := 3*int(plane[near+nearX]) + int(plane[far+nearX])
				other := 3*int(plane[near+farX]) + int(plane[far+farX])
				return (3*this + other + 8 - x%2) >> 4
			case halfX && nearX == farX: // the first and the last column stay as they are
				return int(plane[near+nearX])
			case halfX:
				return (3*int(plane[near+nearX]) + int(plane[near+farX]) + 1 + x%2) >> 2
			case halfY:
				return (3*int(plane[near+nearX]) + int(plane[far+nearX]) + 1 + y%2) >> 2
			}
			return int(plane[near+nearX])
		}
		return toRGB(int(p.Y[y*p.YStride+x]), blend(p.Cb), blend(p.Cr))
	}
}

func repeatedColour(p *image.YCbCr, toRGB func(y, cb, cr int) (r, g, b uint8)) rgb {
	at := p.Bounds().Min
	return func(x, y int) (r, g, b uint8) {
		c := p.YCbCrAt(at.X+x, at.Y+y)
		return toRGB(int(c.Y), int(c.Cb), int(c.Cr))
	}
}

// toRGB is libjpeg's fixed-point conversion (jdcolor.c), factors in 1/65536.
func toRGB(y, cb, cr int) (r, g, b uint8) {
	const half = 1 << 15
	cb, cr = cb-128, cr-128
	return clip(y + (91881*cr+half)>>16), clip(y + (-22554*cb-46802*cr+half)>>16), clip(y + (116130*cb+half)>>16)
}

func clip(v int) uint8 { return uint8(clamp(v, 255)) }

func clamp(v, last int) int { return max(0, min(v, last)) }
