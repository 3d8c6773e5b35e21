package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "List the keys of configs, check a config, show it with every default",
		Example: `  captionlab config keys
  captionlab config check configs/mine.toml
  captionlab config show baseline.toml training.epochs=5`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(keysCommand(), checkCommand(), showCommand())
	return c
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check CONFIG [section.key=value ...]",
		Short: "Check a config without running it",
		Long: `Check says everything that is wrong with a config: file, line, key, what was expected. Nothing is run,
read or downloaded. The exit code is 2 when something is wrong.
Keys that are given in vain, as decoding.beam_width beside greedy decoding, are noted.` + overridesHelp,
		Example: `  captionlab config check configs/mine.toml`,
		Args:    needArg("a config", -1),
		RunE: func(c *cobra.Command, args []string) error {
			if experiments.IsStudy(args[0]) {
				checked, err := experiments.CheckStudy(args[0], args[1:])
				if err != nil {
					return err
				}
				for _, n := range checked.Notes {
					fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", n)
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s: ok, a study of %d cells\n", checked.Path, checked.Cells)
				return err
			}
			checked, err := experiments.CheckConfig(args[0], args[1:])
			if err != nil {
				return err
			}
			for _, n := range checked.Notes {
				fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", n)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: ok, run name %s-%.8s\n", checked.Path, checked.Name, checked.Hash)
			return err
		},
	}
}

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show CONFIG [section.key=value ...]",
		Short: "Print a config with every key and default",
		Long: `Show prints the config as a run would use it: every key, with defaults, what the config extends and the
overrides in place. The output is a config itself.` + overridesHelp,
		Example: `  captionlab config show quickstart.toml > configs/mine.toml`,
		Args:    needArg("a config", -1),
		RunE: func(c *cobra.Command, args []string) error {
			checked, err := experiments.CheckConfig(args[0], args[1:])
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(checked.Resolved)
			return err
		},
	}
}

func keysCommand() *cobra.Command {
	var asJSON, asMarkdown bool
	c := &cobra.Command{
		Use:   "keys [SECTION]",
		Short: "List every key with its type, default and meaning",
		Long:  `Keys lists every key that a config can have, or those of one section.`,
		Example: `  captionlab config keys
  captionlab config keys training
  captionlab config keys --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{c, fmt.Sprintf("captionlab config keys: unexpected argument %q", args[1])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			keys, err := experiments.ConfigKeys()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				all := keys
				if keys = ofSection(all, args[0]); len(keys) == 0 {
					var sections []string
					for _, k := range all {
						if k.Section != "" && !slices.Contains(sections, k.Section) {
							sections = append(sections, k.Section)
						}
					}
					return &usageError{c, fmt.Sprintf("no section %q; expected one of %s", args[0], strings.Join(sections, ", "))}
				}
			}
			switch {
			case asJSON && asMarkdown:
				return &usageError{c, "--json or --markdown, not both"}
			case asJSON:
				return printKeysJSON(c.OutOrStdout(), keys)
			}
			printKeys(c.OutOrStdout(), keys, asMarkdown)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as a JSON array")
	c.Flags().BoolVar(&asMarkdown, "markdown", false, "as a Markdown table")
	return c
}

// ofSection keeps the keys of one section and those below it.
func ofSection(keys []experiments.ConfigKey, section string) (kept []experiments.ConfigKey) {
	for _, k := range keys {
		if k.Section == section || strings.HasPrefix(k.Section, section+".") {
			kept = append(kept, k)
		}
	}
	return kept
}

func printKeysJSON(w io.Writer, keys []experiments.ConfigKey) error {
	type row struct {
		Key     string   `json:"key"`
		Type    string   `json:"type"`
		Default string   `json:"default"`
		OneOf   []string `json:"one_of,omitempty"`
		Min     string   `json:"min,omitempty"`
		Max     string   `json:"max,omitempty"`
		Meaning string   `json:"meaning"`
	}
	rows := make([]row, len(keys))
	for n, k := range keys {
		rows[n] = row{k.Path(), k.Type, k.Default, k.OneOf, k.Min, k.Max, k.Doc}
	}
	return printJSON(w, rows)
}

func printKeys(w io.Writer, keys []experiments.ConfigKey, markdown bool) {
	t := newTable(w)
	t.AppendHeader(table.Row{"Key", "Type", "Default", "Values", "Meaning"})
	t.SetColumnConfigs([]table.ColumnConfig{wrapped(3, 24), wrapped(4, 22), wrapped(5, 56)})
	section := ""
	for n, k := range keys {
		if n > 0 && k.Section != section {
			t.AppendSeparator()
		}
		section = k.Section
		key, value := k.Path(), k.Default
		if markdown {
			key, value = "`"+key+"`", "`"+value+"`"
		}
		t.AppendRow(table.Row{key, k.Type, value, values(k), k.Doc})
	}
	if markdown {
		t.RenderMarkdown()
		return
	}
	t.Render()
}

// values describes the values that a key takes, beyond its type.
func values(k experiments.ConfigKey) string {
	switch {
	case len(k.OneOf) > 0:
		return strings.Join(k.OneOf, ", ")
	case k.Min != "" && k.Max != "":
		return k.Min + " to " + k.Max
	case k.Min != "":
		return "from " + k.Min
	case k.Max != "":
		return "up to " + k.Max
	}
	return ""
}
