package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func runCommand() *cobra.Command {
	var profile bool
	c := &cobra.Command{
		Use:   "run CONFIG [section.key=value ...]",
		Short: "Run an experiment",
		Long: `Run carries out the experiment of one config: pictures to features, training, captions, report.
Features are kept in the cache and used again. Ctrl-C ends the run after its current step, with a
checkpoint that captionlab resume goes on from, and a report of the epochs that it has trained. A run
that fails leaves such a report, too. A study is run as captionlab sweep runs it.

With --profile, the run's folder gets profiles: Go's CPU and heap profiles for go tool pprof, and
profile.md, which says where the time of stages and training steps went, and how much of it was XLA's.
There is no time line of XLA's operations: its CPU plugin offers no profiler, and go-xla doesn't pass on
that of the CUDA plugin.` + overridesHelp,
		Example: `  captionlab run baseline.toml
  captionlab run quickstart.toml --profile
  captionlab run flickr8k.toml data.root=../flickr8k
  captionlab run baseline.toml training.epochs=5 decoder.units=512 experiment.name=wide`,
		Args: needArg("a config, as in captionlab run quickstart.toml", -1),
		RunE: func(c *cobra.Command, args []string) error {
			if experiments.IsStudy(args[0]) {
				if profile {
					return &usageError{c, "--profile is for one run, and " + args[0] + " is a study"}
				}
				return sweep(c, args, experiments.SweepOptions{})
			}
			o := options(c)
			o.Profile = profile
			result, err := experiments.Run(c.Context(), args[0], args[1:], o)
			if err != nil {
				return err
			}
			return printResult(c.OutOrStdout(), result)
		},
	}
	profileFlag(c, &profile)
	return c
}

func profileFlag(c *cobra.Command, profile *bool) {
	c.Flags().BoolVar(profile, "profile", false, "write CPU and heap profiles (pprof) and where the time went to the run's folder (no XLA time line: see captionlab run --help)")
}

func options(c *cobra.Command) experiments.Options {
	return experiments.Options{Stderr: c.ErrOrStderr()}
}

// printResult lists a finished run's figures, and where its report is.
func printResult(w io.Writer, r *experiments.Result) error {
	width := 0
	for name := range r.Figures {
		width = max(width, len(name))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Fprintf(w, "%-*s  %.5g\n", width, name, r.Figures[name])
	}
	if r.Profile != "" {
		fmt.Fprintln(w, r.Profile)
	}
	_, err := fmt.Fprintf(w, "%s, peak memory %s\n%s\n", time.Duration(r.Seconds*float64(time.Second)).Round(time.Second),
		humanize.IBytes(uint64(max(r.PeakMemoryBytes, 0))), r.ReportHTML)
	return err
}
