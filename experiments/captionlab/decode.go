package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "decode RUN [section.key=value ...]",
		Short: "Decode a finished run's model in another way and score its captions",
		Long: `Decode takes the model of a finished run, the best epoch's, captions the held-out pictures once more, by
another search, and scores those of validation. Test captions are left in coco, for captionlab score. It
trains nothing. The captions, their scores and a report are in a run folder of their own, which caption,
compare and show take; the run's folder must stay where it is. The config is the run's; keys of decoding,
evaluation, experiment and runtime override it.` + runHelp,
		Example: `  captionlab decode last decoding.method=beam decoding.beam_width=3
  captionlab decode results/RUN decoding.method=sample decoding.top_p=0.9 decoding.splits=validation`,
		Args: needArg("a run folder", -1),
		RunE: func(c *cobra.Command, args []string) error {
			runs, overrides := apart(args)
			if len(runs) != 1 {
				return &usageError{c, fmt.Sprintf("captionlab decode takes one run folder, not %d; captionlab ensemble decodes several together", len(runs))}
			}
			result, err := experiments.Decode(c.Context(), runs[0], overrides, options(c))
			if err != nil {
				return err
			}
			return printResult(c.OutOrStdout(), result)
		},
	}
}
