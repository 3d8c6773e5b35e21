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
		{"a keycap emoji before a word is none either", "#️⃣top 1️⃣#one", "#️⃣top 1️⃣", plain, ""},
		{"a web page's encoded apostrophe is no hashtag", "it&#x27;s &#39;ok&#39;", "it&#x27;s &#39;ok&#39;", plain, ""},
		{"hashtags right after emoji: skin tone, flag of tag characters, variation selector", "👍🏽#a 🏴󠁧󠁢󠁥󠁮󠁧󠁿#b ☎️#c", "👍🏽 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☎️", plain, ""},
		{"an emoji after a hashtag is kept", "day #love❤️👨‍👩‍👧‍👦", "day ❤️👨‍👩‍👧‍👦", plain, ""},
		{"hashtags of other scripts, full-width sign", "空 #日本語 ＃海 #می‌خواهم #été", "空", plain, ""},
		{"a hashtag put together by removing a control character", "a #\x00b", "a", plain, ""},
		{"user tags", "with @anna and @bob.b!", "with and !", plain, ""},
		{"the full stop after a user tag stays", "with @anna. Bye", "with . Bye", plain, ""},
		{"user tags kept by config", "by @anna #x", "by @anna", with(func(s *CleanSettings) { s.UserTags = "keep" }), ""},
		{"a lone at sign is no user tag", "3 @ 4 :@ @", "3 @ 4 :@ @", plain, ""},
		{"a mail address is no user tag", "write to me@example.org", "write to me@example.org", plain, ""},
		{"links", "look https://example.org/a?b=c#d or www.example.org here", "look or here", plain, ""},
		{"a link ends before the sentence's punctuation and before an emoji", "(see HTTPS://a.b/c). WWW.x.y😀", "(see ). 😀", plain, ""},
		{"the start of a link alone is none", "www. and http:// and swww.a", "www. and http:// and swww.a", plain, ""},
		{"a kept link keeps what looks like tags in it", "http://a.b/@c/#d @e", "http://a.b/@c/#d", with(func(s *CleanSettings) { s.Links = "keep" }), ""},
		{"links kept by config", "look http://a.b", "look http://a.b", with(func(s *CleanSettings) { s.Links = "keep" }), ""},
		{"whitespace", " a\t\tb\n c  ", "a b c", plain, ""},
		{"whitespace kept by config", " a  b", " a  b", with(func(s *CleanSettings) { s.Whitespace = "keep" }), ""},
		{"control characters", "a\x00b\x07c\u200bd", "abcd", plain, ""},
		{"invisible characters that copied text carries", "\ufeffa\u202eb\u00adc\u2060", "abc", plain, ""},
		{"control characters kept by config", "a\x01b", "a\x01b", with(func(s *CleanSettings) { s.Control = "keep" }), ""},
		{"bytes that are not UTF-8", "caf\xe9", "caf\ufffd", plain, ""},
		{"a family of emoji stays whole", "us 👨‍👩‍👧‍👦!", "us 👨‍👩‍👧‍👦!", plain, ""},
		{"variation selectors and skin tones stay", "❤️ 👍🏽", "❤️ 👍🏽", plain, ""},
		{"NFC", "cafe\u0301", "café", plain, ""},
		{"lower case by config", "ÄB", "äb", with(func(s *CleanSettings) { s.Lowercase = true }), ""},
		{"truncated to graphemes, none cut", "ab👨‍👩‍👧‍👦cd", "ab👨‍👩‍👧‍👦", with(func(s *CleanSettings) { s.MaxLength = 3 }), "grapheme"},
		{"a cluster is not cut by code points either", "ab👨‍👩‍👧‍👦", "ab", with(func(s *CleanSettings) { s.MaxLength = 8 }), "codepoint"},
		{"and stays where its code points fit", "ab👨‍👩‍👧‍👦c", "ab👨‍👩‍👧‍👦", with(func(s *CleanSettings) { s.MaxLength = 9 }), "codepoint"},
		{"no space is left where it was cut", "ab cd", "ab", with(func(s *CleanSettings) { s.MaxLength = 3 }), "grapheme"},
		{"an accent that NFC can't join counts with its letter", "x̣̄x̣̄x̣̄", "x̣̄x̣̄", with(func(s *CleanSettings) { s.MaxLength = 2 }), "grapheme"},
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
	short, dropping := plain, plain
	short.MaxLength, dropping.MaxLength, dropping.OverLength = 3, 3, "drop"
	for _, c := range []struct {
		reason, raw string
		s           CleanSettings
		want        CleanStats
	}{
		{"clean already", "hi", plain, CleanStats{Captions: 1}},
		{"one of each, two hashtags", "hi #a #b @c http://d.e \x01", plain, CleanStats{Captions: 1, Changed: 1, Hashtags: 2, UserTags: 1, Links: 1, Control: 1}},
		{"truncated", "hello", short, CleanStats{Captions: 1, Changed: 1, Truncated: 1}},
		{"dropped as too long", "hello", dropping, CleanStats{Captions: 1, Changed: 1, Dropped: 1}},
		{"dropped as nothing is left", "@c", plain, CleanStats{Captions: 1, Changed: 1, UserTags: 1, Dropped: 1}},
	} {
		if _, got := Clean(c.raw, c.s, "grapheme"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.reason, got, c.want)
		}
	}
	sum := CleanStats{Captions: 1, Changed: 1, Hashtags: 2}.plus(CleanStats{Captions: 1, Links: 1})
	if sum != (CleanStats{Captions: 2, Changed: 1, Hashtags: 2, Links: 1}) {
		t.Errorf("the sum is %+v", sum)
	}
}

