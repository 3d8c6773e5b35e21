package encoder

import (
	"image"
	"math"
)

// resize writes the picture, squashed to height×width, as RGB bytes [height, width, 3]. Each way gives PIL's bytes:
// nearest is Keras' load_img default; bilinear and bicubic average over the source when they shrink a picture.
func resize(picture image.Image, dst []uint8, height, width int, how string) {
	bounds := picture.Bounds()
	at := pixelsOf(picture)
	switch how {
	case "bilinear":
		resample(at, bounds.Dx(), bounds.Dy(), dst, width, height, 1, triangle)
	case "bicubic":
		resample(at, bounds.Dx(), bounds.Dy(), dst, width, height, 2, cubic)
	default:
		columns, rows := nearest(bounds.Dx(), width), nearest(bounds.Dy(), height)
		for y, fromY := range rows {
			for x, fromX := range columns {
				n := 3 * (y*width + x)
				dst[n], dst[n+1], dst[n+2] = at(fromX, fromY)
			}
		}
	}
}

// nearest gives each target pixel's source pixel. Positions are summed up as PIL's ImagingScaleAffine does, so that
// ties fall to the same side.
func nearest(from, to int) []int {
	step := float64(from) / float64(to)
	position := step * 0.5
	out := make([]int, to)
	for n := range out {
		out[n] = min(int(position), from-1)
		position += step
	}
	return out
}

func triangle(x float64) float64 { return math.Max(0, 1-math.Abs(x)) }

// cubic is Keys' kernel with a = -0.5.
func cubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// window is the source pixels of one target pixel: the first one, and their weights in 1/2^precision.
type window struct {
	first   int
	weights []int
}

const precision = 32 - 8 - 2 // bits, as in PIL's Resample.c

// windows are the weights along one axis (precompute_coeffs and normalize_coeffs_8bpc in PIL's Resample.c).
func windows(from, to int, support float64, kernel func(float64) float64) []window {
	scale := float64(from) / float64(to)
	stretch := math.Max(scale, 1) // a shrunk picture's kernel spans all it averages over
	support *= stretch
	out := make([]window, to)
	for n := range out {
		center := (float64(n) + 0.5) * scale
		first := max(0, int(center-support+0.5))
		weights := make([]float64, min(from, int(center+support+0.5))-first)
		sum := 0.0
		for i := range weights {
			weights[i] = kernel((float64(i+first) - center + 0.5) * (1 / stretch))
			sum += weights[i]
		}
		out[n] = window{first, make([]int, len(weights))}
		for i, w := range weights {
			if sum != 0 {
				w /= sum
			}
			out[n].weights[i] = int(math.Round(w * (1 << precision))) // half away from zero, as PIL's cast
		}
	}
	return out
}

// resample averages along rows, rounds to bytes, then averages along columns, as PIL does (from Pillow 13 on, tall
// pictures the other way round, which moves some bytes by one).
func resample(at rgb, fromWidth, fromHeight int, dst []uint8, width, height int, support float64, kernel func(float64) float64) {
	line := make([]uint8, 3*fromWidth)
	narrow := make([]uint8, 3*width*fromHeight)
	columns := windows(fromWidth, width, support, kernel)
	for y := range fromHeight {
		for x := range fromWidth {
			line[3*x], line[3*x+1], line[3*x+2] = at(x, y)
		}
		row := narrow[3*width*y : 3*width*(y+1)]
		if fromWidth == width {
			copy(row, line)
			continue
		}
		for x, w := range columns {
			for c := range 3 {
				row[3*x+c] = w.sum(line, 3*w.first+c, 3)
			}
		}
	}
	if fromHeight == height {
		copy(dst, narrow)
		return
	}
	for y, w := range windows(fromHeight, height, support, kernel) {
		for n := range 3 * width {
			dst[3*width*y+n] = w.sum(narrow, 3*width*w.first+n, 3*width)
		}
	}
}

// sum is the weighted mean of every step-th byte from one on.
func (w window) sum(bytes []uint8, from, step int) uint8 {
	sum := 1 << (precision - 1)
	for _, weight := range w.weights {
		sum += weight * int(bytes[from])
		from += step
	}
	return clip(sum >> precision)
}
