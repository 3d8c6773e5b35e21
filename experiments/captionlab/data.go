package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func dataCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "Check a config's data set before training, fetch one",
		Example: `  captionlab data check flickr8k.toml data.root=../flickr8k
  captionlab data fetch stamps`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(dataCheckCommand(), dataFetchCommand())
	return c
}

func dataCheckCommand() *cobra.Command {
	var o experiments.DataOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "check CONFIG [section.key=value ...]",
		Short: "Say what is in a data set and what is wrong with it",
		Long: `Check loads the data set as a run would and looks at all of it: images, captions, their lengths,
alphabet, emoji and words; every row that was repaired or dropped; pictures that are missing, cut off,
no pictures, doubled byte for byte or to the eye. The exit status is 1 when something makes results
wrong: a picture that lies in two splits, no pictures to train or validate on; 0 else, with warnings
and notes.

The folder of --out receives report.json, rows.txt (every problem) and lengths.png and .svg.
Fields of --json (and report.json): config, format, root, data_hash, ok, findings [severity kind count
message], splits, images, captions, distinct_captions, captions_per_image, length (with histogram),
characters, emoji, broken_emoji, words, cleaning, rows [file line reason], shared_captions, pictures
[broken identical near_identical ...], files.` + overridesHelp,
		Example: `  captionlab data check flickr8k.toml data.root=../flickr8k
  captionlab data check mine.toml --no-pictures
  captionlab data check mine.toml --json | jq .findings`,
		Args: needArg("a config", -1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Stderr = c.ErrOrStderr()
			r, err := experiments.CheckData(c.Context(), args[0], args[1:], o)
			if err != nil {
				return err
			}
			if asJSON {
				var data []byte
				if data, err = r.JSON(); err == nil {
					_, err = c.OutOrStdout().Write(data)
				}
			} else {
				err = printData(c.OutOrStdout(), r)
			}
			return errors.Join(err, dataVerdict(r))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object on stdout, for machines")
	c.Flags().BoolVar(&o.NoPictures, "no-pictures", false, "do not decode the pictures: seconds instead of minutes")
	c.Flags().StringVar(&o.Out, "out", "", "folder for report.json, rows.txt and the histogram (default: check/NAME in the cache)")
	return c
}

// dataVerdict is the error of data that makes results wrong, nil else.
func dataVerdict(r *experiments.DataReport) error {
	wrong := r.Errors()
	if len(wrong) == 0 {
		return nil
	}
	messages, next := make([]string, len(wrong)), ""
	for n, f := range wrong {
		messages[n] = f.Message
		if strings.HasPrefix(f.Kind, "leak_") {
			next = "\nleave one of each out, or put them into one split by data.split_file"
		}
	}
	return fmt.Errorf("this data makes results wrong: %s%s", strings.Join(messages, "; "), next)
}
