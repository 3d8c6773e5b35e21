package token

import (
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Units cuts text into characters: code points, or grapheme clusters, which keep an emoji of several code points
// whole. Joined, they are the text again, byte for byte; an invalid byte is a unit.
func Units(text, unit string) []string {
	out := make([]string, 0, len(text))
	state := -1
	for text != "" {
		if plainByte(text[0]) && (len(text) == 1 || unit == "codepoint" || plainByte(text[1])) { // an ASCII character before another is a cluster
			out, text, state = append(out, text[:1]), text[1:], -1
			continue
		}
		var character string
		if unit == "codepoint" {
			_, size := utf8.DecodeRuneInString(text)
			character, text = text[:size], text[size:]
		} else {
			character, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		}
		out = append(out, character)
	}
	return out
}

func plainByte(c byte) bool { return c >= ' ' && c < 0x7f }
