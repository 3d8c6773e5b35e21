package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func lsCommand() *cobra.Command {
	var results string
	var asJSON bool
	c := &cobra.Command{
		Use:   "ls [--results DIR] [--json]",
		Short: "List the runs with their status, scores and age, the newest first",
		Long: `Ls lists the runs in the results folder, the newest first. Losses are teacher-forced and of the
validation split, BLEU-4 and CIDEr of its free-running captions, in percent. A run folder's name is
the time it began, the experiment's name, and the first digits of its config's hash. Folders that
have a run's files but can't be read are named on stderr.`,
		Example: `  captionlab ls
  captionlab ls --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			runs, err := experiments.Runs(results)
			if err != nil {
				return err
			}
			broken, err := experiments.BrokenRuns(results)
			if err != nil {
				return err
			}
			for _, err := range broken {
				say(c.ErrOrStderr(), "left out: "+err.Error(), "")
			}
			slices.Reverse(runs)
			if asJSON {
				return printRunsJSON(c.OutOrStdout(), runs)
			}
			if len(runs) == 0 {
				if len(broken) > 0 {
					return nil
				}
				say(c.ErrOrStderr(), "no runs in "+experiments.ResultsFolder(results), "captionlab run quickstart.toml makes one")
				return nil
			}
			printRuns(c.OutOrStdout(), runs, time.Now())
			return nil
		},
	}
	c.Flags().StringVar(&results, "results", "", "the results folder (default: results in the checkout)")
	c.Flags().BoolVar(&asJSON, "json", false, "as a JSON array, with all figures")
	return c
}

func printRuns(w io.Writer, runs []*experiments.RunFolder, now time.Time) {
	t := newTable(w)
	t.AppendHeader(table.Row{"Run", "Status", "Began", "Took", "Nats/char", "BLEU-4", "CIDEr"})
	var right []table.ColumnConfig
	for n := 4; n <= 7; n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, r := range runs {
		t.AppendRow(table.Row{r.Folder, r.Status, humanize.RelTime(r.Started, now, "ago", "from now"), took(r, now),
			result(r, "validation_nats_per_character", 1, 3), result(r, "validation_bleu_4", 100, 1), result(r, "validation_cider", 100, 1)})
	}
	t.Render()
}

// took writes a run's time: of one that goes on, since it began. Of one whose process ended without a word nothing is known of the
// stage that it was in.
func took(r *experiments.RunFolder, now time.Time) string {
	seconds := r.Seconds()
	switch {
	case r.Status == experiments.RunRunning:
		seconds = now.Sub(r.Started).Seconds()
	case r.Status == experiments.RunFailed && r.Finished.IsZero():
		return "–"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// result is a figure of a run, or a dash where it has none.
func result(r *experiments.RunFolder, name string, unit float64, decimals int) string {
	x, ok := r.Results[name]
	if !ok || math.IsNaN(x) {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, unit*x)
}

// measured are a run's figures; what is not a number, which JSON can't say, is left out.
func measured(r *experiments.RunFolder) map[string]float64 {
	figures := map[string]float64{}
	for name, x := range r.Results {
		if !math.IsNaN(x) {
			figures[name] = x
		}
	}
	return figures
}

func printRunsJSON(w io.Writer, runs []*experiments.RunFolder) error {
	type row struct {
		Run         string             `json:"run"`
		Dir         string             `json:"dir"`
		Name        string             `json:"name"`
		Description string             `json:"description,omitempty"`
		ConfigHash  string             `json:"config_hash"`
		Status      string             `json:"status"`
		Error       string             `json:"error,omitempty"`
		Started     time.Time          `json:"started"`
		Seconds     float64            `json:"seconds"`
		Report      string             `json:"report,omitempty"`
		Results     map[string]float64 `json:"results"`
	}
	rows := make([]row, len(runs))
	for n, r := range runs {
		rows[n] = row{r.Folder, r.Dir, r.Name, r.Description, r.ConfigHash, string(r.Status), r.Error, r.Started, r.Seconds(), r.Report(), measured(r)}
	}
	return printJSON(w, rows)
}
