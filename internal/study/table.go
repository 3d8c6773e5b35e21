package study

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// Figure is a figure of run.json that the tables show.
type Figure struct {
	Name, Title string
	LowerIsBest bool
	Percent     bool // shown times 100, as reports have it
	Format      string
}

// Figures are the main figures. The first or CIDEr ranks the cells: see Best.
var Figures = []Figure{
	{Name: "validation_nats_per_character", Title: "nats a character", LowerIsBest: true, Format: "%.4f"},
	{Name: "validation_bleu_4", Title: "BLEU-4", Percent: true, Format: "%.1f"},
	{Name: "validation_rouge_l", Title: "ROUGE-L", Percent: true, Format: "%.1f"},
	{Name: "validation_cider", Title: "CIDEr", Percent: true, Format: "%.1f"},
	{Name: "validation_chrf", Title: "chrF", Percent: true, Format: "%.1f"},
	{Name: "best_epoch", Title: "best epoch", Format: "%.1f"},
}

// head is what a column of the figure is called.
func (f Figure) head() string {
	if f.Percent {
		return f.Title + " (%)"
	}
	return f.Title
}

// Text is a figure in words: nats a character 0.4123, CIDEr 36.5 %.
func (f Figure) Text(x float64) string {
	if f.Percent {
		return fmt.Sprintf("%s "+f.Format+" %%", f.Title, 100*x)
	}
	return fmt.Sprintf("%s "+f.Format, f.Title, x)
}

// over is a figure over the seeds, as its column has it.
func (f Figure) over(s Summary) string {
	if f.Percent {
		s.Mean, s.Deviation = 100*s.Mean, 100*s.Deviation
	}
	return s.format(f.Format)
}

// Row is a cell with its run's figures.
type Row struct {
	Cell
	Figures map[string]float64 // of run.json, by name; none before the run is done
}

// Summary is a figure over the seeds.
type Summary struct {
	Mean, Deviation float64 // Deviation is the sample's (n-1); NaN for one seed
	N               int
}

// Group is the cells that differ in their seed alone.
type Group struct {
	Settings map[string]any
	Cells    []Row
	Done     int
	Figures  map[string]Summary
	Seconds  Summary
}

// Groups puts cells together that differ in their seed alone, in the order of their first ones, and averages what is done.
func Groups(rows []Row) []Group {
	var groups []Group
	at := map[string]int{}
	for _, r := range rows {
		key := fmt.Sprint(r.Settings) // Sprint sorts the keys of maps
		n, ok := at[key]
		if !ok {
			n = len(groups)
			at[key] = n
			groups = append(groups, Group{Settings: r.Settings, Figures: map[string]Summary{}})
		}
		groups[n].Cells = append(groups[n].Cells, r)
	}
	for n := range groups {
		g := &groups[n]
		values := map[string][]float64{}
		var seconds []float64
		for _, r := range g.Cells {
			if r.Status != runfolder.Done {
				continue
			}
			g.Done++
			seconds = append(seconds, r.Seconds)
			for name, x := range r.Figures {
				if !math.IsNaN(x) {
					values[name] = append(values[name], x)
				}
			}
		}
		for name, list := range values {
			g.Figures[name] = summarize(list)
		}
		g.Seconds = summarize(seconds)
	}
	return groups
}

func summarize(values []float64) Summary {
	s := Summary{N: len(values), Mean: math.NaN(), Deviation: math.NaN()}
	if s.N == 0 {
		return s
	}
	s.Mean = 0
	for _, x := range values {
		s.Mean += x / float64(s.N)
	}
	if s.N > 1 {
		sum := 0.0
		for _, x := range values {
			sum += (x - s.Mean) * (x - s.Mean)
		}
		s.Deviation = math.Sqrt(sum / float64(s.N-1))
	}
	return s
}

// String is mean ± deviation with four digits.
func (s Summary) String() string { return s.format("%.4f") }

func (s Summary) format(format string) string {
	switch {
	case s.N == 0:
		return "–"
	case s.N == 1:
		return fmt.Sprintf(format, s.Mean)
	}
	return fmt.Sprintf(format+" ± "+format, s.Mean, s.Deviation)
}

// Best is the finished cell with the best figure of those that rank cells, and that figure; nil for none. Where all cells clean
// and cut their captions alike, nats a character rank them, else CIDEr: of text that is cleaned away or unknown to a vocabulary
// a model need predict nothing.
func Best(rows []Row, sameText bool) (best *Row, by Figure) {
	by = Figures[0]
	if !sameText {
		by = Figures[slices.IndexFunc(Figures, func(f Figure) bool { return f.Name == "validation_cider" })]
	}
	for n := range rows {
		x, ok := rows[n].Figures[by.Name]
		if rows[n].Status != runfolder.Done || !ok || math.IsNaN(x) {
			continue
		}
		if best == nil || by.LowerIsBest && x < best.Figures[by.Name] || !by.LowerIsBest && x > best.Figures[by.Name] {
			best = &rows[n]
		}
	}
	return best, by
}

