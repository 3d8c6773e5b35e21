package dataset

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/forPelevin/gomoji"
)

func emojigramSettings(images int) Settings {
	return Settings{Format: "emojigram", Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 1,
		Emojigram: EmojigramSettings{Images: images, Size: 224, Seed: 1, Dirt: 0.3}}
}

func makeEmojigram(t *testing.T, s Settings, cacheDir string) []Example {
	t.Helper()
	examples, err := loadEmojigram(t.Context(), s, cacheDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// contents are the bytes of all pictures, and the file of captions.
func contents(t *testing.T, examples []Example) (files []string) {
	t.Helper()
	for _, e := range examples {
		files = append(files, e.Path)
	}
	files = append(files, filepath.Join(filepath.Dir(filepath.Dir(files[0])), emojigramCaptions))
	for n, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[n] = string(b)
	}
	return files
}

func TestEmojigramIsDeterministic(t *testing.T) {
	s := emojigramSettings(12)
	first := contents(t, makeEmojigram(t, s, t.TempDir()))
	if again := contents(t, makeEmojigram(t, s, t.TempDir())); !slices.Equal(first, again) {
		t.Error("the same settings gave other bytes")
	}
	s.Emojigram.Seed = 2
	for n, other := range contents(t, makeEmojigram(t, s, t.TempDir())) {
		if other == first[n] {
			t.Errorf("file %d is the same with another seed", n)
		}
	}
	s = emojigramSettings(15)
	if more := contents(t, makeEmojigram(t, s, t.TempDir())); !slices.Equal(more[:12], first[:12]) {
		t.Error("the first pictures of a larger set differ from the smaller set's")
	}
	s = emojigramSettings(12)
	s.Emojigram.Dirt = 1
	if dirty := contents(t, makeEmojigram(t, s, t.TempDir())); !slices.Equal(dirty[:12], first[:12]) || dirty[12] == first[12] {
		t.Error("dirt must change captions and leave the pictures alone")
	}
}

func TestEmojigramPictures(t *testing.T) {
	s := emojigramSettings(10)
	s.Emojigram.Size = 300
	for _, e := range makeEmojigram(t, s, t.TempDir()) {
		file, err := os.Open(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(file)
		file.Close()
		if err != nil || img.Bounds().Dx() != 300 || img.Bounds().Dy() != 300 {
			t.Errorf("%s: %v, size %v", e.ID, err, img.Bounds())
		}
		if len(e.Captions) != 5 {
			t.Errorf("%s has %d captions", e.ID, len(e.Captions))
		}
	}
}

// TestEmojigramIsContinued breaks a finished set in the ways that a killed run or a full disk leave one.
func TestEmojigramIsContinued(t *testing.T) {
	s, dir := emojigramSettings(10), t.TempDir()
	examples := makeEmojigram(t, s, dir)
	want := contents(t, examples)
	var log bytes.Buffer
	if _, err := loadEmojigram(t.Context(), s, dir, &log); err != nil || log.Len() > 0 {
		t.Errorf("a finished set was made again: %v %s", err, &log)
	}
	captions := filepath.Join(filepath.Dir(filepath.Dir(examples[0].Path)), emojigramCaptions)
	for _, err := range []error{
		os.Remove(examples[3].Path), os.Remove(captions),
		os.WriteFile(examples[4].Path, nil, 0o644),
		os.WriteFile(examples[5].Path, []byte(want[5][:len(want[5])/2]), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	makeEmojigramLog := func(ctx context.Context) error {
		log.Reset()
		_, err := loadEmojigram(ctx, s, dir, &log)
		return err
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := makeEmojigramLog(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := os.Stat(captions); err == nil {
		t.Error("a stopped run left a list of captions, which is to be written last")
	}
	if err := makeEmojigramLog(t.Context()); err != nil || !strings.Contains(log.String(), "painting 3 of 10") {
		t.Errorf("continued: %v %s", err, &log)
	}
	if !slices.Equal(contents(t, examples), want) {
		t.Error("the continued set differs")
	}
}

func TestSubjects(t *testing.T) {
	glyphs, err := loadGlyphs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n, s := range subjects {
		opaque := 0
		for i := 3; i < len(glyphs[n].picture.Pix); i += 4 {
			if glyphs[n].picture.Pix[i] > 128 {
				opaque++
			}
		}
		if opaque < 2000 {
			t.Errorf("%s has only %d pixels", s.char, opaque)
		}
		if _, err := gomoji.GetInfo(s.char); err != nil {
			t.Errorf("%s is no emoji: %v", s.char, err)
		}
		for _, text := range []string{s.char, s.noun, s.plurals(), s.pun, s.quip} {
			if text == "" || seen[text] {
				t.Errorf("%s: %q is empty or stands twice", s.char, text)
			}
			seen[text] = true
		}
	}
}

// TestScenes: shares are shares, and what captions say of places is plain to see.
func TestScenes(t *testing.T) {
	total := 0.0
	for _, k := range sceneShares {
		total += k.share
	}
	if math.Abs(total-1) > 1e-12 {
		t.Errorf("the kinds' shares add up to %v", total)
	}
	kinds, stacked := map[string]int{}, 0
	const scenes = 4000
	for n := range scenes {
		s := newScene(5, n)
		kinds[s.Kind]++
		if s.Stacked {
			stacked++
		}
		for k, thing := range s.Emoji {
			if out := thing.Size/2 - 0.12; min(thing.X, 1-thing.X, thing.Y, 1-thing.Y) < out {
				t.Errorf("scene %d: %+v is cut off by the edge", n, thing)
			}
			if k == 0 {
				continue
			}
			apart := thing.X - s.Emoji[k-1].X
			if s.Stacked {
				apart = thing.Y - s.Emoji[k-1].Y
			}
			if apart < 0.22 {
				t.Errorf("scene %d: %v between neighbours: their order is not plain", n, apart)
			}
		}
	}
	for _, k := range sceneShares {
		if got := float64(kinds[k.kind]) / scenes; math.Abs(got-k.share) > 4*math.Sqrt(k.share*(1-k.share)/scenes) {
			t.Errorf("%s: share %v, want %v", k.kind, got, k.share)
		}
	}
	if stacked < scenes/10 {
		t.Errorf("%d of %d scenes are stacked", stacked, scenes)
	}
}

// TestRulesNameOnlyKnownWords: a name without a value would leave a hole in the caption.
func TestRulesNameOnlyKnownWords(t *testing.T) {
	for n := range 400 {
		s := newScene(7, n)
		w := s.words()
		soil(w, "some text")
		for _, c := range slices.Concat(choices(rules[s.Kind]), choices(dirt)) {
			for _, rest := range strings.Split(c.text, "$")[1:] {
				name := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz123"))]
				if w[name] == "" {
					t.Fatalf("%s: %q: $%s has no value", s.Kind, c.text, name)
				}
			}
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct{ text, want, reason string }{
		{"a cat on blue wall", "a cat on blue wa", "half of the last word"},
		{"shell yeah 🐢🐢", "shell ye", "emoji after it go"},
		{"🐱 or 🌮? yes! team taco here", "🐱 or 🌮? yes! team taco he", "emoji before it stay"},
		{"oh whale", "oh wha", "an odd word keeps the longer half"},
	} {
		if got := cut(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}

// TestEntropyAgreesWithSampling holds the enumerated distribution against captions that the generator drew and
// Clean cleaned: the mean of -log p over them estimates the entropy, their mean length the expected one.
func TestEntropyAgreesWithSampling(t *testing.T) {
	keep, short, drop := plain, plain, plain
	keep.Hashtags, keep.UserTags, keep.Links, keep.Whitespace, keep.Control = "keep", "keep", "keep", "keep", "keep"
	short.MaxLength, short.Lowercase = 20, true
	drop.MaxLength, drop.OverLength = 30, "drop"
	const pictures, draws = 24, 1500
	for _, c := range []struct {
		reason string
		clean  CleanSettings
		unit   string
		dirt   float64
	}{
		{"defaults", plain, "grapheme", 0.3},
		{"no dirt", plain, "codepoint", 0},
		{"all dirt, all kept", keep, "codepoint", 1},
		{"truncated captions merge", short, "grapheme", 0.3},
		{"dropped captions are not counted", drop, "grapheme", 0.3},
	} {
		var at []int
		kept := make([]int, pictures)
		surprise, squares, length, lengthSquares, n := 0.0, 0.0, 0.0, 0.0, 0.0
		r := rand.New(rand.NewPCG(3, 4))
		for picture := range pictures {
			s := newScene(1, picture)
			p, sum := map[string]float64{}, 0.0
			for _, l := range s.distribution(c.dirt, c.clean, c.unit) {
				if p[l.text] > 0 {
					t.Fatalf("%s: %q is not merged", c.reason, l.text)
				}
				p[l.text] = l.p
				sum += l.p
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("%s: the probabilities of picture %d add up to %v", c.reason, picture, sum)
			}
			at = append(at, picture)
			for range draws {
				text, _ := Clean(s.caption(r, c.dirt), c.clean, c.unit)
				if text == "" {
					continue
				}
				kept[picture]++
				if p[text] == 0 {
					t.Fatalf("%s: %q was drawn but not enumerated", c.reason, text)
				}
				x, l := -math.Log(p[text]), float64(characters(text, c.unit)+1)
				surprise, squares, length, lengthSquares, n = surprise+x, squares+x*x, length+l, lengthSquares+l*l, n+1
			}
		}
		floor := emojigramFloor(EmojigramSettings{Seed: 1, Dirt: c.dirt}, c.clean, c.unit, at, func(n int) int { return kept[n] })
		mean, meanLength := surprise/n, length/n
		off, offLength := (mean-floor.NatsPerCaption)/math.Sqrt((squares/n-mean*mean)/n), (meanLength-floor.Characters)/math.Sqrt((lengthSquares/n-meanLength*meanLength)/n)
		t.Logf("%s: entropy %.4f, sampled %.4f (%+.1f standard errors); length %.3f, sampled %.3f (%+.1f)",
			c.reason, floor.NatsPerCaption, mean, off, floor.Characters, meanLength, offLength)
		if math.Abs(off) > 4 || math.Abs(offLength) > 4 {
			t.Errorf("%s: sampling disagrees: entropy %v against %v, length %v against %v", c.reason, floor.NatsPerCaption, mean, floor.Characters, meanLength)
		}
		if math.Abs(floor.NatsPerCharacter-floor.NatsPerCaption/floor.Characters) > 1e-12 {
			t.Errorf("%s: %+v does not add up", c.reason, floor)
		}
	}
}

// TestEmojigramCaptions holds the default set's captions to what loadEmojigram's comment says of them.
func TestEmojigramCaptions(t *testing.T) {
	const pictures = 1000
	captions, total, twice, changed, longest, shortest, over60 := 0, 0, 0, 0, 0, 1000, 0
	alphabet, shown := map[rune]bool{}, map[rune]bool{'❤': true, '\ufe0f': true, '🙌': true, '🏽': true, '✨': true}
	for _, s := range subjects {
		shown[[]rune(s.char)[0]] = true
	}
	for n := range pictures {
		s, seen := newScene(1, n), map[string]bool{}
		for k := range captionsPerPicture {
			raw := s.caption(random(1, n, forCaption+uint64(k)), 0.3)
			text, stats := Clean(raw, plain, "grapheme")
			length := characters(text, "grapheme")
			captions, total, changed = captions+1, total+length, changed+stats.Changed
			longest, shortest = max(longest, length), min(shortest, length)
			if length > 60 {
				over60++
			}
			if seen[text] {
				twice++
			}
			seen[text] = true
			for _, r := range text {
				alphabet[r] = true
			}
		}
	}
	for r := range alphabet {
		if !strings.ContainsRune(" !'+,-.:=?…", r) && (r < 'a' || r > 'z') && !shown[r] {
			t.Errorf("%q is not in the documented alphabet", r)
		}
	}
	mean, repeated, cleaned := float64(total)/float64(captions), float64(twice)/float64(captions), float64(changed)/float64(captions)
	t.Logf("%d code points: %q; length %d to %d, mean %.1f, %d over 60; %.3f of the captions repeat one of their picture; cleaning changed %.3f",
		len(alphabet), string(slices.Sorted(maps.Keys(alphabet))), shortest, longest, mean, over60, repeated, cleaned)
	if mean < 29 || mean > 33 || shortest < 7 || longest > 65 || over60 > captions/100 {
		t.Errorf("lengths %d to %d, mean %v, %d over 60", shortest, longest, mean, over60)
	}
	if repeated < 0.07 || repeated > 0.11 {
		t.Errorf("%v of the captions repeat another of their picture; documented are 0.09", repeated)
	}
	if cleaned < 0.17 || cleaned > 0.24 {
		t.Errorf("cleaning changed %v of the captions; of the dirt, 0.3, a third is left in place", cleaned)
	}
}

// TestFloorLeavesRoom: captions depend on the picture. The same captions without it, as one mixture of many
// pictures' distributions, have a much higher entropy.
func TestFloorLeavesRoom(t *testing.T) {
	mixed, given := map[string]float64{}, 0.0
	const pictures = 400
	for n := range pictures {
		for _, l := range newScene(1, n).distribution(0.3, plain, "grapheme") {
			mixed[l.text] += l.p / pictures
			given -= l.p * math.Log(l.p) / pictures
		}
	}
	blind := 0.0
	for _, p := range mixed {
		blind -= p * math.Log(p)
	}
	t.Logf("%.2f nats a caption given the picture, %.2f without it (of %d pictures)", given, blind, pictures)
	if blind < given+3 {
		t.Errorf("%v nats a caption given the picture, %v without it: pictures matter too little", given, blind)
	}
}
