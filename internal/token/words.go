package token

import (
	"strings"
	"unicode"
)

// words cuts text into lower-case words: runs of letters, their accents, digits and apostrophes ("don't"; a
// typographic apostrophe becomes a plain one). Punctuation, symbols and emoji are left out, and so are apostrophes
// around a word, which quote; but an ending that stands apart ("the dog 's ball", as Flickr8k has it) keeps its own.
func words(text, _ string) []string {
	runs := strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(text), "’", "'"), func(r rune) bool {
		return r != '\'' && !alphanumeric(r) && !accent(r)
	})
	out := runs[:0]
	for _, run := range runs {
		word := strings.Trim(run, "'")
		if !strings.ContainsFunc(word, alphanumeric) {
			continue
		}
		if run[0] == '\'' && len(word) <= longestEnding {
			word = "'" + word
		}
		out = append(out, word)
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
