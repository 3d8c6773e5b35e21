package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func captionCommand() *cobra.Command {
	var asJSON, attention bool
	c := &cobra.Command{
		Use:   "caption RUN PICTURE... [decoding.key=value ...]",
		Short: "Caption your own pictures with a run's model",
		Long: `Caption says what the model of a run makes of pictures: files, or folders of them. It uses the best
epoch's weights and the run's own way of decoding, unless keys of decoding override it; keys of runtime
are taken, too. What is a file is a picture, whatever its name. Each line is a picture, a tab and its
caption; a path with control characters, as a line break, stands in quotes, with escapes as in Go.

The other captions that --json lists after beam search are those that ended before the search did, each
once: often fewer than the beam is wide.` + runHelp,
		Example: `  captionlab caption results/RUN holiday.jpg
  captionlab caption last photos decoding.method=beam decoding.beam_width=5
  captionlab caption --json results/RUN photos`,
		Args: needArg("a run folder and pictures", -1),
		RunE: func(c *cobra.Command, args []string) error {
			pictures, overrides := apart(args[1:])
			if len(pictures) == 0 {
				return &usageError{c, "captionlab caption needs pictures besides the run folder"}
			}
			caption := experiments.CaptionFiles
			if attention {
				caption = experiments.AttendFiles
			}
			captions, err := caption(c.Context(), args[0], pictures, overrides, options(c))
			if err != nil {
				return err
			}
			if asJSON || attention {
				return printJSON(c.OutOrStdout(), captions)
			}
			for _, one := range captions {
				fmt.Fprintf(c.OutOrStdout(), "%s\t%s\n", onOneLine(one.Path), one.Caption)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one array with log-probabilities and, after beam search, the other captions of the beam")
	c.Flags().BoolVar(&attention, "attention", false, "as --json, with the weights of the picture's parts at each token of the caption; for a decoder with attention")
	return c
}

// onOneLine quotes a path that would break a line or its columns.
func onOneLine(path string) string {
	if strings.ContainsFunc(path, unicode.IsControl) {
		return strconv.Quote(path)
	}
	return path
}
