package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func dataFetchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "fetch",
		Short:   "Fetch a data set",
		Example: `  captionlab data fetch stamps`,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "stamps [DIR]",
		Short: "Fetch Tux Paint's stamps: small pictures with captions in many languages",
		Long: `Stamps brings Debian's package tuxpaint-stamps-default (161 MB, GPL-2) with apt-get and unpacks it with
dpkg-deb, without installing it, into DIR (default: stamps in the cache). It prints the data.root to use.
Run again, it finds them there.`,
		Example: `  captionlab data fetch stamps
  captionlab data fetch stamps ../stamps`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{c, fmt.Sprintf("%s: unexpected argument %q", c.CommandPath(), args[1])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			dir := ""
			if len(args) == 1 {
				dir = args[0]
			}
			root, err := experiments.FetchStamps(c.Context(), dir, options(c))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "data.root=%s\n", root)
			return err
		},
	})
	return c
}
