package dataset

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// paint draws a scene. What captions don't speak of (shades, angles, stickers, vignettes, film grain) is drawn
// from r.
func (s scene) paint(r *rand.Rand, glyphs []glyph, side int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	s.background(r, img)
	sticker := r.IntN(3) == 0
	for _, t := range s.byLayer() {
		g, size := glyphs[t.subject], float64(side)
		stamp(img, draw.ApproxBiLinear, g.shadow, (t.X+0.012)*size, (t.Y+0.022)*size, t.Size*size, t.Rotation)
		if sticker {
			stamp(img, draw.ApproxBiLinear, g.sticker, t.X*size, t.Y*size, t.Size*size, t.Rotation)
		}
		stamp(img, draw.BiLinear, g.picture, t.X*size, t.Y*size, t.Size*size, t.Rotation)
	}
	finish(r, img)
	return img
}

func (s scene) byLayer() []thing {
	return slices.SortedFunc(slices.Values(s.Emoji), func(a, b thing) int { return a.Layer - b.Layer })
}

// stamp draws a glyph with its centre at x, y, size pixels wide, turned by degrees. The approximate interpolator is
// several times faster and good enough for what has no detail.
func stamp(img *image.RGBA, by draw.Transformer, g *image.RGBA, x, y, size, degrees float64) {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	sin, cos = sin*size/glyphInside, cos*size/glyphInside
	const half = glyphSide / 2
	m := f64.Aff3{cos, -sin, x - half*(cos-sin), sin, cos, y - half*(sin+cos)}
	by.Transform(img, m, g, g.Bounds(), draw.Over, nil)
}

// background fills img with the scene's pattern in two shades of its colour.
func (s scene) background(r *rand.Rand, img *image.RGBA) {
	c := colors[s.colorAt]
	hue := c.hue + c.jitter*(2*r.Float64()-1)
	light := c.lightness + 0.03*(2*r.Float64()-1)
	contrast := 0.10 + 0.05*r.Float64()
	if light > 0.9 { // white has no lighter shade
		light, contrast = light+0.04, 0.08
	}
	one, two := hsl(hue, c.saturation, light-contrast/2), hsl(hue, c.saturation, light+contrast/2)
	if r.IntN(2) == 0 {
		one, two = two, one
	}
	mix := shader(r, patterns[s.patternAt].name)
	side := img.Bounds().Dx()
	for y := range side {
		for x := range side {
			t := mix((float64(x)+0.5)/float64(side), (float64(y)+0.5)/float64(side))
			at := img.PixOffset(x, y)
			for k := range 3 {
				img.Pix[at+k] = uint8(one[k] + (two[k]-one[k])*t + 0.5)
			}
			img.Pix[at+3] = 255
		}
	}
}

// shader returns how much of the second shade a pattern has at x, y in [0, 1).
func shader(r *rand.Rand, pattern string) func(x, y float64) float64 {
	sin, cos := math.Sincos(r.Float64() * 2 * math.Pi)
	count := 4 + 4*r.Float64() // stripes, checks or dots along a side
	soft := count / 224        // blends an edge over about a pixel
	edge := func(t float64) float64 { return min(1, max(0, 0.5+t/soft)) }
	switch pattern {
	case "gradient":
		return func(x, y float64) float64 { return min(1, max(0, 1.5*(cos*(x-0.5)+sin*(y-0.5))+0.5)) }
	case "stripes":
		return func(x, y float64) float64 { return edge(0.25 - math.Abs(part((cos*x+sin*y)*count)-0.5)) }
	case "checks":
		return func(x, y float64) float64 {
			u, v := (cos*x+sin*y)*count, (cos*y-sin*x)*count
			a, b := edge(0.25-math.Abs(part(u)-0.5)), edge(0.25-math.Abs(part(v)-0.5))
			return a + b - 2*a*b
		}
	case "dots":
		return func(x, y float64) float64 {
			u, v := part((cos*x+sin*y)*count)-0.5, part((cos*y-sin*x)*count)-0.5
			return edge(0.3 - math.Hypot(u, v))
		}
	case "clouds":
		return clouds(r)
	}
	return func(float64, float64) float64 { return 0.5 }
}

func part(x float64) float64 { return x - math.Floor(x) }

// clouds is smooth noise: random values on two grids, blended.
func clouds(r *rand.Rand) func(x, y float64) float64 {
	const cells = 12
	var grid [cells + 1][cells + 1]float64
	for y := range grid {
		for x := range grid[y] {
			grid[y][x] = r.Float64()
		}
	}
	smooth := func(t float64) float64 { return t * t * (3 - 2*t) }
	noise := func(x, y float64) float64 {
		i, j := int(x), int(y)
		u, v := smooth(x-float64(i)), smooth(y-float64(j))
		top := grid[j][i] + (grid[j][i+1]-grid[j][i])*u
		return top + (grid[j+1][i]+(grid[j+1][i+1]-grid[j+1][i])*u-top)*v
	}
	return func(x, y float64) float64 {
		t := 0.7*noise(x*cells/3, y*cells/3) + 0.3*noise(y*cells, x*cells)
		return smooth(min(1, max(0, 2.4*t-0.7)))
	}
}

// finish darkens the corners of some pictures and adds film grain to some, as filters of photo apps do.
func finish(r *rand.Rand, img *image.RGBA) {
	vignette, grain := 0.0, 0
	if r.IntN(3) == 0 {
		vignette = 0.15 + 0.2*r.Float64()
	}
	if r.IntN(3) == 0 {
		grain = 4 + r.IntN(10)
	}
	if vignette == 0 && grain == 0 {
		return
	}
	side := img.Bounds().Dx()
	for y := range side {
		for x := range side {
			u, v := float64(2*x-side)/float64(side), float64(2*y-side)/float64(side)
			shade, add := 1-vignette*(u*u+v*v)*(u*u+v*v)/4, 0
			if grain > 0 {
				add = r.IntN(2*grain+1) - grain
			}
			at := img.PixOffset(x, y)
			for k := range 3 {
				img.Pix[at+k] = uint8(min(255, max(0, int(float64(img.Pix[at+k])*shade+0.5)+add)))
			}
		}
	}
}

// hsl converts hue (degrees), saturation and lightness (0 to 1) to red, green and blue from 0 to 255.
func hsl(hue, saturation, lightness float64) [3]float64 {
	var rgb [3]float64
	a := saturation * min(lightness, 1-lightness)
	for k, n := range [3]float64{0, 8, 4} {
		h := math.Mod(n+hue/30+12, 12)
		rgb[k] = 255 * min(1, max(0, lightness-a*max(-1, min(h-3, 9-h, 1))))
	}
	return rgb
}
