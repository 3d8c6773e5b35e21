package encoder

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"testing"
)

// goldens are PIL's, made by testdata/resize.py.
type goldens struct {
	PNG map[string]map[string]string `json:"png"` // picture, filter: SHA-256 of the 24×20 RGB bytes
	JPG map[string]string            `json:"jpg"` // picture: its RGB bytes in base64
}

func readGoldens(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/pil.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, _, err := image.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// Every byte is PIL's: shrinking averages, growing interpolates, an axis of the right size is left alone, and
// ties of nearest fall to the same side.
func TestResizeIsPIL(t *testing.T) {
	g := readGoldens(t)
	if len(g.PNG) != 6 {
		t.Fatalf("%d pictures, want 6", len(g.PNG))
	}
	for name, filters := range g.PNG {
		for filter, want := range filters {
			dst := make([]uint8, 24*20*3)
			resize(decode(t, "testdata/"+name+".png"), dst, 20, 24, filter)
			if got := fmt.Sprintf("%x", sha256.Sum256(dst)); got != want {
				t.Errorf("%s, %s: bytes differ from PIL's", name, filter)
			}
		}
	}
}

// JPEG colours are libjpeg's up to rounding: Go's inverse cosine transform rounds otherwise. Without
// interpolated colour planes, single pixels of these pictures are off by 40 and more.
func TestJPEGColoursArePILs(t *testing.T) {
	g := readGoldens(t)
	if len(g.JPG) != 3 {
		t.Fatalf("%d pictures, want 3", len(g.JPG))
	}
	for name, encoded := range g.JPG {
		want, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]uint8, len(want))
		resize(decode(t, "testdata/"+name+".jpg"), got, 37, 51, "nearest")
		sum, worst := 0, 0
		for n := range want {
			d := int(got[n]) - int(want[n])
			sum, worst = sum+max(d, -d), max(worst, d, -d)
		}
		mean := float64(sum) / float64(len(want))
		t.Logf("%s: off by %.3f on average, by %d at most", name, mean, worst)
		if mean > 0.5 || worst > 4 {
			t.Errorf("%s: off by %.3f on average, by %d at most", name, mean, worst)
		}
	}
}

func TestPixels(t *testing.T) {
	red, half, clear := color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 0, 128}, color.NRGBA{0, 0, 0, 0}
	nrgba := image.NewNRGBA(image.Rect(5, 7, 8, 8)) // coordinates need not begin at 0
	for n, c := range []color.NRGBA{red, half, clear} {
		nrgba.SetNRGBA(5+n, 7, c)
	}
	rgba, deep, paletted := image.NewRGBA(nrgba.Rect), image.NewNRGBA64(nrgba.Rect), image.NewPaletted(nrgba.Rect, color.Palette{clear, half, red})
	for n := range 3 {
		rgba.Set(5+n, 7, nrgba.At(5+n, 7))
		deep.Set(5+n, 7, nrgba.At(5+n, 7))
		paletted.SetColorIndex(5+n, 7, uint8(2-n))
	}
	gray := image.NewGray(image.Rect(0, 0, 3, 1))
	copy(gray.Pix, []uint8{0, 100, 255})
	cmyk := image.NewCMYK(image.Rect(0, 0, 3, 1))
	copy(cmyk.Pix, []uint8{0, 255, 255, 0, 0, 0, 0, 128, 0, 0, 0, 0})
	onWhite := []uint8{255, 0, 0, 127, 127, 127, 255, 255, 255}
	tests := map[string]struct {
		picture image.Image
		want    []uint8
	}{
		"straight alpha":      {nrgba, onWhite},
		"premultiplied alpha": {rgba, onWhite},
		"16 bits":             {deep, onWhite},
		"palette":             {paletted, onWhite},
		"gray":                {gray, []uint8{0, 0, 0, 100, 100, 100, 255, 255, 255}},
		"CMYK":                {cmyk, onWhite},
	}
	for name, test := range tests {
		for _, how := range []string{"nearest", "bilinear", "bicubic"} {
			got := make([]uint8, 9)
			resize(test.picture, got, 1, 3, how)
			if string(got) != string(test.want) {
				t.Errorf("%s, %s: %v, want %v", name, how, got, test.want)
			}
		}
	}
}
