package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// Quoted fields may hold line breaks. A quote that is never closed must not swallow the rest of the file, as it does
// with encoding/csv: a row of more lines or bytes than these is none.
const (
	maxRowLines = 200
	maxRowBytes = maxCaption + 4096
)

// csvReader reads rows of separated fields as RFC 4180 has them; where a row is broken, it goes on at the next line.
type csvReader struct {
	*textReader
	comma byte
	plain bool // quotes are characters like others
	past  int  // a quoted field that is open before any line from here up to this number is open after it too
}

// record is a row: its fields and the number of its first line.
type record struct {
	fields []string
	line   int
	whole  string
}

// peek gives the fields of the next line that says something, which stays to be read; none at the end of the file.
func (c *csvReader) peek() []string {
	var lines []line
	l, ok := c.next()
	for ; ok && blank(l.text); l, ok = c.next() {
		lines = append(lines, l)
	}
	if !ok {
		return nil
	}
	c.unread(append(lines, l))
	fields, _ := splitCSV(l.text, c.comma, closed)
	return fields
}

// read gives the next row that is not an empty line.
func (c *csvReader) read() (record, bool) {
	for {
		first, ok := c.next()
		if !ok {
			return record{}, false
		}
		if first.text == "" {
			continue
		}
		if c.plain || strings.IndexByte(first.text, '"') < 0 {
			return record{strings.Split(first.text, string(c.comma)), first.number, first.text}, true
		}
		return c.quoted(first), true
	}
}

// quoted reads a row that has a quote in its first line. Of each further line it is only asked, once however many rows fail
// at it, whether it leaves the quoted field open, so that a file of broken rows takes no longer than others.
func (c *csvReader) quoted(first line) record {
	fields, state := splitCSV(first.text, c.comma, closed)
	more, size := []line{first}, len(first.text)
	for state == open && len(more) < maxRowLines && size < maxRowBytes {
		next, ok := c.next()
		if !ok {
			break
		}
		more, size = append(more, next), size+1+len(next.text)
		if next.number <= c.past {
			continue
		}
		if _, state = splitCSV(next.text, c.comma, open); state == open {
			c.past = next.number
		}
	}
	if state == closed {
		whole := joined(more)
		fields, _ = splitCSV(whole, c.comma, closed)
		return record{fields, first.number, whole}
	}
	c.unread(more[1:])
	reason := "repaired: a quote inside a quoted field, taken as a character"
	if fields, state = splitCSV(first.text, c.comma, closed); state&open != 0 {
		reason = "repaired: a quote that is never closed, taken as a character"
		fields = strings.Split(first.text, string(c.comma))
	}
	c.report(Problem{c.file, first.number, reason})
	return record{fields, first.number, first.text}
}

func joined(lines []line) string {
	texts := make([]string, len(lines))
	for n, l := range lines {
		texts[n] = l.text
	}
	return strings.Join(texts, "\n")
}

// How a row ends: closed is as it should, the others may come together.
const (
	closed = 0
	open   = 1 // inside quotes
	stray  = 2 // with a quote inside a quoted field, which splitCSV takes as a character: no further line mends that
)

// splitCSV splits one row at its commas. A field that begins with a quote ends with one, and two quotes in it are one;
// in other fields quotes are characters. Blanks around a quoted field are none of it; behind blanks, a quote begins a
// field only where that field is whole. Where the text before was left open, it begins inside a quoted field.
func splitCSV(text string, comma byte, before int) (fields []string, state int) {
	for inside := before == open; ; inside = false {
		if !inside {
			if quoted := strings.TrimLeft(text, " "); len(quoted) < len(text) && quotedWhole(quoted, comma) {
				text = quoted
			}
			if !strings.HasPrefix(text, `"`) {
				end := strings.IndexByte(text, comma)
				if end < 0 {
					return append(fields, text), state
				}
				fields, text = append(fields, text[:end]), text[end+1:]
				continue
			}
			text = text[1:]
		}
		var field strings.Builder
		for {
			end := strings.IndexByte(text, '"')
			if end < 0 {
				return append(fields, field.String()+text), state | open
			}
			field.WriteString(text[:end])
			text = text[end+1:]
			if rest := strings.TrimLeft(text, " "); state == closed && (rest == "" || rest[0] == comma) {
				text = rest
			}
			switch {
			case text == "":
				return append(fields, field.String()), state
			case text[0] == '"':
				field.WriteByte('"')
				text = text[1:]
				continue
			case text[0] != comma:
				field.WriteByte('"')
				state = stray
				continue
			}
			break
		}
		fields, text = append(fields, field.String()), text[1:]
	}
}

