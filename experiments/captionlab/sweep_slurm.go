package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

// cellCommand is what a Slurm task runs. Its output is the task's log.
func cellCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "cell FOLDER CELL",
		Short:  "Run one cell of a study that was submitted to Slurm: what its tasks do",
		Hidden: true,
		Long: `Cell runs one cell of a study that captionlab sweep --engine slurm submitted: FOLDER is slurm/<n> in the
study's folder, CELL its number in captionlab sweep --dry-run, or "shared": what the cells share. A cell
that is done is left as it is.`,
		Example: `  captionlab cell results/STUDY/slurm/1 3`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{c, fmt.Sprintf("%s needs a folder and a cell, as in %s", c.CommandPath(), strings.TrimSpace(c.Example))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return experiments.RunCell(c.Context(), args[0], args[1], options(c))
		},
	}
}

func slurmStatus(c *cobra.Command, args []string) error {
	status, err := experiments.OpenSlurm(c.Context(), args[0], args[1:])
	if err != nil {
		return err
	}
	return status.WriteTable(c.OutOrStdout())
}

func slurmCancel(c *cobra.Command, args []string) error {
	tasks, jobs, err := experiments.CancelSlurm(c.Context(), args[0], args[1:])
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		_, err = fmt.Fprintln(c.OutOrStdout(), "nothing to cancel: no cell waits or runs")
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "cancelled %d tasks (Slurm jobs %s); running ones keep a checkpoint, and the same study submitted again goes on from there\n",
		tasks, strings.Join(jobs, ", "))
	return err
}

// slurmHints says what can be done about cells that go on without this command.
func slurmHints(w io.Writer, args []string) {
	command := asCalled("captionlab sweep ") + shellWords(args) + " --engine slurm"
	fmt.Fprintf(w, "the cells are Slurm's now; to go on:\n  %s            waits for them again, and submits what is missing\n"+
		"  %s --status   shows how they stand\n  %s --cancel   cancels them\n", command, command, command)
}

// shellWords is a command line's arguments.
func shellWords(args []string) string {
	words := make([]string, len(args))
	for n, arg := range args {
		words[n] = shellWord(arg)
	}
	return strings.Join(words, " ")
}

// shellWord is a text as a shell reads it as one word.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:@%+", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
