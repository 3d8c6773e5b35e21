package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func summaryCommand() *cobra.Command {
	var encoder, weights string
	var head bool
	var vocabulary int
	c := &cobra.Command{
		Use:   "summary CONFIG [section.key=value ...] | --encoder NAME [--head] [--weights FILE]",
		Short: "List a network's layers with their output shapes and parameters",
		Long: `Summary lists the layers of a config's encoder and decoder, or of an encoder alone, with output shapes
and parameter counts. The decoder's size depends on the vocabulary: the config's captions are read,
or generated, unless --vocabulary gives the number of tokens.` + overridesHelp,
		Example: `  captionlab summary baseline.toml
  captionlab summary flickr8k.toml data.root=x --vocabulary 100
  captionlab summary --encoder resnet50 --head
  captionlab summary --encoder onnx --weights model.onnx`,
		RunE: func(c *cobra.Command, args []string) error {
			var t *experiments.SummaryTable
			var err error
			switch {
			case encoder != "" && len(args) > 0:
				return &usageError{c, "a config or --encoder, not both"}
			case encoder == "onnx" && weights == "":
				return &usageError{c, "--encoder onnx needs --weights FILE"}
			case encoder != "":
				if t, err = experiments.EncoderSummary(encoder, weights, head); err != nil {
					return &usageError{c, "--encoder: " + err.Error()}
				}
			case len(args) == 0:
				return &usageError{c, "captionlab summary needs a config, or --encoder"}
			case head:
				return &usageError{c, "--head goes with --encoder"}
			case weights != "":
				return &usageError{c, "--weights goes with --encoder"}
			case vocabulary < 0:
				return &usageError{c, "--vocabulary: expected a number of tokens"}
			default:
				t, err = experiments.Summary(c.Context(), args[0], args[1:], vocabulary, c.ErrOrStderr())
			}
			if err != nil {
				return err
			}
			printSummary(c.OutOrStdout(), t)
			return nil
		},
	}
	c.Flags().StringVar(&encoder, "encoder", "", "list this encoder alone: "+strings.Join(experiments.Encoders(), ", "))
	c.Flags().BoolVar(&head, "head", false, "with --encoder: its class layer too")
	c.Flags().StringVar(&weights, "weights", "", "with --encoder onnx: the file")
	c.Flags().IntVar(&vocabulary, "vocabulary", 0, "number of tokens, instead of reading the captions")
	return c
}

func printSummary(w io.Writer, s *experiments.SummaryTable) {
	t := newTable(w)
	t.SetTitle(s.Title)
	header := table.Row{"Layer (type)", "Output shape", "Parameters"}
	mixed := slices.ContainsFunc(s.Rows, func(r experiments.LayerRow) bool { return r.Params > 0 && !r.Trainable })
	if mixed {
		header = append(header, "Trained")
	}
	t.AppendHeader(header)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, Align: text.AlignRight}})
	part := ""
	for _, r := range s.Rows {
		if part != "" && r.Part != part {
			t.AppendSeparator()
		}
		part = r.Part
		row := table.Row{fmt.Sprintf("%s (%s)", r.Name, r.Kind), r.Output, count(r.Params)}
		if mixed {
			row = append(row, trained(r))
		}
		t.AppendRow(row)
	}
	t.Render()
	total, trainable := s.Parameters()
	fmt.Fprintf(w, "Total parameters: %s\nTrainable: %s\nNot trainable: %s\n", count(total), count(trainable), count(total-trainable))
}

// trained tells whether training changes a layer that has parameters.
func trained(r experiments.LayerRow) string {
	switch {
	case r.Params == 0:
		return ""
	case r.Trainable:
		return "yes"
	}
	return "no"
}

func count(n int) string { return humanize.Comma(int64(n)) }
