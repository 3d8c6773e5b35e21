package captionfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// errNotUTF8 ends a text at its first byte that is not UTF-8: decoders of JSON would replace it silently.
var errNotUTF8 = errors.New("not UTF-8")

// checker passes text on as long as it is UTF-8.
type checker struct {
	in    io.Reader
	read  [1 << 15]byte
	text  []byte // of read: not yet passed on
	valid int    // of text: whole characters
	good  int64  // all bytes found valid
	bad   bool
	err   error // behind the text
}

// Read implements io.Reader.
func (c *checker) Read(p []byte) (int, error) {
	for c.valid == 0 && c.err == nil {
		c.fill()
	}
	if c.valid == 0 {
		return 0, c.err
	}
	n := copy(p, c.text[:c.valid])
	c.text, c.valid = c.text[n:], c.valid-n
	return n, nil
}

// fill reads on behind the beginning of a character that text may hold.
func (c *checker) fill() {
	kept := copy(c.read[:], c.text)
	n, err := c.in.Read(c.read[kept:])
	c.text, c.err = c.read[:kept+n], err
	for c.valid < len(c.text) {
		r, size := utf8.DecodeRune(c.text[c.valid:])
		if r == utf8.RuneError && size == 1 {
			if err != nil || utf8.FullRune(c.text[c.valid:]) {
				c.bad, c.err = true, errNotUTF8
			}
			break
		}
		c.valid += size
	}
	c.good += int64(c.valid)
}

// lines finds the line of a byte when a message needs it, by reading the text again.
type lines struct{ open again }

// of is the line, from 1, of what comes at or after a byte: white space before it is skipped. Lines end in LF, CRLF or
// CR. Of what comes after the end it is the last line that says something, and 0 where the file is there no more.
func (l *lines) of(at int64) int {
	text, err := l.open()
	if err != nil {
		return 0
	}
	defer text.Close()
	in, line, said, last := bufio.NewReader(text), 1, 1, byte(0)
	for n := int64(0); ; n++ {
		b, err := in.ReadByte()
		if err != nil {
			return said
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			if said = line; n >= at {
				return line
			}
		}
		if b == '\r' || b == '\n' && last != '\r' {
			line++
		}
		last = b
	}
}

// named is how many ids a message names.
const named = 3

// some are the first few of them, and how many more there are.
func some(what []string) string {
	if len(what) <= named {
		return strings.Join(what, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(what[:named], ", "), len(what)-named)
}
