package config

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// The TOML decoder reports keys without their positions, so this small scanner finds them again. It reads
// documents that the decoder has accepted; on anything else it stays lenient and only has to end.

// span is a piece of one line.
type span struct {
	line   int // from 1; 0 for none
	column int // byte offset in the line, from 0
	length int // bytes, on this line
}

// place is where a key and its value stand.
type place struct{ key, value span }

// maxDepth bounds the nesting of values that the scanner follows.
const maxDepth = 200

// pathSeparator joins the parts of a key path: a part may itself hold a dot.
const pathSeparator = "\x00"

// elementName is the name under which locate enters element n of the array at path.
func elementName(path []string, n int) string {
	return fmt.Sprintf("%s%s%s%d", strings.Join(path, pathSeparator), pathSeparator, pathSeparator, n)
}

type scanner struct {
	text   string
	at     int
	line   int // of text[at], from 1
	start  int // where that line starts
	places map[string]place
}

// locate finds every key of a TOML document by its path, and the elements of arrays by elementName. Of a path that is there several times, the first counts.
func locate(text string) map[string]place {
	s := &scanner{text: text, line: 1, places: map[string]place{}}
	if strings.HasPrefix(text, "\ufeff") {
		s.at = len("\ufeff")
	}
	var table []string
	for {
		s.space(true)
		if s.at >= len(s.text) {
			return s.places
		}
		if s.peek() == '[' {
			for s.peek() == '[' {
				s.next()
			}
			var where span
			table, where = s.key()
			s.record(table, place{key: where})
			s.restOfLine()
			continue
		}
		s.pair(table, 0)
	}
}

// pair reads `key = value`.
func (s *scanner) pair(table []string, depth int) {
	parts, where := s.key()
	path := append(append([]string(nil), table...), parts...)
	if s.peek() != '=' {
		s.restOfLine()
		return
	}
	s.next()
	s.space(false)
	recorded := s.record(path, place{key: where}) // before the keys of an inline table, which record it too
	at := s.value(path, depth)
	for _, name := range recorded {
		s.places[name] = place{key: where, value: at}
	}
}

// record enters a path and those above it, where they are new, and returns the names that were.
func (s *scanner) record(path []string, p place) (entered []string) {
	for n := 1; n <= len(path); n++ {
		name := strings.Join(path[:n], pathSeparator)
		if _, known := s.places[name]; !known {
			s.places[name] = p
			entered = append(entered, name)
		}
	}
	return entered
}

// key reads a dotted key and the space after it.
func (s *scanner) key() (parts []string, where span) {
	s.space(false)
	where = span{line: s.line, column: s.at - s.start}
	for {
		part := ""
		switch c := s.peek(); c {
		case '"', '\'':
			from := s.at
			s.quoted(c)
			part = unquote(s.text[from:s.at])
		default:
			from := s.at
			for !strings.ContainsRune(" \t\r\n.=[]{},#\x00", rune(s.peek())) {
				s.next()
			}
			part = s.text[from:s.at]
		}
		parts = append(parts, part)
		if s.line == where.line { // a key spans lines only in a text that isn't TOML
			where.length = s.at - s.start - where.column
		}
		s.space(false)
		if s.peek() != '.' {
			return parts, where
		}
		s.next()
		s.space(false)
	}
}

// value reads a value and returns where it stands: the part of it that is on its first line.
func (s *scanner) value(path []string, depth int) span {
	where := span{line: s.line, column: s.at - s.start}
	from := s.at
	switch c := s.peek(); {
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '[' && depth < maxDepth:
		n := 0
		s.list(']', func() {
			at := s.value(nil, depth+1)
			if name := elementName(path, n); path != nil && s.places[name] == (place{}) {
				s.places[name] = place{value: at}
			}
			n++
		})
	case c == '{' && depth < maxDepth:
		s.list('}', func() {
			if path == nil { // within an array: no path leads here
				inner := scanner{text: s.text, at: s.at, line: s.line, start: s.start, places: map[string]place{}}
				inner.pair(nil, depth+1)
				s.at, s.line, s.start = inner.at, inner.line, inner.start
				return
			}
			s.pair(path, depth+1)
		})
	default:
		for !strings.ContainsRune(",]}#\r\n\x00", rune(s.peek())) {
			s.next()
		}
	}
	first, _, _ := strings.Cut(s.text[from:s.at], "\n")
	where.length = len(strings.TrimRight(first, " \t\r"))
	return where
}

// list reads the elements between a bracket and the one that closes it.
func (s *scanner) list(end byte, element func()) {
	s.next()
	for {
		s.space(true)
		switch c := s.peek(); c {
		case end:
			s.next()
			return
		case 0:
			if s.at >= len(s.text) {
				return
			}
			s.next()
		case ',':
			s.next()
		default:
			before := s.at
			element()
			if s.at == before {
				s.next()
			}
		}
	}
}

// quoted reads a string of any of TOML's four kinds.
func (s *scanner) quoted(c byte) {
	end := string(c)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(s.text[s.at:], triple) {
		end = triple
	}
	s.skip(len(end))
	for s.at < len(s.text) && !strings.HasPrefix(s.text[s.at:], end) {
		if len(end) == 1 && s.peek() == '\n' {
			return
		}
		if c == '"' && s.peek() == '\\' {
			s.next()
		}
		s.next()
	}
	s.skip(len(end))
	for len(end) == 3 && s.peek() == c { // """a"""" ends in a quote of its own
		s.next()
	}
}

// space skips blanks and comments, and line ends too if asked to.
func (s *scanner) space(lines bool) {
	for s.at < len(s.text) {
		switch c := s.peek(); {
		case c == ' ' || c == '\t' || c == '\r':
			s.next()
		case c == '\n' && lines:
			s.next()
		case c == '#' && lines:
			s.restOfLine()
		default:
			return
		}
	}
}

func (s *scanner) restOfLine() {
	for s.at < len(s.text) && s.peek() != '\n' {
		s.next()
	}
	s.next()
}

func (s *scanner) skip(n int) {
	for range n {
		s.next()
	}
}

// peek is the byte at the scanner's place, or 0 at the end.
func (s *scanner) peek() byte {
	if s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) next() {
	if s.at >= len(s.text) {
		return
	}
	if s.text[s.at] == '\n' {
		s.line, s.start = s.line+1, s.at+1
	}
	s.at++
}

// unquote reads a quoted part of a key.
func unquote(text string) string {
	var m map[string]string
	if _, err := toml.Decode("v = "+text, &m); err != nil {
		return text
	}
	return m["v"]
}
