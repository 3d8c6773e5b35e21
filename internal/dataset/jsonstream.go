package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// jsonReader reads a JSON file value by value and knows its lines. Data sets of 100 MB need no more memory than their
// largest element.
type jsonReader struct {
	*json.Decoder
	file   io.Closer
	name   string
	lines  *newlines
	report func(Problem)
}

func openJSON(ctx context.Context, f *source, name string, report func(Problem)) (*jsonReader, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	text, _ := decoded(ctx, file, f.Encoding, readAhead)
	lines := &newlines{from: text}
	return &jsonReader{json.NewDecoder(lines), file, name, lines, report}, nil
}

// line is the line of the value that was read last.
func (j *jsonReader) line() int { return j.lines.at(j.InputOffset()) }

// broken is the error of a file that is no JSON from here on.
func (j *jsonReader) broken(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.EOF) && j.InputOffset() == 0:
		return fmt.Errorf("%s is empty", j.name)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s:%d: the JSON ends in its middle: the file is not whole", j.name, j.line())
	}
	return fmt.Errorf("%s:%d: what follows is not valid JSON: %w", j.name, j.line(), err)
}

// whole is object of a file that holds nothing else.
func (j *jsonReader) whole(what string, each func(key string) error) error {
	if err := j.object(what, each); err != nil {
		return err
	}
	switch token, err := j.Token(); {
	case err == nil:
		return fmt.Errorf("%s:%d: something after the end of the JSON: %v", j.name, j.line(), token)
	case !errors.Is(err, io.EOF):
		return j.broken(err)
	}
	return nil
}

// object calls each with the keys of an object, whose value it must read; what names the object in errors.
func (j *jsonReader) object(what string, each func(key string) error) error {
	if err := j.begin('{', what); err != nil {
		return err
	}
	for j.More() {
		key, err := j.Token()
		if err != nil {
			return j.broken(err)
		}
		if err := each(key.(string)); err != nil {
			return err
		}
	}
	return j.end()
}

// array calls each for the elements of an array, which it must read.
func (j *jsonReader) array(what string, each func(n int) error) error {
	if err := j.begin('[', what); err != nil {
		return err
	}
	for n := 0; j.More(); n++ {
		if err := each(n); err != nil {
			return err
		}
	}
	return j.end()
}

func (j *jsonReader) begin(sign json.Delim, what string) error {
	token, err := j.Token()
	if err != nil {
		return j.broken(err)
	}
	if token != sign {
		return fmt.Errorf("%s:%d: expected %s, which begins with %s", j.name, j.line(), what, sign)
	}
	return nil
}

func (j *jsonReader) end() error {
	if _, err := j.Token(); err != nil {
		return j.broken(err)
	}
	return nil
}

// element reads a value. One that is JSON but not of the right types is a problem, and ok is false.
func (j *jsonReader) element(into any, what string) (ok bool, err error) {
	err = j.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		j.report(Problem{j.name, j.line(), fmt.Sprintf("left out: %s: %s", what, wrongType(wrong))})
		return false, nil
	case err != nil:
		return false, j.broken(err)
	}
	return true, nil
}

// wrongType says what a value is that was to be something else: "captions has an object".
func wrongType(err *json.UnmarshalTypeError) string {
	field, article := err.Field, "a"
	if field == "" {
		field = "it"
	}
	if strings.HasPrefix(err.Value, "array") || strings.HasPrefix(err.Value, "object") {
		article = "an"
	}
	return fmt.Sprintf("%s has %s %s", field, article, err.Value)
}

// skip reads over a value without holding it.
func (j *jsonReader) skip() error {
	for depth := 0; ; {
		token, err := j.Token()
		if err != nil {
			return j.broken(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// checked reports what JSON hides of a caption: its reader puts U+FFFD in the place of bytes that are not UTF-8 and of half
// a surrogate pair.
func (j *jsonReader) checked(text string) string {
	reportReplaced(j.report, j.name, j.line(), text)
	return text
}

// reportReplaced reports a text with U+FFFD in it, which a decoder or a JSON reader puts in the place of what it can't read.
// The file may also have come with it.
func reportReplaced(report func(Problem), name string, line int, text string) {
	if strings.ContainsRune(text, utf8.RuneError) {
		report(Problem{name, line, fmt.Sprintf("U+FFFD in %.40q: something was replaced, here or before", text)})
	}
}

// newlines counts the lines of what passes through it.
type newlines struct {
	from   io.Reader
	read   int64   // bytes
	ahead  []int64 // where the line ends lie that at has not passed
	passed int
}

func (l *newlines) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	for from := 0; ; {
		at := bytes.IndexByte(p[from:n], '\n')
		if at < 0 {
			break
		}
		from += at + 1
		l.ahead = append(l.ahead, l.read+int64(from))
	}
	l.read += int64(n)
	return n, err
}

// at is the line of an offset, from 1. Offsets never go back.
func (l *newlines) at(offset int64) int {
	n := 0
	for n < len(l.ahead) && l.ahead[n] <= offset {
		n++
	}
	l.passed += n
	l.ahead = l.ahead[n:]
	return l.passed + 1
}