// quotedWhole reports whether a text begins with a quoted field that ends, at a comma or the text's end, without a stray quote.
func quotedWhole(text string, comma byte) bool {
	if !strings.HasPrefix(text, `"`) {
		return false
	}
	for text = text[1:]; ; text = text[2:] {
		end := strings.IndexByte(text, '"')
		if end < 0 {
			return false
		}
		if text = text[end:]; !strings.HasPrefix(text, `""`) {
			rest := strings.TrimLeft(text[1:], " ")
			return rest == "" || rest[0] == comma
		}
	}
}

// unwrapped takes apart a row that was saved as one quoted field, `"name,""a caption"""`; false for others.
func unwrapped(r record, comma byte) (record, bool) {
	if len(r.fields) != 1 || !strings.HasPrefix(r.whole, `"`) {
		return r, false
	}
	fields, state := splitCSV(r.fields[0], comma, closed)
	if state != closed || len(fields) < 2 {
		return r, false
	}
	r.fields, r.whole = fields, r.fields[0]
	return r, true
}

// columns are where a table's fields stand; -1 for one that it lacks.
type columns struct{ image, caption, number, split, count int }

// columnNames are the known names of columns, in lower case: where a table has several of a role, the first here is meant.
var columnNames = map[string][]string{
	"image":   {"image", "image_name", "image file", "image_file", "image_path", "file", "filename", "file_name", "filepath", "path", "picture", "img", "image_id"},
	"caption": {"caption", "captions", "comment", "sentence", "description", "text", "raw"},
	"number":  {"comment_number", "caption_number", "number", "caption_id"},
	"split":   {"split", "set", "subset", "partition"},
}

// columnName is a column's name as columnNames has it.
func columnName(field string) string { return strings.ToLower(strings.TrimSpace(field)) }

// header finds the columns by their names; false when the row is no header.
func header(fields []string) (columns, bool) {
	names := make([]string, len(fields))
	for n, field := range fields {
		names[n] = columnName(field)
	}
	at := func(role string) int {
		for _, name := range columnNames[role] {
			if n := slices.Index(names, name); n >= 0 {
				return n
			}
		}
		return -1
	}
	c := columns{at("image"), at("caption"), at("number"), at("split"), len(fields)}
	return c, c.image >= 0 && c.caption >= 0
}

// separator guesses what separates the fields of a first row: the sign that makes it a header, else a comma, tab,
// semicolon or bar that it holds.
func separator(first string) byte {
	first = strings.TrimPrefix(first, `"`)
	for _, comma := range []byte(",\t;|") {
		if _, ok := header(strings.Split(strings.ReplaceAll(first, `"`, ""), string(comma))); ok {
			return comma
		}
	}
	for _, comma := range []byte("\t,|;") {
		if strings.IndexByte(first, comma) >= 0 {
			return comma
		}
	}
	return ','
}

// arranged brings a row to the table's number of fields: a last field with separators that were not quoted is whole
// again. The reason says what was repaired, or why the row can't be used when ok is false.
func (c columns) arranged(r record, comma byte) (fields []string, reason string, ok bool) {
	fields = r.fields
	switch {
	case len(fields) > c.count && c.caption == c.count-1:
		last := c.count - 1
		fields = append(append([]string(nil), fields[:last]...), strings.Join(fields[last:], string(comma)))
		return fields, fmt.Sprintf("repaired: a caption with %q that was not quoted", comma), true
	case len(fields) > c.count:
		for _, extra := range fields[c.count:] {
			if !blank(extra) {
				return nil, fmt.Sprintf("expected %d fields, got %d", c.count, len(fields)), false
			}
		}
		return fields[:c.count], "", true
	case len(fields) <= max(c.image, c.caption):
		return nil, fmt.Sprintf("expected %d fields, got %d in %.60q", c.count, len(fields), r.whole), false
	}
	return fields, "", true
}
