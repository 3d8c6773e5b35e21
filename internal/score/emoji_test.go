package score

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

func TestReadEmoji(t *testing.T) {
	for _, c := range []struct {
		reason, text  string
		whole, broken []string
		sequences     int
	}{
		{reason: "none", text: "a plain caption, 1 of 2 #tags"},
		{reason: "text symbols and digits are none by themselves", text: "© ™ ® 7 # * ‼ ❤ ☀ ↔"},
		{"with U+FE0F they are", "©️ ™️ 7️ ❤️", []string{"©", "™", "7", "❤"}, nil, 4},
		{"U+FE0E makes text of an emoji", "⌚︎ ⌚", []string{"⌚"}, nil, 0},
		{"single ones, repeated", "🐱🐱 🍕", []string{"🐱", "🐱", "🍕"}, nil, 0},
		{"flags", "🇩🇪🇫🇷", []string{"🇩🇪", "🇫🇷"}, nil, 2},
		{"a flag of tags", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴", []string{"🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴"}, nil, 1},
		{"skin tones", "👋🏽 ☝🏿 ☝️🏿", []string{"👋🏽", "☝🏿", "☝🏿"}, nil, 3},
		{"a family", "👨‍👩‍👧‍👦", []string{"👨‍👩‍👧‍👦"}, nil, 1},
		{"the same with and without its variation selectors", "🏳️‍🌈 🏳‍🌈 👩‍❤️‍💋‍👩", []string{"🏳‍🌈", "🏳‍🌈", "👩‍❤‍💋‍👩"}, nil, 3},
		{"skin tones in a sequence", "👩🏾‍🚀 🧑🏻‍🤝‍🧑🏿", []string{"👩🏾‍🚀", "🧑🏻‍🤝‍🧑🏿"}, nil, 2},
		{"keycaps, with the selector or without", "1️⃣ #⃣ *️⃣", []string{"1⃣", "#⃣", "*⃣"}, nil, 3},
		{"an emoji of Unicode 16", "\U0001FAE9", []string{"\U0001FAE9"}, nil, 0},
		{"beside letters", "né🐱ko日本🍣", []string{"🐱", "🍣"}, nil, 0},

		{"a lone joiner, after a space", "a \u200d b", nil, []string{BrokenJoiner}, 0},
		{"a lone joiner, first", "\u200d", nil, []string{BrokenJoiner}, 0},
		{"a joiner after a letter", "dog\u200d", nil, []string{BrokenJoiner}, 0},
		{"a joiner that joins nothing", "👩\u200d cat", nil, []string{BrokenJoiner}, 0},
		{"a joiner before a skin tone", "👩\u200d🏽", nil, []string{BrokenJoiner}, 0},
		{reason: "joiners of Devanagari and Sinhala", text: "क्‍ष ශ්‍රී"},
		{"a lone variation selector", "so \ufe0f", nil, []string{BrokenStyle}, 0},
		{"a variation selector on a letter", "a\ufe0f", nil, []string{BrokenStyle}, 0},
		{"two of them", "❤️\ufe0f", nil, []string{BrokenStyle}, 0},
		{"half a flag", "🇩 🇩🇪🇫", []string{"🇩🇪"}, []string{BrokenFlag, BrokenFlag}, 1},
		{"a skin tone alone", "🏽", nil, []string{BrokenSkin}, 0},
		{"a skin tone on what has no skin", "🍕🏽", nil, []string{BrokenSkin}, 0},
		{"a skin tone on a letter", "a🏽", nil, []string{BrokenSkin}, 0},
		{"two skin tones", "👋🏽🏽", nil, []string{BrokenSkin}, 0},
		{"a keycap mark alone, and on a letter", " \u20e3 a\u20e3", nil, []string{BrokenKeycap, BrokenKeycap}, 0},
		{"a tag without its flag", "a\U000e0067\U000e007f", nil, []string{BrokenTag}, 0},
		{"tags without their end", "🏴\U000e0067\U000e0062", nil, []string{BrokenTag}, 0},
		{"what is not UTF-8", "\xff🐱\xf0\x9f", []string{"🐱"}, nil, 0},
	} {
		got := ReadEmoji(c.text)
		if !slices.Equal(got.Whole, c.whole) || !slices.Equal(got.Broken, c.broken) || got.Sequences != c.sequences {
			t.Errorf("%s: %q has %q, %d sequences, broken %q\nwant %q, %d, %q", c.reason, c.text, got.Whole, got.Sequences, got.Broken, c.whole, c.sequences, c.broken)
		}
	}
}

// TestEmojiEqualsReference: counts, precision, recall, F1 and divergence as testdata/emoji.py has them of a regular expression,
// scikit-learn and SciPy.
func TestEmojiEqualsReference(t *testing.T) {
	data, err := os.ReadFile("testdata/emoji.json")
	if err != nil {
		t.Fatal(err)
	}
	type match struct {
		Captions     int
		Micro, Macro [3]float64
	}
	var sets []struct {
		Images []struct {
			ID, Candidate string
			References    []string
		}
		Want struct {
			Best, Union           match
			Divergence            float64
			Generated, References map[string]int
			With                  [2]int
		}
	}
	if err := json.Unmarshal(data, &sets); err != nil || len(sets) != 3 {
		t.Fatalf("%d sets, error %v", len(sets), err)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	for n, s := range sets {
		var images []Image
		for _, i := range s.Images {
			images = append(images, Image{i.ID, i.Candidate, i.References})
		}
		got := MeasureEmoji(images)
		for _, c := range []struct {
			name string
			got  EmojiMatch
			want match
		}{{"best", got.Best, s.Want.Best}, {"union", got.Union, s.Want.Union}} {
			if c.got.Captions != c.want.Captions {
				t.Errorf("set %d, %s: %d captions, want %d", n, c.name, c.got.Captions, c.want.Captions)
			}
			for _, m := range []struct {
				got  Match
				want [3]float64
			}{{c.got.Micro, c.want.Micro}, {c.got.Macro, c.want.Macro}} {
				if !near(m.got.Precision, m.want[0]) || !near(m.got.Recall, m.want[1]) || !near(m.got.F1, m.want[2]) {
					t.Errorf("set %d, %s: %+v, want %v", n, c.name, m.got, m.want)
				}
			}
		}
		if got.Divergence == nil || !near(*got.Divergence, s.Want.Divergence) {
			t.Errorf("set %d: divergence %v, want %v", n, got.Divergence, s.Want.Divergence)
		}
		for _, side := range []struct {
			got  EmojiUse
			want map[string]int
			with int
		}{{got.Generated, s.Want.Generated, s.Want.With[0]}, {got.References, s.Want.References, s.Want.With[1]}} {
			total := 0
			for emoji, count := range side.want {
				if total += count; side.got.count[emoji] != count {
					t.Errorf("set %d: %s occurs %d times, want %d", n, emoji, side.got.count[emoji], count)
				}
			}
			if side.got.Emoji != total || side.got.Distinct != len(side.want) || side.got.With != side.with || side.got.Fragments() != 0 {
				t.Errorf("set %d: %+v, want %d emoji, %d distinct, in %d captions", n, side.got, total, len(side.want), side.with)
			}
		}
	}
}

// TestEmojiByHand: two pictures worked out on paper.
func TestEmojiByHand(t *testing.T) {
	e := MeasureEmoji([]Image{
		// best is the second reference: 1 of 2 said, 1 of 1 there. The union has 🐱🐱🍕.
		{"a", "🐱🌵", []string{"🐱🐱🍕", "just a 🐱"}},
		// best is the second reference again: a caption without emoji fits a reference without.
		{"b", "quiet", []string{"🔥", "quiet too"}},
		// A broken flag and a whole one; nothing fits.
		{"c", "🇩 🇫🇷", []string{"🔥🔥"}},
	})
	if want := (EmojiMatch{2, Match{1. / 3, 1. / 3, 1. / 3}, Match{0.25, 0.5, 1. / 3}}); e.Best != want {
		t.Errorf("best reference: %+v, want %+v", e.Best, want)
	}
	if want := (EmojiMatch{3, Match{1. / 3, 1. / 6, 2. / 9}, Match{0.5 / 3, 1. / 9, 0.4 / 3}}); !closeTo(e.Union, want) {
		t.Errorf("union: %+v, want %+v", e.Union, want)
	}
	g := e.Generated
	if g.Captions != 3 || g.With != 2 || g.Coverage() != 2./3 || g.Emoji != 3 || g.Sequences != 1 || g.Broken[BrokenFlag] != 1 || g.Fragments() != 1 {
		t.Errorf("generated %+v", g)
	}
	if want := []EmojiCount{{"🐱", 3, 3. / 7}, {"🔥", 3, 3. / 7}, {"🍕", 1, 1. / 7}}; !slices.Equal(e.References.Frequent, want) {
		t.Errorf("most frequent in the references: %v", e.References.Frequent)
	}
	if none := MeasureEmoji([]Image{{"a", "x", []string{"🐱"}}}); none.Divergence != nil || none.Best.Micro != (Match{}) {
		t.Errorf("captions without emoji: %+v", none)
	}
	var c EmojiCleaning
	c.Add("hi 🐱🐱 #cat 🇩🇪 \u200d", "hi 🐱 🍕")
	if c != (EmojiCleaning{Raw: 3, Kept: 1, BrokenRaw: 1}) || c.Share() != 1./3 {
		t.Errorf("cleaning: %+v", c)
	}
}

func closeTo(a, b EmojiMatch) bool {
	near := func(x, y Match) bool {
		return math.Abs(x.Precision-y.Precision) < 1e-12 && math.Abs(x.Recall-y.Recall) < 1e-12 && math.Abs(x.F1-y.F1) < 1e-12
	}
	return a.Captions == b.Captions && near(a.Micro, b.Micro) && near(a.Macro, b.Macro)
}

// FuzzReadEmoji: no text makes it fail, and what it finds is found again in what it found.
func FuzzReadEmoji(f *testing.F) {
	for _, s := range []string{"👨‍👩‍👧‍👦 🇩🇪🇫 1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿👋🏽🏽", "क्‍ष\u200d\ufe0f", "\xff\u20e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := ReadEmoji(text)
		if e.Sequences > len(e.Whole) {
			t.Fatalf("%+v", e)
		}
		for _, emoji := range e.Whole {
			if again := ReadEmoji(emoji + "\ufe0f"); len(again.Whole)+len(again.Broken) != 1 {
				t.Fatalf("%q, found in %q, is %+v by itself", emoji, text, again)
			}
		}
	})
}
