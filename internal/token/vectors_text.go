package token

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Both text formats have a word and its values a line, with single spaces or tabs between them. word2vec's has a line
// with the numbers of words and dimensions first. Words of GloVe's files may hold spaces, so values are taken from the
// line's end.

// separators stand between a word and its values.
const separators = " \t"

// sniffWord2vec recognises word2vec's first line, text or binary: two whole numbers. A GloVe file that begins so has one
// value a word.
func sniffWord2vec(head []byte) bool {
	line, _, ok := bytes.Cut(head, []byte("\n"))
	_, _, err := header(line)
	return ok && err == nil
}

// sniffWord2vecText looks at the first word's line: the bytes of binary values are hardly ever all digits.
func sniffWord2vecText(head []byte) bool {
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	words, dimensions, err := header(first)
	line, _, whole := bytes.Cut(rest, []byte("\n"))
	if err != nil || words == 0 || dimensions == 0 || !whole && len(head) == lineLimit {
		return err == nil && words == 0 // no word will come: text says so as well
	}
	at := bytes.IndexAny(line, separators)
	if at < 0 {
		return false
	}
	values := bytes.Trim(line[at:], separators+"\r")
	for _, c := range values {
		if !bytes.ContainsRune([]byte("0123456789+-.eEnaifNAIF"+separators), rune(c)) {
			return false
		}
	}
	return len(values) > 0
}

// header reads word2vec's first line.
func header(line []byte) (words, dimensions int, err error) {
	fields := bytes.Fields(line)
	if len(fields) != 2 {
		return 0, 0, errors.New("not two numbers")
	}
	w, err := strconv.ParseUint(string(fields[0]), 10, 62)
	if err != nil {
		return 0, 0, err
	}
	d, err := strconv.ParseUint(string(fields[1]), 10, 62)
	return int(w), int(d), err
}

func sniffGloVe(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return trailingValues(trimEnd(line)) > 0
}

// trailingValues counts the numbers at a line's end, its first field apart, which is a word whatever it looks like.
func trailingValues(line []byte) int {
	fields := bytes.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	n := 0
	for n < len(fields)-1 {
		if _, err := strconv.ParseFloat(string(fields[len(fields)-1-n]), 32); err != nil {
			break
		}
		n++
	}
	return n
}

// trimEnd removes the newline and the space that word2vec writes after the last value.
func trimEnd(line []byte) []byte { return bytes.TrimRight(line, separators+"\r\n") }

func readWord2vecText(in *vectorInput, words *vectorWords) error {
	first, err := in.ReadSlice('\n')
	if err != nil {
		return in.atLine(1, cutOff(err, "its first line does not end"))
	}
	want, dimensions, err := header(first)
	if err != nil {
		return in.atLine(1, err)
	}
	if err := words.setDimensions(dimensions); err != nil {
		return in.atLine(1, err)
	}
	if err := in.lines(2, words); err != nil {
		return err
	}
	if words.count != want {
		return in.errorf("%d words; the first line says %d", words.count, want)
	}
	return nil
}

func readGloVe(in *vectorInput, words *vectorWords) error {
	head, err := in.Peek(lineLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		return in.atLine(1, err)
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if err := words.setDimensions(trailingValues(trimEnd(line))); err != nil {
		return in.atLine(1, err)
	}
	return in.lines(1, words)
}

// lines reads the words from line number n on.
func (in *vectorInput) lines(n int, words *vectorWords) error {
	for ; ; n++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return in.atLine(n, fmt.Errorf("a line of more than %d bytes", lineLimit))
		case err != nil && !errors.Is(err, io.EOF):
			return in.atLine(n, cutOff(err, "its gzip stream does not end"))
		}
		if err := words.line(trimEnd(line), strconv.Itoa(n)); err != nil {
			return in.atLine(n, err)
		}
	}
}

// line reads a word and its values.
func (w *vectorWords) line(line []byte, number string) error {
	if len(line) == 0 {
		return errors.New("an empty line")
	}
	at := len(line)
	for n := range w.dimensions {
		if at = bytes.LastIndexAny(line[:at], separators); at < 0 {
			return fmt.Errorf("%d values after the word; expected %d", n, w.dimensions)
		}
	}
	word, rest := line[:at], line[at+1:]
	if before := bytes.LastIndexAny(word, separators); before >= 0 { // such a word ends in no number in any known file
		if _, err := strconv.ParseFloat(string(word[before+1:]), 32); err == nil {
			return fmt.Errorf("%d values after the word; expected %d", trailingValues(line), w.dimensions)
		}
	}
	return w.add(word, "line "+number, func() ([]float32, error) {
		values := make([]float32, 0, w.dimensions)
		for range w.dimensions {
			field := rest
			if at := bytes.IndexAny(rest, separators); at >= 0 {
				field, rest = rest[:at], rest[at+1:]
			}
			x, err := strconv.ParseFloat(string(field), 32)
			if err != nil {
				return nil, fmt.Errorf("value %d is %q; expected a number", len(values)+1, field)
			}
			values = append(values, float32(x))
		}
		return values, nil
	})
}
