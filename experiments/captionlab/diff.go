package main

import (
	"fmt"
	"io"
	"math"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func diffCommand() *cobra.Command {
	var results string
	c := &cobra.Command{
		Use:   "diff RUN RUN",
		Short: "Show in what two runs differ: config, environment, figures",
		Long: `Diff lists the keys of the config in which two runs differ, what differs in the environment they were
made in, and all their figures. Whether a difference in figures means anything says captionlab compare.` + runHelp,
		Example: `  captionlab diff quickstart last`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{c, fmt.Sprintf("captionlab diff takes two runs, got %d", len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			var runs []*experiments.RunFolder
			for _, name := range args {
				r, err := experiments.OpenRun(results, name)
				if err != nil {
					return err
				}
				runs = append(runs, r)
			}
			d, err := experiments.DiffRuns(runs[0], runs[1])
			if err != nil {
				return err
			}
			printDiff(c.OutOrStdout(), d)
			return nil
		},
	}
	c.Flags().StringVar(&results, "results", "", "folder in which runs are looked for (default: results in the checkout)")
	return c
}

func printDiff(w io.Writer, d *experiments.RunDiff) {
	fmt.Fprintf(w, "A: %s\nB: %s\n", d.A.Folder, d.B.Folder)
	for _, part := range []struct {
		title   string
		changes []experiments.Change
	}{{"Config", d.Config}, {"Environment", d.Environment}} {
		if len(part.changes) == 0 {
			fmt.Fprintf(w, "%s: no difference\n", part.title)
			continue
		}
		t := newTable(w)
		t.SetTitle(part.title)
		t.AppendHeader(table.Row{"", "A", "B"})
		t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: 44}, {Number: 3, WidthMax: 44}})
		for _, c := range part.changes {
			t.AppendRow(table.Row{c.Name, dash(c.A), dash(c.B)})
		}
		t.Render()
	}
	if len(d.Figures) == 0 {
		return
	}
	t := newTable(w)
	t.SetTitle("Figures")
	t.AppendHeader(table.Row{"", "A", "B", "B - A"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 3, Align: text.AlignRight}, {Number: 4, Align: text.AlignRight}})
	for _, f := range d.Figures {
		t.AppendRow(table.Row{f.Name, number("%.5g", f.A), number("%.5g", f.B), number("%+.3g", f.B-f.A)})
	}
	t.Render()
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func number(format string, x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return fmt.Sprintf(format, x)
}
