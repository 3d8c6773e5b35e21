package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// cut cuts text into words: runs of letters, their accents, digits and apostrophes ("don't"; a typographic apostrophe
// becomes a plain one). Apostrophes around a word are quotes and none of it; but an ending that stands apart ("the
// dog 's ball", as Flickr8k has it) keeps its own, as any word of at most two bytes does ("rock 'n roll"). Between words stand emoji, whole, and signs of punctuation, each by
// itself: left out or kept as the settings say. Other characters are left out.
func (s WordSettings) cut(text string) []string {
	text = strings.ReplaceAll(text, "’", "'")
	var out []string
	run := 0 // where the word that ends before n began
	for n := 0; n < len(text); {
		r, size := utf8.DecodeRuneInString(text[n:])
		picture := pictograph(r, text[n+size:])
		if !picture && (r == '\'' || alphanumeric(r) || accent(r)) {
			n += size
			continue
		}
		out = s.word(out, text[run:n])
		switch {
		case picture:
			cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text[n:], -1)
			if s.Emoji == keep {
				out = append(out, cluster)
			}
			size = len(cluster)
		case s.Punctuation == keep && sign(r) && (r != utf8.RuneError || size > 1): // not a byte that is no UTF-8
			out = append(out, text[n:n+size])
		}
		n += size
		run = n
	}
	return s.word(out, text[run:])
}

// word appends a run's word, and its quotes where punctuation is kept.
func (s WordSettings) word(out []string, run string) []string {
	if s.Lowercase {
		run = strings.ToLower(run)
	}
	word := strings.Trim(run, "'")
	if !strings.ContainsFunc(word, alphanumeric) {
		return s.quotes(out, strings.Count(run, "'"))
	}
	before := strings.Index(run, word)
	after := len(run) - before - len(word)
	if before > 0 && len(word) <= longestEnding {
		word, before = "'"+word, before-1
	}
	out = append(s.quotes(out, before), word)
	return s.quotes(out, after)
}

func (s WordSettings) quotes(out []string, n int) []string {
	for range n {
		if s.Punctuation == keep {
			out = append(out, "'")
		}
	}
	return out
}

// longestEnding is the length of 'll, 're and 've.
const longestEnding = 2

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// accent reports whether r is a mark that words are written with; variation selectors are an emoji's.
func accent(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Mc) && !unicode.Is(unicode.Variation_Selector, r)
}

// sign reports whether r is punctuation or a symbol.
func sign(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

// pictograph reports whether an emoji begins with r: it stands in the blocks of pictographs, or what follows makes a
// picture (U+FE0F) or a keycap (U+20E3) of it.
func pictograph(r rune, rest string) bool {
	if r < 0x2300 {
		return (alphanumeric(r) || sign(r)) && (strings.HasPrefix(rest, "\ufe0f") || strings.HasPrefix(rest, "\u20e3"))
	}
	return r <= 0x23ff || r >= 0x2600 && r <= 0x27bf || r >= 0x2b00 && r <= 0x2bff || r >= 0x1f000 && r <= 0x1faff ||
		(alphanumeric(r) || sign(r)) && strings.HasPrefix(rest, "\ufe0f")
}
