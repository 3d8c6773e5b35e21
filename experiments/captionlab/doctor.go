package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what is missing on this machine, and how to fix it",
		Long: `Doctor looks for what experiments need: Go, a C compiler, Python with pip, the XLA plugin and its
devices, VGG16's weights, notebook tools, Java, disk and memory. Under each thing that is missing stands
the fix. The exit status is 0, whatever is missing: the first run fetches some of it, and some is for a
part of the work alone.`,
		Example: `  captionlab doctor`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			findings, err := experiments.Doctor(c.Context())
			if err != nil {
				return err
			}
			width := 0
			for _, f := range findings {
				width = max(width, len(f.Name))
			}
			for _, f := range findings {
				fmt.Fprintf(c.OutOrStdout(), "%-8s %-*s  %s\n", f.Status, width, f.Name, f.Detail)
				if f.Fix != "" {
					fmt.Fprintf(c.OutOrStdout(), "%-8s %-*s  fix: %s\n", "", width, "", f.Fix)
				}
			}
			return nil
		},
	}
}
