package main

import (
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func resumeCommand() *cobra.Command {
	var profile bool
	c := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted, failed or killed",
		Long: `Resume goes on with a run from its last checkpoint. On the CPU it ends bit for bit as it would have,
had it never stopped. RUN is the run's folder.`,
		Example: `  captionlab resume results/20260101T120000.000Z-baseline-1a2b3c4d`,
		Args:    needArg("a run folder, as in captionlab resume results/RUN", 1),
		RunE: func(c *cobra.Command, args []string) error {
			o := options(c)
			o.Profile = profile
			result, err := experiments.Resume(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			return printResult(c.OutOrStdout(), result)
		},
	}
	profileFlag(c, &profile)
	return c
}
