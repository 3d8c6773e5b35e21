package profile

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// listedFunctions is how many Go functions the text lists.
const listedFunctions = 12

// Markdown is a page of what the profile shows. notes are paragraphs at its end.
func (p *Profile) Markdown(title string, notes ...string) (string, error) {
	k, err := sorted(p.CPU)
	if err != nil {
		return "", err
	}
	var page strings.Builder
	fmt.Fprintf(&page, "# Profile of %s\n\n%s of wall time, %s of processor time: %.2f of %d cores were busy.\n",
		title, seconds(p.Seconds), seconds(p.CPUTime), ratio(p.CPUTime, p.Seconds), p.Cores)

	rows := newTable("Stage", "Seconds", "Share", "CPU seconds", "Cores busy", "Go's CPU seconds", "Memory at its end")
	staged := 0.0
	for _, s := range p.Stages {
		staged += s.Seconds
		rows.AppendRow(table.Row{s.Name, number(s.Seconds), percent(s.Seconds, p.Seconds), number(s.CPUTime), fmt.Sprintf("%.2f", ratio(s.CPUTime, s.Seconds)),
			number(k.stages[s.Name]), humanize.IBytes(s.Resident)})
	}
	rows.AppendRow(table.Row{"outside of stages", number(p.Seconds - staged), percent(p.Seconds-staged, p.Seconds)})
	section(&page, "Stages", rows)

	if len(p.Steps) > 0 {
		rows = newTable("", "First step, graph and compilation included", "Steps after it", "Their median", "95 % take at most", "Together")
		for _, s := range p.Steps {
			total := 0.0
			for _, step := range s.Rest {
				total += step
			}
			rows.AppendRow(table.Row{s.Name, seconds(s.First), len(s.Rest), milliseconds(s.quantile(0.5)), milliseconds(s.quantile(0.95)), seconds(total)})
		}
		section(&page, "Training steps", rows)
		page.WriteString("\nA step's time has its batch in it. An epoch's first step is left out, since validation and checkpoint come before it.\n")
	}

	sampled := 0.0
	for _, value := range k.seconds {
		sampled += value
	}
	rows = newTable("What ran", "CPU seconds", "Share")
	for _, name := range kindNames {
		rows.AppendRow(table.Row{name, number(k.seconds[name]), percent(k.seconds[name], sampled)})
	}
	section(&page, "Processor time, sampled 100 times a second", rows)

	rows = newTable("Go function, by its own time", "CPU seconds", "Share")
	for _, name := range most(k.functions, listedFunctions) {
		rows.AppendRow(table.Row{name, number(k.functions[name]), percent(k.functions[name], sampled)})
	}
	section(&page, "Go code", rows)
	for _, note := range notes {
		fmt.Fprintf(&page, "\n%s\n", note)
	}
	return page.String(), nil
}

func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.AppendHeader(header)
	columns := make([]table.ColumnConfig, len(header))
	for n := range columns {
		columns[n] = table.ColumnConfig{Number: n + 1, Align: text.AlignRight}
	}
	columns[0].Align = text.AlignLeft
	t.SetColumnConfigs(columns)
	return t
}

func section(page *strings.Builder, title string, t table.Writer) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n", title, t.RenderMarkdown())
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

func number(seconds float64) string      { return fmt.Sprintf("%.2f", seconds) }
func seconds(s float64) string           { return fmt.Sprintf("%.2f s", s) }
func milliseconds(s float64) string      { return fmt.Sprintf("%.1f ms", 1000*s) }
func percent(part, whole float64) string { return fmt.Sprintf("%.1f %%", 100*ratio(part, whole)) }
