package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/captionlab/captionlab/experiments"
)

// How much of each list the terminal shows; report.json and rows.txt have all of it.
const (
	rowsShown       = 20
	groupsShown     = 10
	wordsShown      = 20
	emojiShown      = 20
	charactersShown = 120
	barWidth        = 40
)

// printData shows a data set's report: what there is, what is wrong with it, the verdict last.
func printData(w io.Writer, r *experiments.DataReport) error {
	fmt.Fprintf(w, "%s: %s%s\n", r.Config, r.Format, from(r.Root))
	t := newTable(w)
	t.AppendHeader(table.Row{"Split", "Images", "Captions"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 3, Align: text.AlignRight}})
	for _, s := range r.Splits {
		t.AppendRow(table.Row{s.Split, count(s.Images), count(s.Captions)})
	}
	t.AppendSeparator()
	t.AppendRow(table.Row{"all", count(r.Images), count(r.Captions)})
	t.Render()

	a := r.CaptionsPerImage
	fmt.Fprintf(w, "%s captions, %s different ones; %d to %d an image, %.1f on average\n", count(r.Captions), count(r.DistinctCaptions), a.Min, a.Max, a.Mean)
	printLengths(w, r)
	printAlphabet(w, r)
	printPictures(w, r)
	printRows(w, r)
	printFindings(w, r)
	if len(r.Files) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nreport.json, rows.txt and the histogram are in %s\n", filepath.Dir(r.Files[0]))
	return err
}

func printLengths(w io.Writer, r *experiments.DataReport) {
	l := r.Length
	fmt.Fprintf(w, "\nCharacters a caption (%s), before text.max_length = %d cuts or drops: %d to %d, %.1f on average, median %d, 95 %% at most %d\n",
		l.Unit, l.MaxLength, l.Spread.Min, l.Spread.Max, l.Spread.Mean, l.Spread.Median, l.Spread.P95)
	highest := 1
	for _, b := range l.Bins {
		highest = max(highest, b.Count)
	}
	for _, b := range l.Bins {
		bar := strings.Repeat("█", (b.Count*barWidth+highest/2)/highest)
		if bar == "" && b.Count > 0 {
			bar = "▏"
		}
		fmt.Fprintf(w, "%5d–%-5d %s %s\n", b.From, b.To, bar, count(b.Count))
	}
}

func printAlphabet(w io.Writer, r *experiments.DataReport) {
	var shown []string
	for _, c := range r.Characters.Counts[:min(len(r.Characters.Counts), charactersShown)] {
		shown = append(shown, visible(c.Name))
	}
	fmt.Fprintf(w, "\nAlphabet: %s\n%s%s\n", english.Plural(r.Characters.Distinct, "character", ""), strings.Join(shown, " "), more(r.Characters.Distinct, len(shown)))
	if e := r.Emoji; e.Distinct == 0 {
		fmt.Fprintln(w, "\nEmoji: none")
	} else {
		names := namesOf(e.Counts, emojiShown)
		fmt.Fprintf(w, "\nEmoji: %s different, %s in all\n%s%s\n", count(e.Distinct), count(e.Total), strings.Join(names, ", "), more(e.Distinct, len(names)))
	}
	v := r.Words
	fmt.Fprintf(w, "\nWords of the training split: %s different, %s in all; %s seen once, %s at least five times\n", count(v.Distinct), count(v.Total), count(v.Once), count(v.FiveTimes))
	if names := namesOf(v.Counts, wordsShown); len(names) > 0 {
		fmt.Fprintln(w, strings.Join(names, ", "))
	}
	for _, u := range v.Unknown {
		fmt.Fprintf(w, "%s: %s of %s words (%.1f %%) are not in the training split\n", u.Split, count(u.Unknown), count(u.Total), 100*float64(u.Unknown)/float64(u.Total))
	}
}

