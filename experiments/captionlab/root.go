package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

// Exit codes. Progress and messages go to stderr, results to stdout.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2   // wrong command line, or a config that can't be run
	exitInterrupted = 130 // as shells have it for Ctrl-C
	exitPipe        = 141 // and for a reader of the results that ended early
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "captionlab",
		Short: "Image captioning experiments: a picture encoder, a language model, one config file a run",
		Long: `captionlab runs image captioning experiments: a convolutional network turns each picture into
features, an LSTM learns to write its caption. One TOML file is one run; the run's folder below
results holds its curves, its captions and a report.`,
		Example: `  captionlab run quickstart.toml                     a first run, made from nothing
  captionlab run baseline.toml training.epochs=5     override a key
  captionlab score --references R --candidates C     score any system's captions
  captionlab config keys                             every key, its default and its meaning
  captionlab ls                                      the runs, with their scores
  captionlab doctor                                  what is missing on this machine`,
		SilenceErrors: true, SilenceUsage: true,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return &usageError{c, err.Error()} })
	root.AddCommand(
		runCommand(), resumeCommand(), captionCommand(), decodeCommand(), ensembleCommand(), sweepCommand(), cellCommand(),
		lsCommand(), showRunCommand(), diffCommand(), compareCommand(), rmCommand(),
		scoreCommand(), exportCommand(),
		dataCommand(), tokenizeCommand(),
		summaryCommand(), configCommand(), doctorCommand(), versionCommand())
	for _, c := range append(root.Commands(), root) {
		c.DisableFlagsInUseLine = true
	}
	return root
}

// execute runs one command line and returns the exit code. No error shows a stack trace.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = reportPanic(stderr, r)
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	out := &results{w: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err
	}
	switch {
	case err == nil:
		return exitDone
	case out.err != nil && errors.Is(err, syscall.EPIPE):
		return exitPipe
	}
	return report(stderr, err)
}

// results is where a command writes its results. It keeps the first error, so that no command needs to look for one: a full
// disk must not pass for success.
type results struct {
	w   io.Writer
	err error
}

func (r *results) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("write the results: %w", err)
	}
	return n, err
}

// reportPanic prints what a panic says in one line.
func reportPanic(stderr io.Writer, r any) int {
	say(stderr, "internal error: "+firstLine(fmt.Sprint(r)),
		"this is a fault of captionlab: please report it with the command line and the output of captionlab version")
	return exitFailed
}

// report prints an error with its next step, and returns the exit code.
func report(stderr io.Writer, err error) int {
	var usage *usageError
	var problems experiments.ConfigProblems
	var cells *experiments.FailedCells
	switch {
	case errors.As(err, &usage):
		say(stderr, usage.Error(), usage.command.CommandPath()+" --help")
		return exitUsage
	case errors.As(err, &problems):
		for _, p := range problems {
			say(stderr, p.Error(), "")
		}
		hint := problems.Hint()
		if hint == "" {
			hint = "captionlab config keys lists every key with its default and meaning"
		}
		say(stderr, "", hint)
		return exitUsage
	case errors.Is(err, experiments.ErrOverride):
		say(stderr, err.Error(), "")
		return exitUsage
	case errors.Is(err, experiments.ErrInterrupted):
		hint := ""
		var run *experiments.RunError
		if errors.As(err, &run) {
			hint = "captionlab resume " + shellWord(run.Dir) + " goes on where it stopped"
		}
		say(stderr, err.Error(), hint)
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		say(stderr, "interrupted", "")
		return exitInterrupted
	case errors.As(err, &cells):
		again := "captionlab sweep " + shellWords(append([]string{cells.Study.Config}, cells.Overrides...))
		if cells.Engine == "slurm" {
			again += " --engine slurm"
		}
		say(stderr, err.Error(), again+" --retry-failed tries failed cells again; their folders have log.txt")
		return exitFailed
	}
	say(stderr, err.Error(), "")
	return exitFailed
}

// say prints a message, and a hint that says what to do; either may be empty.
func say(w io.Writer, message, hint string) {
	if message != "" {
		fmt.Fprintf(w, "captionlab: %s\n", strings.TrimRight(message, "\n"))
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", asCalled(hint))
	}
}

// asCalled writes the commands in a hint as this one was called, which may not be on the PATH: bin/captionlab.
func asCalled(hint string) string {
	called := os.Args[0]
	if filepath.Base(called) != "captionlab" || strings.Contains(called, "go-build") { // as go run has it, which removes it
		return hint
	}
	here, err := os.Stat(called)
	if err != nil {
		return hint
	}
	if found, err := exec.LookPath("captionlab"); err == nil {
		if onPath, err := os.Stat(found); err == nil && os.SameFile(here, onPath) {
			return hint
		}
	}
	return strings.ReplaceAll(hint, "captionlab ", shellWord(called)+" ")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// usageError is a command line that the command can't make sense of.
type usageError struct {
	command *cobra.Command
	message string
}

func (e *usageError) Error() string { return e.message }

// noArgs refuses arguments, and names the subcommand that was probably meant.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasAvailableSubCommands() {
		return &usageError{c, fmt.Sprintf("%s takes no arguments, got %q", c.CommandPath(), args[0])}
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		off := func(name string) int { return max(len(name)-len(args[0]), len(args[0])-len(name)) }
		best := slices.MinFunc(near, func(a, b string) int { return off(a) - off(b) }) // rnu is run, not rm
		message += fmt.Sprintf(" (did you mean %q?)", best)
	}
	return &usageError{c, message}
}

// needArg asks for at least one argument, what, and allows at most limit (-1: any number).
func needArg(what string, limit int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return &usageError{c, fmt.Sprintf("%s needs %s", c.CommandPath(), what)}
		case limit >= 0 && len(args) > limit:
			return &usageError{c, fmt.Sprintf("%s: unexpected argument %q", c.CommandPath(), args[limit])}
		}
		return nil
	}
}

// apart are the arguments that are paths, and those that are overrides: section.key=value, unless there is such a file.
func apart(args []string) (paths, overrides []string) {
	for _, arg := range args {
		_, missing := os.Lstat(arg)
		if key, _, ok := strings.Cut(arg, "="); ok && missing != nil && strings.Contains(key, ".") && !strings.ContainsAny(key, `/\`) {
			overrides = append(overrides, arg)
		} else {
			paths = append(paths, arg)
		}
	}
	return paths, overrides
}

// overridesHelp ends the help of commands that take overrides.
const overridesHelp = `

CONFIG is a path, or a name in configs (baseline.toml). Overrides are section.key=value, as TOML;
strings need no quotes, arrays no brackets: decoding.splits=validation,test.`

// moduleVersion is a module's version in this binary.
func moduleVersion(info *debug.BuildInfo, path string) string {
	for _, d := range info.Deps {
		if d.Path == path {
			return d.Version
		}
	}
	return "unknown"
}
