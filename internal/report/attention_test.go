package report

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLit: the part with the largest weight stays as it is, one without weight becomes dark.
func TestLit(t *testing.T) {
	white := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for n := range white.Pix {
		white.Pix[n] = 255
	}
	out := lit(white, []float32{0.6, 0, 0.3, 0.1}, 1, 4)
	for n, want := range []uint8{255, 51, 153, 85} { // 0.2 + 0.8·w/0.6
		if got := out.RGBAAt(10*n+5, 10).R; got < want-20 || got > want+20 && want < 235 {
			t.Errorf("the middle of part %d has brightness %d, want about %d", n, got, want)
		}
	}
	if out.RGBAAt(2, 10).R != 255 || out.RGBAAt(15, 10).A != 255 {
		t.Errorf("the brightest part is %v, a dark one %v", out.RGBAAt(2, 10), out.RGBAAt(15, 10))
	}
}

// TestAttentionOnThePage: a picture stands before the maps of its tokens, and one that can't be read says so.
func TestAttentionOnThePage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	img := image.NewRGBA(image.Rect(0, 0, 60, 30))
	img.Set(3, 3, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	token := AttendedToken{Text: "<dog>", Weights: []float32{0.1, 0.9}}
	v := newAttentionView(&Attention{Height: 1, Width: 2, Named: 8, Pointing: 0.75, Uniform: 0.25,
		Pictures: []AttendedPicture{{ID: "a.png", Path: path, Tokens: []AttendedToken{token}}, {ID: "gone", Path: path + "x", Tokens: []AttendedToken{token}}}})
	var page bytes.Buffer
	if err := writeHTML(&page, view{Attention: v}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"of 8 generated tokens that name an object", "75", `alt="The picture a.png"`, `alt="Where the model looked for &lt;dog&gt;"`, "gone: The picture can&#39;t be shown"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page.String(), "Where the model looked for"); n != 1 {
		t.Errorf("%d maps, want 1", n)
	}
}
