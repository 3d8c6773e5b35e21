package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Problem is one thing that is wrong with a config.
type Problem struct {
	Where   string // the file, or "override 2: training.epochs=abc"
	Line    int    // from 1; 0 for none (overrides, files that can't be read)
	Column  int    // byte offset in Source, from 0
	Length  int    // bytes of Source that the caret underlines; 0 for none
	Source  string // the source line
	Key     string // training.epochs; "" for none
	Message string // what is wrong and what was expected
	Hint    string // what to do, where the message alone doesn't say it

	rank int // order of the sources
}

// Problems are all the things that are wrong with a config.
type Problems []Problem

// Error lists every problem with its source line and a caret.
func (p Problems) Error() string {
	parts := make([]string, len(p))
	for n, problem := range p {
		parts[n] = problem.Error()
	}
	return strings.Join(parts, "\n")
}

// Hint is what the first problem that has one suggests doing.
func (p Problems) Hint() string {
	for _, problem := range p {
		if problem.Hint != "" {
			return problem.Hint
		}
	}
	return ""
}

// AsProblems finds the problems in an error.
func AsProblems(err error) (Problems, bool) {
	var p Problems
	ok := errors.As(err, &p)
	return p, ok
}

// Error is the problem as the compiler's errors look: file:line: key: message, the source line and a caret.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(OneLine(p.Where))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(OneLine(p.Key) + ": ")
	}
	b.WriteString(p.Message)
	if p.Length > 0 {
		b.WriteString("\n" + p.caret())
	}
	return b.String()
}

// maxSource is how many characters of a source line are shown.
const maxSource = 120

func (p Problem) caret() string {
	number := ""
	if p.Line > 0 {
		number = fmt.Sprint(p.Line)
	}
	column := min(max(p.Column, 0), len(p.Source))
	end := min(column+p.Length, len(p.Source))
	before, marked, after := p.Source[:column], p.Source[column:end], p.Source[end:]
	if cut := []rune(before); len(cut) > maxSource/2 {
		before = "…" + string(cut[len(cut)-maxSource/2:])
	}
	if cut := []rune(marked); len(cut) > maxSource/2 {
		marked, after = string(cut[:maxSource/2])+"…", ""
	}
	if cut := []rune(after); len(cut) > maxSource/2 {
		after = string(cut[:maxSource/2]) + "…"
	}
	before, marked, after = printable(before), printable(marked), printable(after)
	indent := strings.Map(func(r rune) rune { // tabs stay, so that the caret lands right at any tab width
		if r == '\t' {
			return r
		}
		return -1
	}, before)
	indent += strings.Repeat(" ", uniseg.StringWidth(strings.ReplaceAll(before, "\t", "")))
	return fmt.Sprintf("%5s | %s\n%5s | %s%s", number, strings.TrimRight(before+marked+after, " \t"),
		"", indent, strings.Repeat("^", max(1, uniseg.StringWidth(marked))))
}

// printable replaces control characters and broken UTF-8, which would upset the caret or the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// OneLine is a text that can stand in a line of its own, as in a comment: what doesn't print is replaced.
func OneLine(s string) string { return strings.ReplaceAll(printable(s), "\t", " ") }

// sorted orders problems by their source and place.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return p
}
