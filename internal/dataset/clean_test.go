package dataset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

func TestClean(t *testing.T) {
	with := func(change func(*CleanSettings)) CleanSettings {
		s := plain
		change(&s)
		return s
	}
	for _, c := range []struct {
		reason, raw, want string
		s                 CleanSettings
		unit              string
	}{
		{"hashtags, wherever they stand", "sun #beach day #Sommer2023#fun", "sun day", plain, ""},
		{"a number sign is no hashtag", "we are #1 in C# and 3 # 4", "we are #1 in C# and 3 # 4", plain, ""},
		{"a keycap emoji is no hashtag", "press #️⃣ now", "press #️⃣ now", plain, ""},
		{"hashtags kept by config", "sun #beach", "sun #beach", with(func(s *CleanSettings) { s.Hashtags = "keep" }), ""},
		{"user tags", "with @anna and @bob.b!", "with and !", plain, ""},
		{"a mail address is no user tag", "write to me@example.org", "write to me@example.org", plain, ""},
		{"links", "look https://example.org/a?b=c#d or www.example.org here", "look or here", plain, ""},
		{"links kept by config", "look http://a.b", "look http://a.b", with(func(s *CleanSettings) { s.Links = "keep" }), ""},
		{"whitespace", " a\t\tb\n c  ", "a b c", plain, ""},
		{"whitespace kept by config", " a  b", " a  b", with(func(s *CleanSettings) { s.Whitespace = "keep" }), ""},
		{"control characters", "a\x00b\x07c\u200bd", "abcd", plain, ""},
		{"a family of emoji stays whole", "us 👨‍👩‍👧‍👦!", "us 👨‍👩‍👧‍👦!", plain, ""},
		{"variation selectors and skin tones stay", "❤️ 👍🏽", "❤️ 👍🏽", plain, ""},
		{"NFC", "cafe\u0301", "café", plain, ""},
		{"lower case by config", "ÄB", "äb", with(func(s *CleanSettings) { s.Lowercase = true }), ""},
		{"truncated to graphemes, none cut", "ab👨‍👩‍👧‍👦cd", "ab👨‍👩‍👧‍👦", with(func(s *CleanSettings) { s.MaxLength = 3 }), "grapheme"},
		{"truncated to code points", "abcd", "abc", with(func(s *CleanSettings) { s.MaxLength = 3 }), "codepoint"},
		{"dropped by config", "abcd", "", with(func(s *CleanSettings) { s.MaxLength, s.OverLength = 3, "drop" }), "codepoint"},
		{"nothing left", "#only #tags", "", plain, ""},
	} {
		if c.unit == "" {
			c.unit = "grapheme"
		}
		if got, _ := Clean(c.raw, c.s, c.unit); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.reason, c.raw, got, c.want)
		}
	}
}

func TestCleanCounts(t *testing.T) {
	_, got := Clean("hi #a #b @c http://d.e \x01", plain, "grapheme")
	want := CleanStats{Captions: 1, Changed: 1, Hashtags: 2, UserTags: 1, Links: 1, Control: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzClean: whatever comes in, what comes out is valid, normal, short enough, and clean.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a #b @c", "👨‍👩‍👧‍👦#x", "http://a\xff", "e\u0301\u0301#\u0301a", "@@a ##b", "www.www.a b", strings.Repeat("ä", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text, _ := Clean(raw, plain, "grapheme")
		if !utf8.ValidString(text) || !norm.NFC.IsNormalString(text) {
			t.Errorf("%q became %q: not valid UTF-8 in NFC", raw, text)
		}
		if n := uniseg.GraphemeClusterCount(text); n > plain.MaxLength {
			t.Errorf("%q became %d graphemes", raw, n)
		}
		if again, _ := Clean(text, plain, "grapheme"); again != text {
			t.Errorf("%q became %q, and cleaned again %q", raw, text, again)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for b.Loop() {
		Clean("A child in a pink dress is climbing up a set of stairs in an entry way .", plain, "grapheme")
	}
}
