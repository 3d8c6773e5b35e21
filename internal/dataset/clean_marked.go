package dataset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// removeMarked removes hashtags, user tags and links as the settings say; a space takes the place of each. What
// stands within a link that is kept is no tag.
//
// As on the networks (compare github.com/twitter/twitter-text), a tag does not begin inside a word, so "C#" and
// mail addresses stay, and a hashtag has a letter, so "#1" and the keycap emoji stay. An emoji before or after a
// tag or a link is not part of it.
func removeMarked(text string, s CleanSettings, stats *CleanStats) string {
	links := hasLink(text)
	if !links && !strings.ContainsAny(text, "#@＃＠") {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	outside := true // not inside a word: a tag or a link may begin
	for at := 0; at < len(text); {
		rest := text[at:]
		r, size := utf8.DecodeRuneInString(rest)
		length, keep, count := 0, "", (*int)(nil)
		switch {
		case !outside:
		case r == '#' || r == '＃':
			length, keep, count = hashtagLength(rest), s.Hashtags, &stats.Hashtags
		case r == '@' || r == '＠':
			length, keep, count = userTagLength(rest), s.UserTags, &stats.UserTags
		case links:
			length, keep, count = linkLength(rest), s.Links, &stats.Links
		}
		switch {
		case length > 0 && keep == "remove":
			*count++
			out.WriteByte(' ')
			at += length
		case length > 0: // one that is kept, as a whole
			out.WriteString(rest[:length])
			at, outside = at+length, false
		default:
			out.WriteString(rest[:size])
			at += size
			if !attached(r) {
				outside = !inWord(r) && r != '&' // "&#39;" is an apostrophe that some web page encoded
			}
		}
	}
	return out.String()
}

// inWord reports whether r is part of a word: a letter, a digit or an underscore.
func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// attached reports whether r belongs to the character before it: accents, variation selectors.
func attached(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Mc) }

// accent is an attached character that words have; variation selectors are an emoji's.
func accent(r rune) bool { return attached(r) && !unicode.Is(unicode.Variation_Selector, r) }

// hashtagLength is the length in bytes of the hashtag that text, which begins with its sign, begins with; 0 for none.
func hashtagLength(text string) int {
	_, sign := utf8.DecodeRuneInString(text)
	end, letter := sign, false
	for at, r := range text[sign:] {
		if joiner := r == '\u200c' || r == '\u200d'; joiner && at > 0 {
			continue // part of the tag when more of it follows
		} else if !inWord(r) && (!accent(r) || at == 0) {
			break
		}
		end = sign + at + utf8.RuneLen(r)
		letter = letter || unicode.IsLetter(r)
	}
	if !letter {
		return 0
	}
	return end
}

// userTagLength is the same of a user tag, whose name may have dots inside.
func userTagLength(text string) int {
	_, sign := utf8.DecodeRuneInString(text)
	end := 0
	for at, r := range text[sign:] {
		if inWord(r) || accent(r) && end > 0 {
			end = sign + at + utf8.RuneLen(r)
		} else if r != '.' || at == 0 {
			break
		}
	}
	return end
}

var linkStarts = []string{"https://", "http://", "www."}

func hasLink(text string) bool {
	return strings.Contains(text, "://") || strings.ContainsAny(text, "wW") && strings.Contains(strings.ToLower(text), "www.")
}

// linkLength is the same of a link: up to a space or an emoji, without the punctuation that ends a sentence.
func linkLength(text string) int {
	for _, start := range linkStarts {
		if len(text) <= len(start) || !strings.EqualFold(text[:len(start)], start) {
			continue
		}
		end := 0
		for at, r := range text[len(start):] {
			if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.So, unicode.Sk) {
				break
			}
			if !strings.ContainsRune(".,;:!?()[]{}<>'\"`*_~|…“”‘’«»、。，！？）", r) {
				end = len(start) + at + utf8.RuneLen(r)
			}
		}
		return end
	}
	return 0
}