func printPictures(w io.Writer, r *experiments.DataReport) {
	p := r.Pictures
	if !p.Decoded {
		fmt.Fprintf(w, "\nPictures: not decoded\n")
	} else {
		fmt.Fprintf(w, "\nPictures: %s of %s are whole", count(p.Whole), count(r.Images))
		for _, f := range p.Formats {
			fmt.Fprintf(w, ", %s %s", count(f.Count), f.Name)
		}
		if p.Whole > 0 {
			fmt.Fprintf(w, "; %d×%d to %d×%d pixels", p.Smallest[0], p.Smallest[1], p.Largest[0], p.Largest[1])
		}
		fmt.Fprintln(w)
	}
	if len(p.Broken) > 0 {
		t := newTable(w)
		t.SetTitle("Pictures that can't be used")
		t.AppendHeader(table.Row{"Split", "Picture", "Reason"})
		t.SetColumnConfigs([]table.ColumnConfig{wrapped(2, 44), wrapped(3, 70)})
		for _, b := range p.Broken[:min(len(p.Broken), rowsShown)] {
			t.AppendRow(table.Row{b.Split, b.ID, b.Reason})
		}
		t.Render()
		fmt.Fprint(w, endLine(more(len(p.Broken), rowsShown)))
	}
	if len(p.Identical)+len(p.Near) == 0 {
		return
	}
	t := newTable(w)
	t.SetTitle("The same picture more than once")
	t.AppendHeader(table.Row{"Equal", "Pictures", "Leak"})
	for _, kind := range []struct {
		groups int
		add    func(n int)
	}{
		{len(p.Identical), func(n int) { t.AppendRow(groupRow("byte for byte", p.Identical[n].Pictures, p.Identical[n].Splits)) }},
		{len(p.Near), func(n int) {
			t.AppendRow(groupRow(fmt.Sprintf("to the eye (%d of 64 bits)", p.Near[n].Bits), p.Near[n].Pictures, p.Near[n].Splits))
		}},
	} {
		for n := range min(kind.groups, groupsShown) {
			kind.add(n)
		}
		if kind.groups > groupsShown {
			t.AppendRow(table.Row{"", more(kind.groups, groupsShown), ""})
		}
	}
	t.Render()
}

func printRows(w io.Writer, r *experiments.DataReport) {
	if len(r.Rows) == 0 {
		return
	}
	fmt.Fprintln(w, "\nRepaired or dropped rows:")
	for _, row := range r.Rows[:min(len(r.Rows), rowsShown)] {
		fmt.Fprintln(w, row)
	}
	if n := len(r.Rows) - rowsShown; n > 0 {
		fmt.Fprintf(w, "… %s more in rows.txt\n", count(n))
	}
}

func printFindings(w io.Writer, r *experiments.DataReport) {
	fmt.Fprintln(w)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-7s  %s\n", f.Severity, f.Message)
	}
	if len(r.Errors()) == 0 {
		fmt.Fprintln(w, "nothing that makes results wrong")
	}
}

// groupRow is one group of equal pictures, its members' splits behind their names.
func groupRow(how string, pictures []experiments.DataPlace, splits int) table.Row {
	var names []string
	for _, p := range pictures[:min(len(pictures), groupsShown)] {
		names = append(names, fmt.Sprintf("%s (%s)", p.ID, p.Split))
	}
	leak := ""
	if splits > 1 {
		leak = "leak"
	}
	return table.Row{how, strings.Join(names, "\n") + more(len(pictures), groupsShown), leak}
}

// namesOf lists the most frequent things with their counts.
func namesOf(counts []experiments.DataCount, limit int) []string {
	var names []string
	for _, c := range counts[:min(len(counts), limit)] {
		names = append(names, fmt.Sprintf("%s %s", c.Name, count(c.Count)))
	}
	return names
}

// visible shows a character that would not be seen.
func visible(character string) string {
	r, size := utf8.DecodeRuneInString(character)
	switch {
	case r == ' ':
		return "␣"
	case size > 0 && (!unicode.IsGraphic(r) || unicode.IsSpace(r) || r == utf8.RuneError):
		return fmt.Sprintf("%U", r)
	}
	return character
}

func from(root string) string {
	if root == "" {
		return ""
	}
	return " in " + root
}

// more says how many of a list are not shown.
func more(all, shown int) string {
	if all <= shown {
		return ""
	}
	return fmt.Sprintf(" … %s more", count(all-shown))
}

func endLine(s string) string {
	if s == "" {
		return ""
	}
	return strings.TrimSpace(s) + "\n"
}
