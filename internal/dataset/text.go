package dataset

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
)

const (
	maxLine    = 1 << 20 // bytes of a line; a longer one is no row of any caption file, and is never held
	maxCaption = 1 << 16 // bytes of a caption
	readAhead  = 1 << 16 // bytes read at once
)

// encodings are the values of data.encoding that are not UTF-8.
var encodings = map[string]encoding.Encoding{"cp949": korean.EUCKR, "windows-1252": charmap.Windows1252}

// line is one line of a text file, counted from 1.
type line struct {
	text   string
	number int
}

// textReader reads a text file line by line: LF, CRLF or CR, with or without a byte order mark, UTF-8, UTF-16 with
// its mark, or the encoding that data.encoding names. It holds one line at a time.
type textReader struct {
	from   *bufio.Reader
	file   string // for problems
	number int
	end    byte // of a line
	guess  bool // decode lines that are not UTF-8 but are CP949
	korean bool // such a line was there
	coded  bool // the file is no UTF-8: a decoder puts U+FFFD in the place of what it can't read
	report func(Problem)
	back   []line // lines that were put back
	err    error
}

func newTextReader(ctx context.Context, r io.Reader, file, encoding string, report func(Problem)) *textReader {
	return newTextReaderSize(ctx, r, file, encoding, report, readAhead)
}

// newTextReaderSize is the same with a buffer of its size, for files of a few lines of which there are thousands.
func newTextReaderSize(ctx context.Context, r io.Reader, file, encoding string, report func(Problem), size int) *textReader {
	text, coded := decoded(ctx, r, encoding, size)
	t := &textReader{from: bufio.NewReaderSize(text, size), file: file, end: '\n', guess: encoding == "auto", coded: coded, report: report}
	head, _ := t.from.Peek(size)
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 { // as Macs wrote once
		t.end = '\r'
	}
	return t
}

// next gives the next line without its end; false after the last one or an error, which is then in t.err.
func (t *textReader) next() (line, bool) {
	if n := len(t.back); n > 0 {
		l := t.back[n-1]
		t.back = t.back[:n-1]
		return l, true
	}
	for {
		row, tooLong, ok := t.bytes()
		if !ok {
			return line{}, false
		}
		t.number++
		if tooLong {
			t.report(Problem{t.file, t.number, fmt.Sprintf("row left out: longer than %d bytes", maxLine)})
			continue
		}
		return line{t.repaired(row), t.number}, true
	}
}

// unread puts lines back, to be read again in their order.
func (t *textReader) unread(lines []line) {
	for n := len(lines) - 1; n >= 0; n-- {
		t.back = append(t.back, lines[n])
	}
}

// bytes reads up to the end of a line; of a line that is too long, nothing is kept.
func (t *textReader) bytes() (row []byte, tooLong, ok bool) {
	if t.err != nil {
		return nil, false, false
	}
	for {
		part, err := t.from.ReadSlice(t.end)
		if tooLong = tooLong || len(row)+len(part) > maxLine; tooLong {
			row = nil
		} else {
			row = append(row, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		some := len(part) > 0 || len(row) > 0 || tooLong
		if err != nil {
			t.err = err
			if !errors.Is(err, io.EOF) || !some {
				return nil, false, false
			}
		}
		row = bytes.TrimSuffix(row, []byte{t.end})
		return bytes.TrimSuffix(row, []byte{'\r'}), tooLong, true
	}
}

// failed is the error that reading ended with, if it was not the end of the file.
func (t *textReader) failed() error {
	if t.err == nil || errors.Is(t.err, io.EOF) {
		return nil
	}
	return fmt.Errorf("%s:%d: %w", t.file, t.number+1, t.err)
}

func (t *textReader) repaired(row []byte) string {
	if bytes.IndexByte(row, 0) >= 0 {
		row = bytes.ReplaceAll(row, []byte{0}, nil)
		t.report(Problem{t.file, t.number, "repaired: NUL bytes removed"})
	}
	if t.coded {
		reportReplaced(t.report, t.file, t.number, string(row))
	}
	if !t.guess || utf8.Valid(row) {
		return string(row)
	}
	if text, ok := fromCP949(row, t.korean); ok {
		t.korean = true
		t.report(Problem{t.file, t.number, "repaired: not UTF-8, read as cp949"})
		return text
	}
	return string(row) // whoever uses the row says what became of its bytes
}

// fromCP949 decodes a line of CP949 (Windows' Korean; the Encoding Standard's EUC-KR). Unless the file is known to be
// Korean, the line must not be able to pass for Western text.
func fromCP949(row []byte, known bool) (string, bool) {
	if !known && !surelyKorean(row) {
		return "", false
	}
	text, err := korean.EUCKR.NewDecoder().Bytes(row)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", false
	}
	return string(text), true
}

// surelyKorean reports whether all bytes of a line beyond ASCII are pairs of EUC-KR's symbols, syllables and hanja, and some
// of them are what Western text hardly has in Windows-1252: a capital or a sign with an odd sign behind it, such as ¡¯, or
// four bytes in a row that are two syllables. "¿Él", "AÇÃO" and "«À" are pairs, too.
func surelyKorean(row []byte) bool {
	sure, syllable := false, "" // the one just before
	for n := 0; n < len(row); n++ {
		before := syllable
		syllable = ""
		if row[n] < utf8.RuneSelf {
			continue
		}
		if n+1 == len(row) || row[n+1] < 0xa1 {
			return false
		}
		pair := string(row[n : n+2])
		n++
		isSymbol, isSyllable := pair[0] >= 0xa1 && pair[0] <= 0xac, pair[0] >= 0xb0 && pair[0] <= 0xc8
		isHanja := pair[0] >= 0xca && pair[0] <= 0xfd
		if !isSymbol && !isSyllable && !isHanja {
			return false
		}
		if isHanja || // as two small letters with accents are
			pair[0] == pair[1] || pair[1] == '\xa1' || pair[1] == '\xbf' || utf8.ValidString(pair) { // "»»", "¿¡", UTF-8 among other bytes
			continue
		}
		oddSign := pair[1] < 0xc0 && strings.IndexByte("\xa8\xab\xb4\xb7\xbb", pair[1]) < 0 || // none of ¨ « ´ · »
			pair[0] == 0xa4 // ㅋ and other letters; ¤
		sure = sure || oddSign || isSyllable && before != "" && before != pair
		if isSyllable {
			syllable = pair
		}
	}
	return sure
}

// decoded gives a file's text as UTF-8, without its byte order mark, and ends when the context does. coded says that the
// text was in another encoding.
func decoded(ctx context.Context, r io.Reader, name string, size int) (text io.Reader, coded bool) {
	r = cancellable{ctx, r}
	if e, ok := encodings[name]; ok {
		return e.NewDecoder().Reader(r), true
	}
	b := bufio.NewReaderSize(r, size)
	head, _ := b.Peek(3)
	switch {
	case string(head) == "\ufeff":
		_, _ = b.Discard(3)
	case strings.HasPrefix(string(head), "\xff\xfe"), strings.HasPrefix(string(head), "\xfe\xff"):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(b), true
	}
	return b, false
}

// cancellable is a reader that ends with its context.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// blank reports whether a line says nothing.
func blank(text string) bool { return strings.TrimSpace(text) == "" }
