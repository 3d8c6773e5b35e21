package token

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// Stats describe a tokenizer on some captions.
type Stats struct {
	Vocabulary           int
	Captions             int
	TokensPerCaption     float64
	CharactersPerCaption float64 // code points
	UnknownRate          float64 // share of tokens
	Fertility            float64 // tokens a word (Rust et al. 2021), where words are what white space separates
}

// Describe measures a tokenizer on captions.
func Describe(t Tokenizer, captions iter.Seq[string]) Stats {
	n, tokens, unknown, characters, words := 0, 0, 0, 0, 0
	for text := range captions {
		n++
		for _, id := range t.Encode(text) {
			tokens++
			if id == Unknown {
				unknown++
			}
		}
		characters += utf8.RuneCountInString(text)
		words += len(strings.Fields(text))
	}
	per := func(count, of int) float64 { return float64(count) / float64(max(of, 1)) }
	return Stats{Vocabulary: t.Size(), Captions: n, TokensPerCaption: per(tokens, n), CharactersPerCaption: per(characters, n),
		UnknownRate: per(unknown, tokens), Fertility: per(tokens, words)}
}
