package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func sweepCommand() *cobra.Command {
	var o experiments.SweepOptions
	var status, cancel bool
	c := &cobra.Command{
		Use:   "sweep STUDY [section.key=value ...]",
		Short: "Run a study: the same experiment with what varies, over seeds",
		Long: `Sweep carries out every cell of a study file: each value of its axes with each of the others, for each
seed. Finished runs of the same config are taken as they are, interrupted ones go on, and where cells
differ in training.epochs alone, the longer goes on from the shorter. Ctrl-C ends the current cell
after its step; after that, or after a crash, the same command goes on. It ends in a table, and in
study.json, study.csv, study.md and comparison.html (captionlab compare) in the study's folder.

STUDY is a path, or a name in configs (studies/quick.toml). Overrides hold for all cells. A study file
is a config with a [study] section, and its other sections are what all cells have in common:

  extends = "../baseline.toml"

  [study]
  seeds = [1, 2, 3]                  # training.seed; with split_seeds = true, data.split_seed too: then
                                     # study.md has the means, and comparison.html one split alone

  [study.axes]                       # every value with every value of the other axes
  text.tokenizer = ["char", "word"]
  training.epochs = { logrange = [5, 40], count = 4 }    # or { range = [5, 20], step = 5 }

  [study.zip.size]                   # keys that vary together
  decoder.units = [128, 256]
  decoder.embedding = [64, 128]

  [study.cases.cleaning]             # an axis whose values are named sets of keys
  none = { text.links = "keep", text.hashtags = "keep" }
  all = {}

  [study.when.words]                 # keys that some of the cells have besides
  if = { text.tokenizer = "word" }
  set = { training.learning_rate = 0.001 }

  [study.skip]                       # combinations that are left out, by the reason
  "known to fail" = { cleaning = "none", training.epochs = [20, 40] }

With --engine slurm, cells run on a cluster: one job array, a cell a task, after one job that does what
they share. The section [slurm] says what a task gets (captionlab config keys slurm). Checkout and
results must lie on a file system that the cluster's machines share. The command waits; Ctrl-C leaves
the jobs running, and the same command waits for them again.`,
		Example: `  captionlab sweep studies/quick.toml
  captionlab sweep studies/quick.toml --dry-run
  captionlab sweep studies/full/tokenization.toml data.root=../flickr8k
  captionlab sweep studies/quick.toml --engine slurm slurm.partition=gpu slurm.gpus=1 slurm.time=2:00:00
  captionlab sweep studies/quick.toml --engine slurm --status`,
		Args: needArg("a study, as in captionlab sweep studies/quick.toml", -1),
		RunE: func(c *cobra.Command, args []string) error {
			asked := status || cancel || o.Detach
			if asked && !c.Flags().Changed("engine") {
				o.Engine = "slurm"
			}
			switch {
			case asked && o.Engine != "slurm":
				return &usageError{c, "--detach, --status and --cancel are for --engine slurm"}
			case asked && o.DryRun:
				return &usageError{c, "--dry-run does nothing, so it doesn't go with --detach, --status or --cancel"}
			case status && cancel || status && o.Detach || cancel && o.Detach:
				return &usageError{c, "--detach, --status and --cancel go one at a time"}
			case status:
				return slurmStatus(c, args)
			case cancel:
				return slurmCancel(c, args)
			}
			return sweep(c, args, o)
		},
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "list the cells and what would be done, and do nothing")
	c.Flags().BoolVar(&o.RetryFailed, "retry-failed", false, "try again cells that failed before")
	c.Flags().StringVar(&o.Engine, "engine", "local", "where cells run: local, one after the other in this process; slurm, as a job array")
	c.Flags().BoolVar(&o.Detach, "detach", false, "slurm: submit the cells, and don't wait")
	c.Flags().BoolVar(&status, "status", false, "slurm: show how the cells stand")
	c.Flags().BoolVar(&cancel, "cancel", false, "slurm: cancel the cells that wait or run")
	return c
}

// sweep runs a study and prints its table, of a study that was interrupted too.
func sweep(c *cobra.Command, args []string, o experiments.SweepOptions) error {
	o.Options = options(c)
	if engines := experiments.Engines(); !slices.Contains(engines, o.Engine) && o.Engine != "" {
		return &usageError{c, fmt.Sprintf("no engine %q; expected %s", o.Engine, strings.Join(engines, " or "))}
	}
	if o.Engine == "slurm" {
		var err error
		if o.Command, err = os.Executable(); err != nil {
			return err
		}
	}
	study, err := experiments.Sweep(c.Context(), args[0], args[1:], o)
	if study == nil {
		return err
	}
	var queued *experiments.StillQueued
	if errors.As(err, &queued) || o.Detach && err == nil {
		slurmHints(c.ErrOrStderr(), args)
	}
	if o.DryRun {
		return errors.Join(err, study.WritePlan(c.OutOrStdout()))
	}
	if printed := study.WriteTable(c.OutOrStdout()); printed != nil {
		return printed
	}
	if o.Detach {
		fmt.Fprintln(c.OutOrStdout(), study.Dir)
		return err
	}
	if page, compared := compareStudy(c, study.Dir, err); compared != nil {
		err = errors.Join(err, compared)
	} else if page != "" {
		fmt.Fprintln(c.OutOrStdout(), page)
	}
	fmt.Fprintln(c.OutOrStdout(), study.Dir)
	return err
}

// compareStudy writes the comparison of a study's runs and returns the page; none of a study that was interrupted, or of
// one that has no two runs to compare.
func compareStudy(c *cobra.Command, dir string, err error) (page string, _ error) {
	if errors.Is(err, experiments.ErrInterrupted) || c.Context().Err() != nil {
		return "", nil
	}
	comparison, err := experiments.Compare(c.Context(), []string{dir}, experiments.CompareOptions{})
	if errors.Is(err, experiments.ErrNothingToCompare) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return comparison.Write("")
}
