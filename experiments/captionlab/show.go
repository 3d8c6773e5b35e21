package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func showRunCommand() *cobra.Command {
	var results string
	var asJSON bool
	c := &cobra.Command{
		Use:   "show RUN [--json]",
		Short: "Show a run: its config in short, figures, times, environment, report",
		Long: `Show prints what a run is: the keys of its config that are not the defaults, every figure that it
measured, the time of its stages, what it was made with, and where its report is. With --json it prints
run.json, the folder and the report, and in config the resolved config, defaults included.` + runHelp,
		Example: `  captionlab show last
  captionlab show last --json | jq .results
  captionlab show quickstart`,
		Args: needArg("a run, as in captionlab show last", 1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := experiments.OpenRun(results, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printRunJSON(c.OutOrStdout(), r)
			}
			return printRun(c.OutOrStdout(), r)
		},
	}
	c.Flags().StringVar(&results, "results", "", "folder in which the run is looked for (default: results in the checkout)")
	c.Flags().BoolVar(&asJSON, "json", false, "as a JSON object, with all that run.json has and the config")
	return c
}

func printRunJSON(w io.Writer, r *experiments.RunFolder) error {
	config, err := r.Config()
	if err != nil {
		return err
	}
	return printJSON(w, struct {
		Run    string `json:"run"`
		Dir    string `json:"dir"`
		Report string `json:"report,omitempty"`
		experiments.RunInfo
		Seconds float64            `json:"seconds"`
		Results map[string]float64 `json:"results"` // in place of RunInfo's
		Config  map[string]any     `json:"config"`
	}{r.Folder, r.Dir, r.Report(), r.RunInfo, r.Seconds(), measured(r), config})
}

func printRun(w io.Writer, r *experiments.RunFolder) error {
	changed, err := notDefault(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", r.Folder, r.Status)
	for _, line := range []string{r.Description, r.Error} {
		if line != "" {
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w)
	facts := [][2]string{
		{"folder", r.Dir},
		{"report", r.Report()},
		{"began", r.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"took", took(r, time.Now())},
	}
	if r.PeakMemoryBytes > 0 {
		facts = append(facts, [2]string{"peak memory", humanize.IBytes(uint64(r.PeakMemoryBytes))})
	}
	for _, p := range r.Earlier {
		facts = append(facts, [2]string{"before", strings.TrimSpace(strings.Join([]string{p.Commit(), p.GoVersion, p.Host.OS, p.Host.CPU}, " "))})
	}
	facts = append(facts, [2]string{"command", r.Command}, [2]string{"commit", r.Commit()}, [2]string{"config hash", r.ConfigHash}, [2]string{"go", r.GoVersion},
		[2]string{"backend", strings.TrimSpace(strings.Join([]string{r.Backend, r.Device, r.Plugin, r.PluginVersion}, " "))},
		[2]string{"host", strings.TrimSpace(fmt.Sprintf("%s, %d cores, %s of memory %s", r.Host.OS, r.Host.Cores, humanize.IBytes(uint64(max(r.Host.MemoryBytes, 0))), r.Host.CPU))})
	for _, f := range facts {
		if f[1] != "" {
			fmt.Fprintf(w, "%-12s %s\n", f[0], f[1])
		}
	}
	fmt.Fprintln(w)
	if len(changed) > 0 {
		t := newTable(w)
		t.SetTitle("Config, where it is not the default")
		t.AppendHeader(table.Row{"Key", "Here", "Default"})
		t.SetColumnConfigs([]table.ColumnConfig{wrapped(2, 48), wrapped(3, 24)})
		for _, c := range changed {
			t.AppendRow(table.Row{c.Name, c.A, c.B})
		}
		t.Render()
	}
	if len(r.Results) > 0 {
		t := newTable(w)
		t.SetTitle("Figures")
		t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}})
		for _, name := range slices.Sorted(maps.Keys(r.Results)) {
			t.AppendRow(table.Row{name, fmt.Sprintf("%.5g", r.Results[name])})
		}
		t.Render()
	}
	if len(r.Stages) > 0 {
		t := newTable(w)
		t.SetTitle("Times")
		t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}})
		for _, s := range r.Stages {
			t.AppendRow(table.Row{s.Name, fmt.Sprintf("%.1f s", s.Seconds)})
		}
		t.Render()
	}
	return nil
}

// notDefault are the keys of a run's config whose values are not the defaults: A is the run's value, B the default.
func notDefault(r *experiments.RunFolder) (changed []experiments.Change, err error) {
	settings, err := r.Settings()
	if err != nil {
		return nil, err
	}
	keys, err := experiments.ConfigKeys()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if value, ok := settings[k.Path()]; ok && value != k.Default && k.Path() != "experiment.description" {
			changed = append(changed, experiments.Change{Name: k.Path(), A: value, B: k.Default})
		}
		delete(settings, k.Path())
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) { // of another version
		changed = append(changed, experiments.Change{Name: key, A: settings[key], B: "no such key now"})
	}
	return changed, nil
}
