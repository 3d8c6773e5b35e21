package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"slices"

	xdraw "golang.org/x/image/draw"

	"github.com/captionlab/captionlab/internal/picture"
)

// Attention is where a decoder with attention looked: a grid of Height times Width equal parts of each picture.
type Attention struct {
	Height, Width int
	Pictures      []AttendedPicture

	Named             int     // generated tokens that name an object whose place is known; 0: no place is
	Pointing, Uniform float64 // of them, the share whose largest weight is within the object, and that by chance
}

// AttendedPicture is a picture with the tokens of its generated caption.
type AttendedPicture struct {
	ID, Path string
	Tokens   []AttendedToken
}

// AttendedToken is one token and the weights [Height*Width] of the picture's parts, row after row.
type AttendedToken struct {
	Text    string
	Weights []float32
}

// attentionView is what the page shows of it.
type attentionView struct {
	Note     string
	Pictures []attendedCard
}

type attendedCard struct {
	ID, Problem string
	Image       template.URL // the picture as it is
	Tokens      []attendedMap
}

type attendedMap struct {
	Text  string
	Image template.URL
}

// attentionSize is the longest side of a picture under its attention, in pixels.
const attentionSize = 112

func newAttentionView(a *Attention) *attentionView {
	if a == nil {
		return nil
	}
	v := &attentionView{Note: "Where the model looked while it said each token of its caption: the brightest part had the largest weight."}
	if a.Named > 0 {
		v.Note += fmt.Sprintf(" The data set knows what is where: of %d generated tokens that name an object of their picture, %s had their largest weight within its box; by chance, %s would.",
			a.Named, percent(a.Pointing), percent(a.Uniform))
	}
	for _, p := range a.Pictures {
		v.Pictures = append(v.Pictures, newAttendedCard(p, a.Height, a.Width))
	}
	return v
}

func newAttendedCard(p AttendedPicture, height, width int) attendedCard {
	c := attendedCard{ID: p.ID}
	weights := make([][]float32, len(p.Tokens))
	for n, t := range p.Tokens {
		weights[n] = t.Weights
	}
	small, maps, err := AttentionMaps(p.Path, attentionSize, height, width, weights)
	if err != nil {
		c.Problem = "The picture can't be shown: " + err.Error()
		return c
	}
	c.Image = dataURL(small)
	for n, m := range maps {
		c.Tokens = append(c.Tokens, attendedMap{p.Tokens[n].Text, dataURL(m)})
	}
	return c
}

// AttentionMaps are a picture file, its longest side so many pixels long, and for each token's weights [height*width] the same
// picture as bright as they are: the part with the token's largest weight stays as it is.
func AttentionMaps(path string, longest, height, width int, tokens [][]float32) (small image.Image, maps []image.Image, err error) {
	src, err := picture.Open(path)
	if err != nil {
		return nil, nil, err
	}
	scale := float64(longest) / float64(max(src.Bounds().Dx(), src.Bounds().Dy()))
	side := func(n int) int { return max(1, int(math.Round(float64(n)*scale))) }
	scaled := image.NewRGBA(image.Rect(0, 0, side(src.Bounds().Dx()), side(src.Bounds().Dy())))
	draw.Draw(scaled, scaled.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(scaled, scaled.Bounds(), src, src.Bounds(), xdraw.Over, nil)
	for _, weights := range tokens {
		maps = append(maps, lit(scaled, weights, height, width))
	}
	return scaled, maps, nil
}

// lit is a picture as bright as the weights of its parts, the largest of which leaves it as it is.
func lit(img *image.RGBA, weights []float32, height, width int) *image.RGBA {
	const dark = 0.2 // what a part without weight keeps of its brightness
	light := image.NewGray(image.Rect(0, 0, width, height))
	most := max(slices.Max(weights), 1e-9)
	for n, w := range weights {
		light.Pix[n] = uint8(math.Round(255 * (dark + (1-dark)*float64(w/most))))
	}
	bounds := img.Bounds()
	smooth := image.NewGray(bounds)
	xdraw.BiLinear.Scale(smooth, bounds, light, light.Bounds(), draw.Src, nil)
	out := image.NewRGBA(bounds)
	for n, l := range smooth.Pix {
		for k := range 3 {
			out.Pix[4*n+k] = uint8(int(img.Pix[4*n+k]) * int(l) / 255)
		}
		out.Pix[4*n+3] = 255
	}
	return out
}

func dataURL(img image.Image) template.URL {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 80}); err != nil {
		return "" // no picture of that size can fail
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes()))
}
