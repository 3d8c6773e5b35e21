package ptb

import (
	"regexp"
	"strings"
	"unicode"
)

// lower turns text into lower case as Java does: beside the simple mapping, a sigma at the end of a word becomes the
// final one and İ keeps its dot.
func lower(text string) string {
	if !strings.ContainsAny(text, "Σİ") {
		return strings.ToLower(text)
	}
	runes := []rune(text)
	kinds := wordKinds(runes)
	var b strings.Builder
	for _, at := range cutWords(kinds) {
		before := false // a character with a case
		for n := at[0]; n < at[1]; n++ {
			switch r := runes[n]; {
			case r == 'İ':
				b.WriteString("i\u0307")
			case r == 'Σ' && before && !anyCased(runes[n+1:at[1]]):
				b.WriteRune('ς')
			default:
				b.WriteRune(unicode.ToLower(r))
			}
			before = before || anyCased(runes[n:n+1])
		}
	}
	return b.String()
}

func anyCased(runes []rune) bool {
	for _, r := range runes {
		if unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) {
			return true
		}
	}
	return false
}

// word is a word to Java's BreakIterator, by its characters' kinds: letters with single signs inside, and numbers
// with signs of theirs, in turn. Accents (i) belong to what they follow.
var word = regexp.MustCompile(`^[p]?i*(?:(?:li*)+(?:[mb](?:li*)+)*)?(?:(?:di*)+(?:[nb](?:di*)+)*(?:li*)+(?:[mb](?:li*)+)*)*(?:(?:di*)+(?:[nb](?:di*)+)*%?i*)?`)

// cutWords returns where words begin and end; what is in no word stands for itself.
func cutWords(kinds []byte) (out [][2]int) {
	for at := 0; at < len(kinds); {
		end := at + max(1, word.FindIndex(kinds[at:])[1])
		out = append(out, [2]int{at, end})
		at = end
	}
	return out
}

// wordKinds gives every character its kind: l a letter, d a digit, i an accent, and signs: m inside words, n inside
// numbers, b inside both, p before and % after a number.
func wordKinds(runes []rune) []byte {
	kinds := make([]byte, len(runes))
	for n, r := range runes {
		kinds[n] = ' '
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
			kinds[n] = 'i'
		case strings.ContainsRune("\"'.", r):
			kinds[n] = 'b'
		case r == ',' || r == '\u066b':
			kinds[n] = 'n'
		case unicode.In(r, unicode.Pd, unicode.Pc) || r == '\u00ad' || r == '\u2027':
			kinds[n] = 'm'
		case unicode.Is(unicode.Cf, r):
			kinds[n] = 'i'
		case strings.ContainsRune("¢%\u066a‰‱", r):
			kinds[n] = '%'
		case unicode.Is(unicode.Sc, r) || r == '#':
			kinds[n] = 'p'
		case unicode.IsNumber(r):
			kinds[n] = 'd'
		case unicode.In(r, unicode.Han, unicode.Katakana, unicode.Hiragana):
		case unicode.In(r, unicode.L, unicode.Mc):
			kinds[n] = 'l'
		}
	}
	return kinds
}
