package dataset

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// CleanStats counts what cleaning did. Hashtags, user tags, links and control characters are occurrences; the
// rest are captions.
type CleanStats struct {
	Captions, Changed         int
	Hashtags, UserTags, Links int
	Control                   int
	Truncated, Dropped        int
}

// Count is one named figure.
type Count struct {
	Name  string
	Count int
}

// Counts lists the figures for a report.
func (s CleanStats) Counts() []Count {
	return []Count{{"captions read", s.Captions}, {"captions changed", s.Changed}, {"hashtags removed", s.Hashtags},
		{"user tags removed", s.UserTags}, {"links removed", s.Links}, {"control characters removed", s.Control},
		{"captions truncated", s.Truncated}, {"captions dropped", s.Dropped}}
}

func (s CleanStats) plus(o CleanStats) CleanStats {
	return CleanStats{s.Captions + o.Captions, s.Changed + o.Changed, s.Hashtags + o.Hashtags, s.UserTags + o.UserTags,
		s.Links + o.Links, s.Control + o.Control, s.Truncated + o.Truncated, s.Dropped + o.Dropped}
}

// Clean cleans one caption: what the settings remove, then the length. unit, "codepoint" or "grapheme", is what
// the length counts; by either, truncation cuts between grapheme clusters, so that an emoji is whole or gone.
//
// The text is valid UTF-8 in NFC (invalid bytes become U+FFFD), has at most MaxLength units, and cleaning it again
// changes nothing. It is empty when the caption is dropped or nothing is left of it.
func Clean(raw string, s CleanSettings, unit string) (text string, stats CleanStats) {
	stats.Captions = 1
	text = strings.ToValidUTF8(raw, "\uFFFD")
	for { // again while it changes something: what is removed may have stood between the parts of a tag or a link
		before := text
		if text = cleanOnce(text, s, &stats); text == before {
			break
		}
	}
	if end := fitting(text, s.MaxLength, unit); end < len(text) {
		switch text = text[:end]; {
		case s.OverLength == "drop":
			text = ""
		case s.Whitespace == "collapse":
			text = strings.TrimSpace(text)
		}
		if text != "" {
			stats.Truncated++
		}
	}
	if text == "" {
		stats.Dropped++
	}
	if text != raw {
		stats.Changed++
	}
	return text, stats
}

// cleanOnce does all but the length. Each of its steps leaves text that it would not change again alone.
func cleanOnce(text string, s CleanSettings, stats *CleanStats) string {
	text = norm.NFC.String(text)
	text = removeMarked(text, s, stats)
	if s.Control == "remove" {
		text = strings.Map(func(r rune) rune {
			if !removable(r) {
				return r
			}
			stats.Control++
			return -1
		}, text)
	}
	if s.Lowercase {
		text = strings.ToLower(text)
	}
	if s.Whitespace == "collapse" && !collapsed(text) {
		text = strings.Join(strings.Fields(text), " ")
	}
	return text
}

// removable reports whether r is a control character: Unicode's own, whitespace apart, and the invisible ones that
// copied text carries along. The joiners, variation selectors and tag characters that emoji (and scripts such as
// Persian) are made with are none.
func removable(r rune) bool {
	switch {
	case r < 0x80:
		return (r < ' ' && !unicode.IsSpace(r)) || r == 0x7f
	case unicode.IsControl(r):
		return !unicode.IsSpace(r)
	case r == '\u200c' || r == '\u200d':
		return false
	}
	return r == '\u00ad' || // soft hyphen
		r >= '\u200b' && r <= '\u200f' || r >= '\u202a' && r <= '\u202e' || // zero width space, writing directions
		r >= '\u2060' && r <= '\u206f' || r == '\ufeff' || // word joiner, isolates, byte order mark
		r >= '\ufff9' && r <= '\ufffb' // annotation
}

// collapsed reports, cheaply, whether ASCII text has no whitespace to collapse.
func collapsed(text string) bool {
	space := true // before the text
	for n := range len(text) {
		switch c := text[n]; {
		case c >= utf8.RuneSelf || c < ' ':
			return false
		case c == ' ' && space:
			return false
		default:
			space = c == ' '
		}
	}
	return !space || text == ""
}

// fitting returns where to cut text so that at most limit units are left and no grapheme cluster is cut: len(text)
// when it fits.
func fitting(text string, limit int, unit string) int {
	if len(text) <= limit { // no text has more units than bytes
		return len(text)
	}
	units, end, state := 0, 0, -1
	for rest := text; rest != ""; {
		var cluster string
		if len(rest) > 1 && plainByte(rest[0]) && plainByte(rest[1]) { // an ASCII character before another is a cluster
			cluster, rest, state = rest[:1], rest[1:], -1
		} else {
			cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		}
		if units++; unit == "codepoint" {
			units += utf8.RuneCountInString(cluster) - 1
		}
		if units > limit {
			return end
		}
		end += len(cluster)
	}
	return end
}

func plainByte(c byte) bool { return c >= ' ' && c < 0x7f }
