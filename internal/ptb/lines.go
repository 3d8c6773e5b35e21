package ptb

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// perWorker is the number of lines below which another goroutine does not pay.
const perWorker = 64

// file is a text of several lines in UTF-16, and its plain letters in lower case.
type file struct {
	text   []uint16
	plain  string // of each unit: its ASCII character in lower case, or \x80
	starts []int  // of each line, and behind the last one's break
}

// newFile joins lines. A line feed inside one becomes a space, as in coco-caption.
func newFile(lines []string) *file {
	size := 0
	for _, line := range lines {
		size += len(line) + 1
	}
	f := &file{text: make([]uint16, 0, size), starts: make([]int, 0, len(lines)+1)}
	plain := make([]byte, 0, size)
	for n, line := range lines {
		if n > 0 {
			f.text, plain = append(f.text, '\n'), append(plain, '\n')
		}
		f.starts = append(f.starts, len(f.text))
		for _, r := range line {
			switch {
			case r == '\n':
				f.text, plain = append(f.text, ' '), append(plain, ' ')
			case r < utf8.RuneSelf:
				c := byte(r)
				if 'A' <= c && c <= 'Z' {
					c += 'a' - 'A'
				}
				f.text, plain = append(f.text, uint16(r)), append(plain, c)
			default:
				f.text = utf16.AppendRune(f.text, r)
				for len(plain) < len(f.text) {
					plain = append(plain, utf8.RuneSelf)
				}
			}
		}
	}
	f.starts = append(f.starts, len(f.text)+1)
	f.plain = string(plain)
	return f
}

// RawLines is Raw for the lines of one file; see TokenizeLines.
func RawLines(lines []string) [][]string {
	language := english()
	f := newFile(lines)
	out := make([][]string, len(lines))
	workers := max(1, min(runtime.GOMAXPROCS(0), len(lines)/perWorker))
	first := func(w int) int { return w * len(lines) / workers }
	crossed := make([]bool, workers) // its last token goes on in the next worker's lines, as markup may
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			crossed[w] = f.read(&lexer{language: language, file: f}, out, first(w), first(w+1))
		})
	}
	group.Wait()
	if slices.Contains(crossed, true) {
		clear(out)
		f.read(&lexer{language: language, file: f}, out, 0, len(lines))
	}
	for n, tokens := range out {
		out[n] = trimmed(tokens)
	}
	return out
}

// read tokenizes the lines from line to before last, and reports whether a token goes on behind them.
func (f *file) read(l *lexer, out [][]string, line, last int) (crossed bool) {
	end := min(f.starts[last], len(f.text))
	for l.at = f.starts[line]; l.at < end; {
		for line+1 < last && l.at >= f.starts[line+1] {
			line++
		}
		rule, to := l.next()
		text, ok := l.cut(rule, to)
		if !ok {
			continue
		}
		// A line break inside a token, as between the quotes of markup, ends the line there as well.
		into := line
		for part := range strings.SplitSeq(text, "\n") {
			for word := range strings.SplitSeq(part, " ") { // a space in a face, as in ~.[^x= <>], ends the token
				if word != "" && into < last {
					out[into] = append(out[into], word)
				}
			}
			into++
		}
	}
	return l.at > end
}

// trimmed takes white space from the line's end, as coco-caption does, where no-break spaces may stand.
func trimmed(tokens []string) []string {
	for len(tokens) > 0 {
		last := len(tokens) - 1
		text := strings.TrimRightFunc(tokens[last], func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
		if text != "" {
			tokens[last] = text
			break
		}
		tokens = tokens[:last]
	}
	return tokens
}
