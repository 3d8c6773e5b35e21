package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of captionlab, Go and GoMLX",
		Example: `  captionlab version`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			settings := map[string]string{}
			for _, s := range info.Settings {
				settings[s.Key] = s.Value
			}
			version := info.Main.Version
			if commit := settings["vcs.revision"]; version == "(devel)" && commit != "" {
				version = fmt.Sprintf("commit %.12s", commit)
				if settings["vcs.modified"] == "true" {
					version += ", modified"
				}
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "captionlab %s\n%s %s/%s\ngomlx %s, go-xla %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH,
				moduleVersion(info, "github.com/gomlx/gomlx"), moduleVersion(info, "github.com/gomlx/go-xla"))
			return err
		},
	}
}
