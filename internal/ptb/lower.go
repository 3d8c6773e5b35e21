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
	var b strings.Builder
	for _, at := range cutWords(runes) {
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
// with signs of theirs, in turn. Accents (i) and format characters (f) belong to what they follow.
var word = regexp.MustCompile(strings.NewReplacer("LETTERS", `(?:l[if]*)+(?:[mb]f*(?:l[if]*)+)*`, "NUMBER", `(?:d[if]*)+(?:[nb]f*(?:d[if]*)+)*`).
	Replace(`^p?[if]*(?:LETTERS)?(?:NUMBERLETTERS)*(?:NUMBER%?[if]*)?`))

// cutWords returns where words begin and end; what is in no word stands for itself. Java takes the place behind a character beyond 16 bits for
// a word's end, but where it is the text's first: it looks there from between its two halves.
func cutWords(runes []rune) (out [][2]int) {
	kinds := wordKinds(runes)
	for at := 0; at < len(kinds); {
		from, end := at, at+max(1, word.FindIndex(kinds[at:])[1])
		for n := max(at, 1); n < end; n++ {
			if runes[n] > 0xffff {
				out = append(out, [2]int{from, n + 1})
				from = n + 1
			}
		}
		if from < end {
			out = append(out, [2]int{from, end})
		}
		at = end
	}
	return out
}

// ideographs and Japanese letters, as BreakIterator has them, are in no word; those that Unicode added later are letters.
var ideographs = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x3005, Hi: 0x3005, Stride: 1}, {Lo: 0x3041, Hi: 0x3094, Stride: 1}, {Lo: 0x309b, Hi: 0x309e, Stride: 1}, {Lo: 0x30a1, Hi: 0x30fe, Stride: 1},
	{Lo: 0x4e00, Hi: 0x9fa5, Stride: 1}, {Lo: 0xf900, Hi: 0xfa2d, Stride: 1},
}}

// wordKinds gives every character its kind: l a letter, d a digit, i an accent, f a format character, and signs: m inside words, n inside
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
			kinds[n] = 'f'
		case strings.ContainsRune("¢%\u066a‰‱", r):
			kinds[n] = '%'
		case unicode.Is(unicode.Sc, r) || r == '#':
			kinds[n] = 'p'
		case unicode.IsNumber(r):
			kinds[n] = 'd'
		case unicode.Is(ideographs, r):
		case unicode.In(r, unicode.L, unicode.Mc):
			kinds[n] = 'l'
		}
	}
	return kinds
}
