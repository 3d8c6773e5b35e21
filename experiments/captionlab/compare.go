package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

// runHelp ends the help of commands that take runs.
const runHelp = `

RUN is a run folder, the beginning or a part of its name, where only one has it, or last: the newest.`

func compareCommand() *cobra.Command {
	var o experiments.CompareOptions
	var out string
	c := &cobra.Command{
		Use:   "compare RUN ... | STUDY [--out DIR]",
		Short: "Compare runs: what differs, which differences are real, curves, captions side by side",
		Long: `Compare writes comparison.html, one page that needs nothing else, and the same as .md, .csv and .json.
Runs that differ in seeds alone are one group. Differences from the baseline, the first group unless
--baseline names a run of another, have intervals by paired bootstrap over pictures and seeds; where
one holds zero, or ends next to it, or where it is all within a tenth of a point, the page says: not
distinguishable. Runs tested on other pictures or references are left out, and named. The files go to
comparison-… beside the runs; of a study alone to its folder, where no other split, baseline or number
of resamples is asked for.` + runHelp + `

STUDY is the same of a study's folder; last, alone, is the newest study.`,
		Example: `  captionlab compare results/20260101T120000.000Z-tokenization-1a2b3c4d
  captionlab compare results/*-size-* --out results/sizes
  captionlab compare words characters --baseline characters --split test`,
		Args: needArg("runs or a study, as in captionlab compare results/*-size-*", -1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Split != "validation" && o.Split != "test" && o.Split != "train" {
				return &usageError{c, fmt.Sprintf("--split %q: expected validation, test or train", o.Split)}
			}
			if o.Resamples < 1 {
				return &usageError{c, fmt.Sprintf("--resamples %d: expected at least 1", o.Resamples)}
			}
			comparison, err := experiments.Compare(c.Context(), args, o)
			if err != nil {
				return err
			}
			page, err := comparison.Write(out)
			if err != nil {
				return err
			}
			for _, note := range comparison.Notes {
				say(c.ErrOrStderr(), "note: "+note, "")
			}
			for _, left := range comparison.LeftOut {
				say(c.ErrOrStderr(), "left out: "+left.Name+": "+left.Reason, "")
			}
			printComparison(c.OutOrStdout(), comparison)
			_, err = fmt.Fprintln(c.OutOrStdout(), page)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	c.Flags().StringVar(&o.Split, "split", "validation", "whose captions are compared: validation, test or train")
	c.Flags().StringVar(&o.Baseline, "baseline", "", "a run of the group that the others are measured against")
	c.Flags().IntVar(&o.Resamples, "resamples", 1000, "of the bootstrap")
	c.Flags().StringVar(&o.Results, "results", "", "folder in which runs are looked for (default: results in the checkout)")
	return c
}

// printComparison lists the groups with what speaks for them.
func printComparison(w io.Writer, c *experiments.Comparison) {
	t := newTable(w)
	t.AppendHeader(table.Row{"Group", "Runs", "CIDEr", "against the baseline", "nats a character"})
	t.SetColumnConfigs([]table.ColumnConfig{wrapped(1, 60)})
	for n, g := range c.Groups {
		against := "baseline"
		if d, ok := c.Difference(n, "cider"); ok {
			against = fmt.Sprintf("%s (%s to %s)", points(d.Difference.Difference, 1), points(d.Low, 1), points(d.High, 1))
			switch {
			case d.Negligible():
				against = "less than 0.1, not distinguishable"
			case !d.Distinguishable:
				against += ", not distinguishable"
			}
		}
		nats := figure(g, "nats_per_character", 1, 3)
		_, has := g.Figures["nats_per_character"]
		if col, ok := c.Column("nats_per_character"); ok && has && !c.Comparable(col, c.Groups[c.Baseline], g) {
			nats += " *"
		}
		t.AppendRow(table.Row{g.Name(), len(g.Runs), figure(g, "cider", 100, 1), against, nats})
	}
	t.Render()
}

// points are a difference of fractions in percent; what rounds to nothing has no sign.
func points(difference float64, decimals int) string {
	text := fmt.Sprintf("%+.*f", decimals, 100*difference)
	if strings.Trim(text, "+-0.") == "" {
		return text[1:]
	}
	return text
}

// figure writes a group's mean and deviation.
func figure(g *experiments.ComparedGroup, name string, unit float64, decimals int) string {
	f, ok := g.Figures[name]
	if !ok {
		return "–"
	}
	text := fmt.Sprintf("%.*f", decimals, unit*f.Mean)
	if f.N > 1 {
		text += fmt.Sprintf(" ± %.*f", decimals, unit*f.SD)
	}
	return strings.TrimSpace(text)
}
