package ptb

import (
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// cut turns the match of a rule at l.at, whose token ends at end, into its text, and moves l.at to where the next
// token begins. ok is false where nothing comes out.
func (l *lexer) cut(r, end int) (text string, ok bool) {
	from := l.at
	l.at = end
	rule := rules[r]
	switch rule.do {
	case skip:
		return "", false
	case become:
		return lower(rule.arg), true
	case dashes:
		if n := end - from; n == 3 || n == 4 {
			return "--", true
		}
	case split:
		l.at -= len(rule.arg)
		end = l.at
	case acronym:
		l.at--
		if end-from == 2 {
			end--
		}
	case period:
		l.at--
	}
	if rule.do < joint {
		if text = l.file.plain[from:end]; ascii(text) {
			return text, true
		}
	}
	text = string(utf16.Decode(l.text[from:end]))
	switch rule.do {
	case noHyphen:
		if text = strings.ReplaceAll(text, "\u00ad", ""); text == "" {
			text = "-"
		}
	case joint:
		text = strings.ReplaceAll(text, " ", "\u00a0")
	case parens:
		text = brackets.Replace(text)
	case jointParens:
		text = brackets.Replace(strings.ReplaceAll(text, " ", "\u00a0"))
	case plainAmp:
		text = ampersand.ReplaceAllString(text, "&")
	case leftQuote:
		text = quotes.Replace(opening.Replace(text))
	case rightQuote:
		text = quotes.Replace(closing.Replace(text))
	case money:
		text = currencies.Replace(text)
	case vulgar:
		text = fractions.Replace(text)
	}
	return lower(text), true
}

func ascii(text string) bool {
	for n := range len(text) {
		if text[n] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var (
	ampersand  = regexp.MustCompile(`(?i:&amp;)`)
	brackets   = strings.NewReplacer("(", "-LRB-", ")", "-RRB-")
	opening    = strings.NewReplacer("&apos;", "`", "'", "`", "&quot;", "``", `"`, "``")
	closing    = strings.NewReplacer("&apos;", "'", "&quot;", "''", `"`, "''")
	quotes     = strings.NewReplacer("\u0091", "`", "‘", "`", "‛", "`", "‹", "`", "\u0092", "'", "’", "'", "›", "'", "\u0093", "``", "“", "``", "«", "``", "\u0094", "''", "”", "''", "»", "''")
	currencies = strings.NewReplacer("¢", "cents", "£", "#", "\u0080", "$", "¤", "$", "₠", "$", "€", "$")
	fractions  = strings.NewReplacer("¼", "1/4", "½", "1/2", "¾", "3/4", "⅓", "1/3", "⅔", "2/3")
)
