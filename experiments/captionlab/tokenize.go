package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func tokenizeCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "tokenize CONFIG|RUN [section.key=value ...] [--] [TEXT ...]",
		Short: "Show how texts are cleaned and cut into tokens",
		Long: `Tokenize shows what a config's cleaning leaves of each text, the tokens it is cut into with their ids,
and the text that comes back. The vocabulary is built from the config's training captions, which are
read, or generated; with a run in place of the config it is that of the run.

Arguments of the form section.key=value are overrides, all others texts; behind -- everything is
text. Without texts, each line of the standard input is one.` + overridesHelp + runHelp,
		Example: `  captionlab tokenize baseline.toml "so much 🐱❤️ #cats"
  captionlab tokenize baseline.toml text.tokenizer=bpe text.max_vocabulary=1000 -- "a.b=c is text"
  captionlab tokenize last --json < captions.txt`,
		Args: needArg("a config or a run, as in captionlab tokenize baseline.toml TEXT", -1),
		RunE: func(c *cobra.Command, args []string) error {
			overrides, texts := sortArguments(args, c.ArgsLenAtDash())
			if len(texts) == 0 {
				var err error
				if texts, err = lines(c.InOrStdin()); err != nil {
					return fmt.Errorf("standard input: %w", err)
				}
			}
			t, err := experiments.Tokenize(c.Context(), args[0], overrides, texts, c.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), t)
			}
			printTokenization(c.OutOrStdout(), t)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// override is what an argument looks like that is none of the texts.
var override = regexp.MustCompile(`^[a-z_]+(\.[a-z_0-9]+)+ *=`)

// sortArguments divides what follows the config in overrides and texts; arguments from dash on, where it is not negative, are texts.
func sortArguments(args []string, dash int) (overrides, texts []string) {
	for n, arg := range args[1:] {
		if (dash < 0 || n+1 < dash) && override.MatchString(arg) {
			overrides = append(overrides, arg)
		} else {
			texts = append(texts, arg)
		}
	}
	return overrides, texts
}

// lines reads lines of any length, without their ends.
func lines(r io.Reader) (all []string, err error) {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		if line != "" {
			all = append(all, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
	}
}

func printTokenization(w io.Writer, t *experiments.Tokenization) {
	promise := "text comes back byte for byte"
	if !t.Lossless {
		promise = "what stands between words does not come back"
	}
	fmt.Fprintf(w, "tokenizer %s, %s tokens: %s\n", t.Tokenizer, count(t.Vocabulary), promise)
	for _, one := range t.Texts {
		fmt.Fprintf(w, "\ntext     %s\n", strconv.Quote(one.Text))
		if one.Cleaned != one.Text {
			fmt.Fprintf(w, "cleaned  %s\n", strconv.Quote(one.Cleaned))
		}
		rows := newTable(w)
		rows.AppendHeader(table.Row{"Id", "Token"})
		rows.SetColumnConfigs([]table.ColumnConfig{{Number: 1, Align: text.AlignRight}})
		for _, token := range one.Tokens {
			rows.AppendRow(table.Row{token.ID, strconv.Quote(token.Text)})
		}
		if len(one.Tokens) > 0 {
			rows.Render()
		}
		same := "the same"
		if !one.RoundTrip {
			same = strconv.Quote(one.Decoded)
		}
		fmt.Fprintf(w, "back     %s\n%d tokens, %d unknown\n", same, len(one.Tokens), one.Unknown)
	}
}
