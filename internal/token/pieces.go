package token

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pieces cuts text as GPT-2 does before it merges bytes (Radford et al. 2019, encoder.py):
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// that is, endings, and runs of letters, of numbers and of other signs, each with the space before it. Joined, the
// pieces are the text again.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			n := pieceLength(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

var endings = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

func pieceLength(text string) int {
	for _, ending := range endings {
		if strings.HasPrefix(text, ending) {
			return len(ending)
		}
	}
	from := 0
	if text[0] == ' ' {
		from = 1
	}
	if first, size := utf8.DecodeRuneInString(text[from:]); size > 0 {
		if c := classOf(first); c != spaceClass {
			return from + run(text[from:], c)
		}
	}
	// White space; its last character goes with what follows, unless nothing does.
	n := run(text, spaceClass)
	if n == len(text) {
		return n
	}
	if _, last := utf8.DecodeLastRuneInString(text[:n]); last < n {
		return n - last
	}
	return n
}

// run is the length of the characters of one class that text begins with.
func run(text string, c class) int {
	for n, r := range text {
		if classOf(r) != c {
			return n
		}
	}
	return len(text)
}

type class int

const (
	otherClass class = iota
	spaceClass
	letterClass
	numberClass
)

func classOf(r rune) class {
	switch {
	case unicode.IsSpace(r):
		return spaceClass
	case unicode.IsLetter(r):
		return letterClass
	case unicode.IsNumber(r):
		return numberClass
	}
	return otherClass
}
