package dataset

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// CleanStats counts what cleaning did. Hashtags and the like are occurrences; the rest are captions.
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

// A hashtag or a user tag begins a word and has a letter: "#1", "C#", keycap emoji and mail addresses stay.
var (
	hashtag = regexp.MustCompile(`(^|[\s\p{P}\p{So}\x{200d}\x{fe0f}])#[\p{L}\p{M}\p{N}_]*\p{L}[\p{L}\p{M}\p{N}_]*`)
	userTag = regexp.MustCompile(`(^|[\s\p{P}\p{So}\x{200d}\x{fe0f}])@[\p{L}\p{N}_][\p{L}\p{N}_.]*`)
	link    = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)
)

// Clean cleans one caption: NFC first, then what the settings remove, then the length. unit, "codepoint" or
// "grapheme", is what the length counts; a grapheme cluster is never cut. The text is empty when the caption is
// dropped or nothing is left of it.
func Clean(raw string, s CleanSettings, unit string) (string, CleanStats) {
	stats := CleanStats{Captions: 1}
	text := norm.NFC.String(strings.ToValidUTF8(raw, "\uFFFD"))
	if s.Links == "remove" && strings.ContainsAny(text, "/.") {
		text = link.ReplaceAllStringFunc(text, func(string) string { stats.Links++; return " " })
	}
	if s.Hashtags == "remove" && strings.Contains(text, "#") {
		text = removeTags(hashtag, text, &stats.Hashtags)
	}
	if s.UserTags == "remove" && strings.Contains(text, "@") {
		text = removeTags(userTag, text, &stats.UserTags)
	}
	if s.Control == "remove" {
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && !unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' {
				stats.Control++
				return -1
			}
			return r
		}, text)
	}
	if s.Lowercase {
		text = strings.ToLower(text)
	}
	if s.Whitespace == "collapse" {
		text = strings.Join(strings.Fields(text), " ")
	}
	text = norm.NFC.String(text) // removals may have brought combining marks together
	if short, cut := truncate(text, s.MaxLength, unit); cut {
		if s.OverLength == "drop" {
			stats.Dropped++
			stats.Changed++
			return "", stats
		}
		if text = short; s.Whitespace == "collapse" {
			text = strings.TrimSpace(text)
		}
		stats.Truncated++
	}
	if text == "" {
		stats.Dropped++
	}
	if text != raw {
		stats.Changed++
	}
	return text, stats
}

// removeTags removes tags but keeps what stands before them; it repeats, since tags may follow one another.
func removeTags(tag *regexp.Regexp, text string, count *int) string {
	for {
		next := tag.ReplaceAllStringFunc(text, func(match string) string {
			*count++
			first, size := utf8.DecodeRuneInString(match)
			if first == '#' || first == '@' {
				return " "
			}
			return match[:size]
		})
		if next == text {
			return text
		}
		text = next
	}
}

// truncate returns the first limit units of text and whether anything was cut off.
func truncate(text string, limit int, unit string) (string, bool) {
	if len(text) <= limit { // no text has more units than bytes
		return text, false
	}
	if unit == "codepoint" {
		n := 0
		for at := range text {
			if n == limit {
				return text[:at], true
			}
			n++
		}
		return text, false
	}
	rest, state, n, at := text, -1, 0, 0
	for rest != "" {
		if n == limit {
			return text[:at], true
		}
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(cluster)
		n++
	}
	return text, false
}
