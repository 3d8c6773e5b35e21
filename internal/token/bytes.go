package token

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// byteLevelSize is the size of a vocabulary of bytes, special tokens included.
const byteLevelSize = int(specials) + 256

// replacement stands for what is no character.
const replacement = "\uFFFD"

// alphabet is how GPT-2's files write bytes (Radford et al. 2019, encoder.py, bytes_to_unicode): printable characters of
// Latin-1 stand for themselves, U+0100 and on for the other bytes. In the order of these characters, as Hugging Face's
// trainer sorts them, the bytes have their ids.
type alphabet struct {
	order   []byte
	printed [256]rune
	bytes   map[rune]byte
}

func newAlphabet() *alphabet {
	a := &alphabet{order: make([]byte, 0, 256), bytes: make(map[rune]byte, 256)}
	for _, span := range [][2]int{{'!', '~'}, {0xa1, 0xac}, {0xae, 0xff}, {0, ' '}, {0x7f, 0xa0}, {0xad, 0xad}} {
		for b := span[0]; b <= span[1]; b++ {
			r := rune(b)
			if n := len(a.order); n >= printableBytes {
				r = rune(0x100 + n - printableBytes)
			}
			a.order, a.printed[b], a.bytes[r] = append(a.order, byte(b)), r, byte(b)
		}
	}
	return a
}

// printableBytes is how many bytes are written as themselves.
const printableBytes = 188

func (a *alphabet) write(bytes string) string {
	var b strings.Builder
	for n := range len(bytes) {
		b.WriteRune(a.printed[bytes[n]])
	}
	return b.String()
}

func (a *alphabet) read(text string) (string, error) {
	bytes := make([]byte, 0, len(text))
	for _, r := range text {
		b, ok := a.bytes[r]
		if !ok {
			return "", fmt.Errorf("%q stands for no byte", r)
		}
		bytes = append(bytes, b)
	}
	if len(bytes) == 0 {
		return "", errors.New("an empty token")
	}
	return string(bytes), nil
}

// readable shows bytes to people: whole characters as they are, other bytes as <0xF0>.
func readable(bytes string) string {
	if utf8.ValidString(bytes) {
		return bytes
	}
	var b strings.Builder
	for n := 0; n < len(bytes); {
		r, size := utf8.DecodeRuneInString(bytes[n:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, "<0x%02X>", bytes[n])
		} else {
			b.WriteString(bytes[n : n+size])
		}
		n += size
	}
	return b.String()
}

// toUTF8 replaces bytes that are no UTF-8 as Unicode recommends (3.9, "substitution of maximal subparts"; Python's and
// the web's way): the beginning of a character that is not finished becomes one U+FFFD, any other byte one each.
func toUTF8(bytes string) string {
	if utf8.ValidString(bytes) {
		return bytes
	}
	var b strings.Builder
	for n := 0; n < len(bytes); {
		r, size := utf8.DecodeRuneInString(bytes[n:])
		if r == utf8.RuneError && size == 1 {
			b.WriteString(replacement)
			size = subpart(bytes[n:])
		} else {
			b.WriteString(bytes[n : n+size])
		}
		n += size
	}
	return b.String()
}

// subpart is the length of the maximal part of a character that ill-formed bytes begin with, at least 1.
func subpart(bytes string) int {
	length, low, high := 0, byte(0x80), byte(0xbf) // of the character, and what its second byte may be
	switch lead := bytes[0]; {
	case lead >= 0xc2 && lead <= 0xdf:
		length = 2
	case lead >= 0xe0 && lead <= 0xef:
		length = 3
		switch lead {
		case 0xe0:
			low = 0xa0
		case 0xed:
			high = 0x9f
		}
	case lead >= 0xf0 && lead <= 0xf4:
		length = 4
		switch lead {
		case 0xf0:
			low = 0x90
		case 0xf4:
			high = 0x8f
		}
	}
	n := 1
	for ; n < length && n < len(bytes) && bytes[n] >= low && bytes[n] <= high; n++ {
		low, high = 0x80, 0xbf
	}
	return n
}
