package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
)

// Setting is when and where a comparison ran.
type Setting struct {
	Date    string `json:"date"`    // 2026-11-25 17:00 UTC
	Machine string `json:"machine"` // one line
	Commit  string `json:"commit"`
	Quick   bool   `json:"quick"` // sizes are tiny
}

// markdown is the page: the table that the README shows, then goals, what was checked, memory, versions and notes.
func markdown(rows []row, s Setting) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Beside peers, %s\n\n%s. Commit %s. %s of both sides in turn: medians, in brackets how many times as long as ours, and the least and greatest of that over the rounds.\n\n",
		s.Date, s.Machine, s.Commit, rounds(rows))
	if s.Quick {
		b.WriteString("**Tiny sizes, to see that everything works: the times mean nothing.**\n\n")
	}
	columns := columns(rows)
	t := table.NewWriter()
	head := table.Row{"", "ours"}
	for _, who := range columns {
		head = append(head, title(who))
	}
	t.AppendHeader(head)
	for _, r := range rows {
		line := table.Row{r.title, cell(r.ours)}
		for _, who := range columns {
			line = append(line, r.cell(who))
		}
		t.AppendRow(line)
	}
	section(&b, "", t)

	if all := verdicts(rows); len(all) > 0 {
		t := table.NewWriter()
		t.AppendHeader(table.Row{"Goal", "Seen", ""})
		for _, v := range all {
			t.AppendRow(table.Row{v.what, v.seen, v.outcome()})
		}
		section(&b, "Goals", t)
	}

	t = table.NewWriter()
	t.AppendHeader(table.Row{"Benchmark", "Peer", "The same as ours"})
	for _, r := range rows {
		for _, p := range append([]side{r.ours}, r.peers...) {
			switch {
			case len(p.errors) > 0:
				t.AppendRow(table.Row{r.name, title(p.who), "**no:** " + strings.Join(slices.Compact(p.errors), "; ")})
			case len(p.checks) > 0:
				t.AppendRow(table.Row{r.name, title(p.who), strings.Join(p.checks, ", ")})
			}
		}
	}
	if t.Length() > 0 {
		section(&b, fmt.Sprintf("Checks: equal to %g, counts exactly", tolerance), t)
	}

	t = table.NewWriter()
	head[0] = "Benchmark"
	t.AppendHeader(head)
	for _, r := range rows {
		line, any := table.Row{r.name, memory(r.ours)}, r.ours.peak > 0
		for _, who := range columns {
			p, ok := r.peer(who)
			any = any || ok && p.peak > 0
			line = append(line, memory(p))
		}
		if any {
			t.AppendRow(line)
		}
	}
	if t.Length() > 0 {
		section(&b, "Peak memory of the process", t)
	}
	b.WriteString("## Versions and notes\n\n")
	for _, line := range remarks(rows) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

func section(b *strings.Builder, name string, t table.Writer) {
	if name != "" {
		fmt.Fprintf(b, "## %s\n\n", name)
	}
	b.WriteString(t.RenderMarkdown() + "\n\n")
}

// rounds says how many there were.
func rounds(rows []row) string {
	n := 0
	for _, r := range rows {
		n = max(n, len(r.ours.values))
	}
	if n == 1 {
		return "One round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// columns are the peers that any row has.
func columns(rows []row) []string {
	sides := map[string]*side{}
	for _, r := range rows {
		for _, p := range r.peers {
			sides[p.who] = &p
		}
	}
	return ordered(sides)
}

func cell(s side) string {
	switch {
	case s.median > 0:
		return seconds(s.median)
	case len(s.errors) > 0:
		return "failed"
	}
	return ""
}

func (r row) cell(who string) string {
	for _, p := range r.peers {
		if p.who != who {
			continue
		}
		text := cell(p)
		if p.ratio.median > 0 {
			text += fmt.Sprintf(" (%s×, %s)", ratio(p.ratio.median), p.ratio.span("–"))
		}
		if p.median > 0 && len(p.errors) > 0 {
			text += " **differs**"
		}
		return text
	}
	return ""
}

// seconds has three digits that count.
func seconds(s float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"s", 1}, {"ms", 1e-3}} {
		if s >= unit.size*0.9995 {
			return digits(s/unit.size) + " " + unit.name
		}
	}
	return digits(s/1e-6) + " µs"
}

// ratio has two decimals, large ones fewer.
func ratio(x float64) string {
	if x >= 10 {
		return digits(x)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func digits(x float64) string {
	switch {
	case x >= 99.95:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func memory(s side) string {
	if s.peak == 0 {
		return ""
	}
	return humanize.IBytes(uint64(s.peak))
}

// remarks are each side's versions and the notes, once each.
func remarks(rows []row) []string {
	var all []string
	add := func(text string) {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, notes := range []bool{false, true} {
		for _, r := range rows {
			for _, s := range append([]side{r.ours}, r.peers...) {
				switch {
				case notes && s.note != "":
					add(r.name + ", " + title(s.who) + ": " + s.note)
				case !notes && s.version != "":
					add(title(s.who) + ": " + s.version)
				}
			}
		}
	}
	return all
}

// commaSeparated has a line a benchmark and side, for spreadsheets.
func commaSeparated(rows []row) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	number := func(x float64) string {
		if x == 0 {
			return ""
		}
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	lines := [][]string{{"benchmark", "who", "unit", "rounds", "median", "least", "greatest", "ratio", "ratio_least", "ratio_greatest", "same", "peak_bytes", "version", "note"}}
	for _, r := range rows {
		for _, s := range append([]side{r.ours}, r.peers...) {
			same := ""
			switch {
			case len(s.errors) > 0:
				same = "no: " + strings.Join(slices.Compact(s.errors), "; ")
			case len(s.checks) > 0:
				same = "yes"
			}
			lines = append(lines, []string{r.name, s.who, s.unit, strconv.Itoa(len(s.values)), number(s.median), number(s.low), number(s.top),
				number(s.ratio.median), number(s.ratio.low), number(s.ratio.top), same, number(float64(s.peak)), s.version, s.note})
		}
	}
	err := w.WriteAll(lines)
	return b.Bytes(), err
}
