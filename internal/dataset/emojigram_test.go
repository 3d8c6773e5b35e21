package dataset

import (
	"bytes"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

var smallEmojigram = Settings{Format: "emojigram", Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 1,
	Emojigram: EmojigramSettings{Images: 40, Size: 224, Seed: 1, Dirt: 0.3}}

func generate(t *testing.T, s Settings) (*Dataset, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := Load(t.Context(), s, plain, "grapheme", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func TestEmojigramIsDeterministic(t *testing.T) {
	a, _ := generate(t, smallEmojigram)
	b, _ := generate(t, smallEmojigram)
	if a.Hash != b.Hash {
		t.Error("the same seed gave other captions")
	}
	for n := range a.Examples {
		pa, errA := os.ReadFile(a.Examples[n].Path)
		pb, errB := os.ReadFile(b.Examples[n].Path)
		if errA != nil || errB != nil || !bytes.Equal(pa, pb) {
			t.Fatalf("picture %d differs (%v, %v)", n, errA, errB)
		}
		picture, err := jpeg.Decode(bytes.NewReader(pa))
		if err != nil || picture.Bounds().Dx() != 224 || picture.Bounds().Dy() != 224 {
			t.Fatalf("picture %d: %v", n, err)
		}
		if len(a.Examples[n].Captions) != 5 {
			t.Errorf("picture %d has %d captions", n, len(a.Examples[n].Captions))
		}
	}
	other := smallEmojigram
	other.Emojigram.Seed = 2
	if c, _ := generate(t, other); c.Hash == a.Hash {
		t.Error("another seed gave the same captions")
	}
}

// TestEmojigramContinues: pictures that a killed run drew are kept, missing ones are drawn.
func TestEmojigramContinues(t *testing.T) {
	d, dir := generate(t, smallEmojigram)
	lists, err := filepath.Glob(filepath.Join(dir, "emojigram", "*", emojigramFile))
	if err != nil || len(lists) != 1 {
		t.Fatalf("%d lists", len(lists))
	}
	want, err := os.ReadFile(d.Examples[3].Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{lists[0], d.Examples[3].Path} { // as if the run had been killed before
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Load(t.Context(), smallEmojigram, plain, "grapheme", dir, nil)
	if err != nil || again.Hash != d.Hash {
		t.Fatalf("continued: %v", err)
	}
	if got, err := os.ReadFile(d.Examples[3].Path); err != nil || !bytes.Equal(got, want) {
		t.Error("the missing picture was not drawn again as it was")
	}
}

// TestEntropyAgreesWithSampling holds the exact entropy against draws from the generator itself: the mean of
// -log p over many drawn captions estimates it without knowing how it was computed.
func TestEntropyAgreesWithSampling(t *testing.T) {
	for n := range 12 {
		s := sceneOf(smallEmojigram.Emojigram, n)
		p, total := map[string]float64{}, 0.0
		s.distribution(0.3, func(raw string, q float64) {
			text, _ := Clean(raw, plain, "grapheme")
			p[text] += q
			total += q
		})
		if math.Abs(total-1) > 1e-9 {
			t.Errorf("scene %d: the probabilities add up to %v", n, total)
		}
		const draws = 20_000
		rng, sum, squares := captionRNG(99, n), 0.0, 0.0
		for range draws {
			text, _ := Clean(s.caption(rng, 0.3), plain, "grapheme")
			if p[text] == 0 {
				t.Fatalf("scene %d: the generator says %q, which the distribution does not have", n, text)
			}
			x := -math.Log(p[text])
			sum += x
			squares += x * x
		}
		mean := sum / draws
		deviation := math.Sqrt((squares/draws - mean*mean) / draws)
		if nats, _ := s.entropy(0.3, plain, "grapheme"); math.Abs(nats-mean) > 5*deviation {
			t.Errorf("scene %d: entropy %v nats, sampled %v ± %v", n, nats, mean, deviation)
		}
	}
}

// TestEmojigramCaptions documents the cleaned captions of the default set: alphabet, lengths, duplicates.
func TestEmojigramCaptions(t *testing.T) {
	s := EmojigramSettings{Images: 1000, Size: 224, Seed: 1, Dirt: 0.3}
	var texts []string
	alphabet, dirty, longest, characters := map[string]bool{}, 0, 0, 0
	for n := range s.Images {
		scene, rng := sceneOf(s, n), captionRNG(s.Seed, n)
		for range emojigramCaptions {
			raw := scene.caption(rng, s.Dirt)
			text, _ := Clean(raw, plain, "grapheme")
			if text == "" || !utf8.ValidString(text) {
				t.Fatalf("%q became %q", raw, text)
			}
			if text != raw {
				dirty++
			}
			length := uniseg.GraphemeClusterCount(text)
			longest, characters = max(longest, length), characters+length
			for g := uniseg.NewGraphemes(text); g.Next(); {
				alphabet[g.Str()] = true
			}
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	distinct := len(slices.Compact(slices.Clone(texts)))
	mean := float64(characters) / float64(len(texts))
	t.Logf("alphabet %d, longest %d, mean %.1f characters, %d of %d distinct, %d changed by cleaning", len(alphabet), longest, mean, distinct, len(texts), dirty)
	if len(alphabet) < 70 || len(alphabet) > 110 {
		t.Errorf("alphabet of %d graphemes: documented are 70 to 110, the %d emoji among them", len(alphabet), len(emojis))
	}
	if longest > 60 || mean < 15 || mean > 30 {
		t.Errorf("longest caption %d, mean %.1f: documented are at most 60 and 15 to 30", longest, mean)
	}
	if share := float64(distinct) / float64(len(texts)); share < 0.5 || share > 0.95 {
		t.Errorf("%.2f of the captions are distinct: documented are 0.5 to 0.95", share)
	}
	if share := float64(dirty) / float64(len(texts)); share < 0.1 || share > 0.3 {
		t.Errorf("cleaning changed %.2f of the captions, of which 0.3 are dirty", share)
	}
}

func TestEmojiHavePicturesAndWords(t *testing.T) {
	pictures, err := loadEmoji()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range emojis {
		if pictures[e.char] == nil || e.noun == "" || e.plural == "" || e.pun == "" {
			t.Errorf("%+v is incomplete", e)
		}
		if seen[e.char] || seen[e.noun] {
			t.Errorf("%s stands twice", e.char)
		}
		seen[e.char], seen[e.noun] = true, true
	}
}
