package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func resumeCommand() *cobra.Command {
	var profile bool
	c := &cobra.Command{
		Use:   "resume RUN [section.key=value ...]",
		Short: "Go on with a run that was interrupted, failed or killed",
		Long: `Resume goes on with a run from its last checkpoint. On the CPU it ends bit for bit as it would have,
had it never stopped.

Where something has moved since, overrides say where it is now: data.root, encoder.weights, runtime.cache
and other keys that change nothing of what is computed. What isn't what the run began with is refused.` + runHelp,
		Example: `  captionlab resume last
  captionlab resume results/20260101T120000.000Z-baseline-1a2b3c4d
  captionlab resume last data.root=/mnt/flickr8k`,
		Args: needArg("a run, as in captionlab resume last", -1),
		RunE: func(c *cobra.Command, args []string) error {
			runs, overrides := apart(args)
			if len(runs) != 1 {
				return &usageError{c, fmt.Sprintf("captionlab resume takes one run, not %d", len(runs))}
			}
			o := options(c)
			o.Profile = profile
			result, err := experiments.Resume(c.Context(), runs[0], overrides, o)
			if err != nil {
				return err
			}
			return printResult(c.OutOrStdout(), result)
		},
	}
	profileFlag(c, &profile)
	return c
}
