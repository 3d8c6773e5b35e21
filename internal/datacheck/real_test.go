package datacheck

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"math/bits"
	"path/filepath"
	"testing"

	xdraw "golang.org/x/image/draw"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
	"github.com/captionlab/captionlab/internal/picture"
	"github.com/captionlab/captionlab/internal/token"
)

// The pair that Flickr8k holds twice is found, within the training split: no leak.
func TestRealFlickr8k(t *testing.T) {
	root := flickr8ktest.Need(t)
	clean := dataset.CleanSettings{Hashtags: "remove", UserTags: "remove", Links: "remove", Whitespace: "collapse", Control: "remove", MaxLength: 80, OverLength: "truncate"}
	data, err := dataset.Load(context.Background(), dataset.Settings{Format: "flickr8k", Root: root, Split: "official"}, clean, "grapheme", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Check(context.Background(), Request{Data: data, Root: root, Clean: clean, Token: token.Settings{Tokenizer: "char", Unit: "grapheme", MinCount: 1, Words: token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Pictures.Broken) > 0 || len(r.Pictures.Identical) != 1 {
		t.Fatalf("%d broken, %d groups of equal pictures", len(r.Pictures.Broken), len(r.Pictures.Identical))
	}
	g := r.Pictures.Identical[0]
	names := map[string]bool{}
	for _, p := range g.Pictures {
		names[p.ID] = p.Split == dataset.Train
	}
	if g.Splits != 1 || len(names) != 2 || !names["2851198725_37b6027625.jpg"] || !names["3050606344_af711c726c.jpg"] {
		t.Errorf("equal pictures %+v", g)
	}
	if !r.OK {
		t.Errorf("errors %v", r.Errors())
	}
	if r.Length.Spread.Max != 199 || r.CaptionsPerImage.Min != 5 || r.CaptionsPerImage.Max != 5 {
		t.Errorf("longest caption %d, captions an image %+v", r.Length.Spread.Max, r.CaptionsPerImage)
	}
}

// Photographs saved again are near themselves; two photographs never are.
func TestRealPhotographs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(flickr8ktest.Need(t), "images", "*.jpg"))
	if err != nil || len(files) == 0 {
		t.Skip("no pictures", err)
	}
	var looks []*look
	farthest := map[string]int{}
	for n := 0; n < len(files); n += 120 {
		img, err := picture.Open(files[n])
		if err != nil {
			t.Fatal(err)
		}
		l, err := lookOf(img, 1)
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l)
		third := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx()/3, img.Bounds().Dy()/3))
		xdraw.CatmullRom.Scale(third, third.Bounds(), img, img.Bounds(), xdraw.Src, nil)
		for how, other := range map[string]image.Image{"quality 30": saved(t, img, 30), "a third, quality 50": saved(t, third, 50)} {
			o, err := lookOf(other, 1)
			if err != nil {
				t.Fatal(err)
			}
			near, distance := l.near(o)
			if !near {
				t.Errorf("%s, %s: %d bits away", filepath.Base(files[n]), how, distance)
			}
			farthest[how] = max(farthest[how], distance)
		}
	}
	closest := math.MaxInt
	for a := range looks {
		for b := range a {
			closest = min(closest, bits.OnesCount64(looks[a].hash^looks[b].hash))
			if near, _ := looks[a].near(looks[b]); near {
				t.Errorf("pictures %d and %d are near each other", 120*a, 120*b)
			}
		}
	}
	t.Logf("%d pictures: saved again at most %v bits away, from each other at least %d", len(looks), farthest, closest)
}

func saved(t *testing.T, img image.Image, quality int) image.Image {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	out, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
