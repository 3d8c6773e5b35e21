package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func exportInputsCommand() *cobra.Command {
	var to string
	c := exporter(&cobra.Command{
		Use:   "inputs RUN ... [--to DIR]",
		Short: "Write what a run's decoder learnt from, for other programs",
		Long: `Inputs writes a folder with all that a run's decoder learnt from, which NumPy reads: another program can
train a decoder of its own on the same.

  inputs.json      the resolved config, the vocabulary, the pictures' ids, the run's hashes and figures,
                   and the random state after the best epoch, of which dropout masks are drawn
  features.npy     float32 [pictures, values], scaled: the training pictures, then the validation ones
  captions.npz     int32: train_tokens [captions, longest], padded with 0, train_lengths, train_pictures
                   (rows of features.npy), and validation_…; train_order [epochs, captions], in
                   which order the run's epochs read them
  references.json  the validation split's references, as COCO's captions
  results.json     the run's own captions of that split, as COCO's results
  weights.npz      the best epoch's weights, by variable

The test split isn't in it. Pictures whose features the cache has lost go through the encoder again.
experiments/testdata/twin/twin.py is such a program: the same decoders in PyTorch.`,
		Example: `  captionlab export inputs last
  captionlab export inputs results/*-tanti-init-* --to /srv/inputs`,
	}, func(c *cobra.Command, runs []*experiments.RunFolder) error {
		if to == "" {
			return &usageError{c, "--to: expected a folder"}
		}
		for _, r := range runs {
			dir, err := experiments.ExportInputs(c.Context(), r, to, experiments.Options{Stderr: c.ErrOrStderr(), Quiet: true})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), dir)
		}
		return nil
	})
	c.Flags().StringVar(&to, "to", "inputs", "folder that gets a folder for each run")
	return c
}
