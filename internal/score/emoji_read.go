package score

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// What is left of emoji sequences that were broken.
const (
	BrokenJoiner  = "joiner"             // a zero-width joiner without an emoji on both sides
	BrokenStyle   = "variation selector" // without a character that has an emoji style
	BrokenFlag    = "regional indicator" // one alone
	BrokenSkin    = "skin tone"          // without a character that takes one
	BrokenKeycap  = "keycap mark"        // without a digit, # or *
	BrokenTag     = "tag"                // without a flag before, or without the end of its sequence
	joiner        = '\u200d'
	textStyle     = '\ufe0e'
	emojiStyle    = '\ufe0f'
	keycapMark    = '\u20e3'
	tagEnd        = '\U000e007f'
	firstTag      = '\U000e0020'
	firstSkinTone = '\U0001f3fb'
	lastSkinTone  = '\U0001f3ff'
)

// EmojiText are the emoji of a text.
type EmojiText struct {
	Whole     []string // each without U+FE0F, so that an emoji that was typed without its variation selectors is the same
	Sequences int      // how many of them are made of several code points
	Broken    []string // the kinds of the fragments
}

// ReadEmoji finds the emoji of a text, grapheme cluster by grapheme cluster, after UTS #51: what has an emoji presentation by
// itself or by U+FE0F, with a skin tone or without; flags of two regional indicators or of tags; keycaps; and all of these
// joined by zero-width joiners. So ©, ™, digits and ❤ count with U+FE0F alone. A cluster that holds a fragment of such
// a sequence is broken and no emoji. Joiners within scripts that are written with them are none of ours.
func ReadEmoji(text string) (e EmojiText) {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return e
	}
	for state := -1; text != ""; {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		if len(cluster) == 1 {
			continue
		}
		runes := []rune(cluster)
		end, whole := parseEmoji(runes)
		switch broken := fragment(runes, end); {
		case broken != "":
			e.Broken = append(e.Broken, broken)
		case whole:
			e.Whole = append(e.Whole, strings.ReplaceAll(cluster, string(emojiStyle), ""))
			if len(runes) > 1 {
				e.Sequences++
			}
		}
	}
	return e
}

// parseEmoji reads as much of a cluster as is an emoji, or a character that has text style, and says which.
func parseEmoji(c []rune) (end int, whole bool) {
	if regional(c[0]) {
		if len(c) > 1 && regional(c[1]) {
			return 2, true
		}
		return 0, false
	}
	end, whole = element(c)
	if end == 0 {
		return 0, false
	}
	if at := end; at < len(c) && tag(c[at]) { // a flag such as Scotland's
		for at < len(c) && tag(c[at]) && c[at] != tagEnd {
			at++
		}
		if at > end && at < len(c) && c[at] == tagEnd {
			end = at + 1
		}
	}
	for end+1 < len(c) && c[end] == joiner {
		n, _ := element(c[end+1:])
		if n == 0 {
			break
		}
		end, whole = end+1+n, true
	}
	return end, whole
}

// element reads a character with its style, its skin tone or its keycap.
func element(c []rune) (end int, whole bool) {
	r := c[0]
	if !unicode.Is(emojiRunes, r) || skinTone(r) || regional(r) {
		return 0, false
	}
	next := func(n int) rune {
		if n < len(c) {
			return c[n]
		}
		return 0
	}
	keycap := r < 0x80
	switch {
	case keycap && next(1) == keycapMark:
		return 2, true
	case keycap && next(1) == emojiStyle && next(2) == keycapMark:
		return 3, true
	case next(1) == textStyle:
		return 2, false
	case unicode.Is(emojiModifierBase, r) && skinTone(next(1)):
		return 2, true
	case unicode.Is(emojiModifierBase, r) && next(1) == emojiStyle && skinTone(next(2)): // as older systems wrote it
		return 3, true
	case next(1) == emojiStyle:
		return 2, true
	}
	return 1, unicode.Is(emojiPresentation, r)
}

// fragment is the first kind of fragment in a cluster from a place on.
func fragment(c []rune, from int) string {
	for n := from; n < len(c); n++ {
		switch r := c[n]; {
		case r == joiner && !(n > 0 && joining(c[n-1])):
			return BrokenJoiner
		case r == emojiStyle || r == textStyle:
			return BrokenStyle
		case regional(r):
			return BrokenFlag
		case skinTone(r):
			return BrokenSkin
		case r == keycapMark:
			return BrokenKeycap
		case tag(r):
			return BrokenTag
		}
	}
	return ""
}

// joining reports whether r belongs to a script in which joiners shape letters, as those of India.
func joining(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M) && !unicode.In(r, unicode.Latin, unicode.Variation_Selector) && r != keycapMark
}

func regional(r rune) bool { return unicode.Is(unicode.Regional_Indicator, r) }
func skinTone(r rune) bool { return r >= firstSkinTone && r <= lastSkinTone }
func tag(r rune) bool      { return r >= firstTag && r <= tagEnd }
