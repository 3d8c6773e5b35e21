package token

import (
	"iter"
	"unicode/utf8"
)

// Stats describe a tokenizer on some captions.
type Stats struct {
	Vocabulary           int
	TokensPerCaption     float64
	CharactersPerCaption float64 // code points
	UnknownRate          float64 // share of tokens
}

// Describe measures a tokenizer on captions.
func Describe(t Tokenizer, captions iter.Seq[string]) Stats {
	s, n, tokens, unknown, characters := Stats{Vocabulary: t.Size()}, 0, 0, 0, 0
	for text := range captions {
		n++
		for _, id := range t.Encode(text) {
			tokens++
			if id == Unknown {
				unknown++
			}
		}
		characters += utf8.RuneCountInString(text)
	}
	s.TokensPerCaption, s.CharactersPerCaption = float64(tokens)/float64(max(n, 1)), float64(characters)/float64(max(n, 1))
	s.UnknownRate = float64(unknown) / float64(max(tokens, 1))
	return s
}
