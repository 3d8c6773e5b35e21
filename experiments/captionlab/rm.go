package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/captionlab/captionlab/experiments"
)

func rmCommand() *cobra.Command {
	var results string
	var yes bool
	c := &cobra.Command{
		Use:   "rm RUN ... [--yes]",
		Short: "Remove run folders",
		Long: `Rm removes run folders from the results folder, after asking; it asks only at a terminal, and without
one it takes --yes. A run in progress, a link, and a folder that is no run's or lies elsewhere are
refused, and then nothing is removed. There is no way back.` + runHelp,
		Example: `  captionlab rm last
  captionlab rm results/*-quickstart-* --yes`,
		Args: needArg("runs, as in captionlab rm last", -1),
		RunE: func(c *cobra.Command, args []string) error {
			runs, err := doomed(results, args)
			if err != nil {
				return err
			}
			if !yes {
				if !term.IsTerminal(int(os.Stdin.Fd())) {
					return &usageError{c, "captionlab rm asks at a terminal; without one it takes --yes"}
				}
				if !confirmed(c.InOrStdin(), c.ErrOrStderr(), runs) {
					say(c.ErrOrStderr(), "nothing was removed", "")
					return nil
				}
			}
			for _, r := range runs {
				if err := experiments.RemoveRun(results, r.Dir); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), "removed "+r.Dir)
			}
			return nil
		},
	}
	c.Flags().StringVar(&results, "results", "", "the results folder (default: results in the checkout)")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return c
}

// doomed opens the runs, each once, and refuses them all where one can't be removed.
func doomed(results string, names []string) (runs []*experiments.RunFolder, err error) {
	for _, name := range names {
		r, err := experiments.OpenRun(results, name)
		if err != nil {
			return nil, err
		}
		if err := experiments.CanRemoveRun(results, r.Dir); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(runs, func(known *experiments.RunFolder) bool { return known.Folder == r.Folder }) {
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// confirmed lists the runs and asks; anything but y or yes is no.
func confirmed(in io.Reader, out io.Writer, runs []*experiments.RunFolder) bool {
	var total int64
	for _, r := range runs {
		bytes, err := r.Bytes()
		if err == nil { // a size that can't be known is no reason to stop
			total += bytes
		}
		fmt.Fprintf(out, "%s  %s\n", r.Folder, r.Status)
	}
	what := "this run"
	if len(runs) > 1 {
		what = fmt.Sprintf("these %d runs", len(runs))
	}
	fmt.Fprintf(out, "remove %s, %s? [y/N] ", what, humanize.IBytes(uint64(max(total, 0))))
	answer, _ := bufio.NewReader(in).ReadString('\n') // no answer is no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