// cleanings are settings that differ in all they can.
func cleanings() []CleanSettings {
	var all []CleanSettings
	for bits := range 128 {
		pick := func(bit int, one, other string) string {
			if bits>>bit&1 == 0 {
				return one
			}
			return other
		}
		all = append(all, CleanSettings{
			Hashtags: pick(0, "remove", "keep"), UserTags: pick(1, "remove", "keep"), Links: pick(2, "remove", "keep"),
			Whitespace: pick(3, "collapse", "keep"), Control: pick(4, "remove", "keep"), Lowercase: bits>>5&1 == 1,
			OverLength: pick(6, "truncate", "drop"), MaxLength: 12,
		})
	}
	return all
}

// FuzzClean: whatever comes in and whatever the settings, what comes out is valid, normal, short enough, cut between
// grapheme clusters, and clean: cleaning it again changes nothing.
func FuzzClean(f *testing.F) {
	for n, seed := range []string{"a #b @c", "👨‍👩‍👧‍👦#x", "http://a\xff", "e\u0301\u0301#\u0301a", "@@a ##b", "www.www.a b", strings.Repeat("ä", 100),
		"\x89\x10\x00#0A0", "\u202e#\u200bA", "İ#İ", "🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪", "a\r\nb\r", "w\x00ww.a", "#️⃣a👍🏽@b"} {
		f.Add(seed, byte(n))
	}
	settings := cleanings()
	f.Fuzz(func(t *testing.T, raw string, which byte) {
		s := settings[int(which)%len(settings)]
		for _, unit := range []string{"codepoint", "grapheme"} {
			text, _ := Clean(raw, s, unit)
			if !utf8.ValidString(text) || !norm.NFC.IsNormalString(text) {
				t.Errorf("%q became %q: not valid UTF-8 in NFC", raw, text)
			}
			n := uniseg.GraphemeClusterCount(text)
			if unit == "codepoint" {
				n = utf8.RuneCountInString(text)
			}
			if n > s.MaxLength {
				t.Errorf("%q became %d units: %q", raw, n, text)
			}
			if again, _ := Clean(text, s, unit); again != text {
				t.Errorf("%+v: %q became %q, and cleaned again %q", s, raw, text, again)
			}
			long := s
			long.MaxLength, long.OverLength = 2000, "truncate"
			whole, _ := Clean(raw, long, unit)
			if !strings.HasPrefix(whole, text) || !cutsBetween(whole, len(text)) {
				t.Errorf("%q was cut inside a character: %q", whole, text)
			}
		}
	})
}

// cutsBetween reports whether at is the end of a grapheme cluster of text.
func cutsBetween(text string, at int) bool {
	end := 0
	for g := uniseg.NewGraphemes(text); end < at && g.Next(); {
		_, end = g.Positions()
	}
	return end == at
}

func BenchmarkClean(b *testing.B) {
	for b.Loop() {
		Clean("A child in a pink dress is climbing up a set of stairs in an entry way .", plain, "grapheme")
	}
}
