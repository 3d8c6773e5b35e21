package main

import (
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func ensembleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ensemble RUN RUN... [section.key=value ...]",
		Short: "Decode several runs together and score their captions",
		Long: `Ensemble decodes the models of several runs together: at each step the probability of a token is the
mean of theirs, in greedy, beam and sampling alike. It trains nothing. The captions, their scores and a
report are in a run folder of their own, which caption, compare and show take; the runs' folders must
stay where they are. The runs must have the same vocabulary and features, and none may have trained on
a picture that another holds out. The config is the first run's; keys of decoding, evaluation, experiment
and runtime override it.` + runHelp,
		Example: `  captionlab ensemble results/RUN-seed1 results/RUN-seed2 results/RUN-seed3
  captionlab ensemble results/RUN-lstm results/RUN-gru decoding.method=beam decoding.beam_width=5`,
		Args: needArg("run folders", -1),
		RunE: func(c *cobra.Command, args []string) error {
			runs, overrides := apart(args)
			if len(runs) < 2 {
				return &usageError{c, "captionlab ensemble needs at least two run folders; captionlab decode takes one"}
			}
			result, err := experiments.Ensemble(c.Context(), runs, overrides, options(c))
			if err != nil {
				return err
			}
			return printResult(c.OutOrStdout(), result)
		},
	}
}