// Titles are the axes' names as tables head them: the last part of the key, or the whole key where two would be the same.
func Titles(axes []Axis) []string {
	last := func(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
	count := map[string]int{}
	for _, a := range axes {
		count[last(a.Key)]++
	}
	titles := make([]string, len(axes))
	for n, a := range axes {
		if titles[n] = last(a.Key); count[titles[n]] > 1 {
			titles[n] = a.Key
		}
	}
	return titles
}

// Table is the groups' main figures, mean ± deviation over the seeds. Figures that no run has are left out.
func Table(axes []Axis, rows []Row) table.Writer {
	groups := Groups(rows)
	t := newTable()
	var head table.Row
	for _, title := range Titles(axes) {
		head = append(head, title)
	}
	head = append(head, "done")
	shown := shownFigures(groups)
	for _, f := range shown {
		head = append(head, f.head())
	}
	t.AppendHeader(append(head, "seconds"))
	for _, g := range groups {
		var row table.Row
		for _, a := range axes {
			row = append(row, Text(g.Settings[a.Key]))
		}
		row = append(row, fmt.Sprintf("%d of %d", g.Done, len(g.Cells)))
		for _, f := range shown {
			s, ok := g.Figures[f.Name]
			if !ok {
				row = append(row, "–")
				continue
			}
			row = append(row, f.over(s))
		}
		t.AppendRow(append(row, g.Seconds.format("%.0f")))
	}
	return t
}

func shownFigures(groups []Group) (shown []Figure) {
	for _, f := range Figures {
		if slices.ContainsFunc(groups, func(g Group) bool { return g.Figures[f.Name].N > 0 }) {
			shown = append(shown, f)
		}
	}
	return shown
}

func newTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	return t
}

// Text is a value of an axis without quotes.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for n := range v {
			parts[n] = Text(v[n])
		}
		return strings.Join(parts, " ")
	}
	return fmt.Sprint(v)
}

// WriteCSV writes a line a cell: its axes, its seed, how it stands, and every figure that some run has.
func WriteCSV(w io.Writer, axes []Axis, rows []Row) error {
	head := []string{"cell"}
	for _, a := range axes {
		head = append(head, a.Key)
	}
	head = append(head, "seed", "status", "run", "seconds")
	known := map[string]bool{}
	for _, r := range rows {
		for name := range r.Figures {
			known[name] = true
		}
	}
	names := slices.Sorted(maps.Keys(known))
	out := csv.NewWriter(w)
	if err := out.Write(append(head, names...)); err != nil {
		return err
	}
	for _, r := range rows {
		line := []string{r.ID}
		for _, a := range axes {
			line = append(line, Text(r.Settings[a.Key]))
		}
		line = append(line, fmt.Sprint(r.Seed), string(r.Status), r.Run, number(r.Seconds))
		for _, name := range names {
			x, ok := r.Figures[name]
			if !ok {
				x = math.NaN()
			}
			line = append(line, number(x))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// number is empty for what was not measured.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// Markdown is the study as a page: its question, the table over the seeds, warnings about it, and the cells that are not done.
func Markdown(l *Ledger, rows []Row, warnings []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", l.Name)
	if l.Description != "" {
		fmt.Fprintf(&b, "%s\n\n", l.Description)
	}
	seeds := make([]string, len(l.Seeds))
	for n, s := range l.Seeds {
		seeds[n] = fmt.Sprint(s)
	}
	fmt.Fprintf(&b, "Study file `%s`, seeds %s. Figures of the validation split; mean ± sample deviation over the seeds.\n\n", l.Config, strings.Join(seeds, ", "))
	b.WriteString(Table(l.Axes, rows).RenderMarkdown() + "\n")
	for _, w := range warnings {
		fmt.Fprintf(&b, "\n**Warning:** %s\n", w)
	}
	var open []Row
	for _, r := range rows {
		if r.Status != runfolder.Done {
			open = append(open, r)
		}
	}
	if len(open) > 0 {
		b.WriteString("\nNot done:\n\n")
		for _, r := range open {
			fmt.Fprintf(&b, "- %s: %s", r.ID, r.Status)
			if r.Error != "" {
				fmt.Fprintf(&b, ": %s", strings.ReplaceAll(r.Error, "\n", " "))
			}
			b.WriteString("\n")
		}
	}
	return b.Bytes()
}

// PlanTable lists the cells: their settings, and what plan says of each by its number.
func PlanTable(axes []Axis, rows []Row, plan func(n int) (what, time string)) table.Writer {
	t := newTable()
	head := table.Row{"#", "cell"}
	for _, title := range Titles(axes) {
		head = append(head, title)
	}
	t.AppendHeader(append(head, "seed", "plan", "time"))
	for n, r := range rows {
		row := table.Row{n + 1, r.ID}
		for _, a := range axes {
			row = append(row, Text(r.Settings[a.Key]))
		}
		what, time := plan(n)
		t.AppendRow(append(row, r.Seed, what, time))
	}
	return t
}

// TaskRow is a cell and the task of a batch system that has it.
type TaskRow struct{ Cell, Status, Task, State, Node, Time, Epochs string }

// TaskTable lists cells with their tasks.
func TaskTable(rows []TaskRow) table.Writer {
	t := newTable()
	t.AppendHeader(table.Row{"#", "cell", "status", "task", "Slurm says", "node", "time", "epochs"})
	dash := func(s string) string {
		if s == "" {
			return "–"
		}
		return s
	}
	for n, r := range rows {
		t.AppendRow(table.Row{n + 1, r.Cell, r.Status, dash(r.Task), dash(r.State), dash(r.Node), dash(r.Time), r.Epochs})
	}
	return t
}
