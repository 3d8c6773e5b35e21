package experiments

import (
	"os"
	"path/filepath"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// Root is the checkout's top folder: the nearest one, from the working folder up, that holds the module's go.mod.
// Outside a checkout it is the working folder.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; ; at = filepath.Dir(at) {
		if runfolder.IsCheckout(at) {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// atRoot makes a path of the config absolute: relative ones start at the checkout.
func atRoot(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(Root(), path)
}

// dataSettings are the [data] settings with their folder and split file found. A relative path starts at the working
// folder, as a path on a command line does, or else at the checkout, so that a run resumes from any folder.
func dataSettings(c config.Config) dataset.Settings {
	s := c.Data
	for _, path := range []*string{&s.Root, &s.SplitFile} {
		if *path == "" || filepath.IsAbs(*path) {
			continue
		}
		if _, err := os.Stat(*path); err != nil {
			if _, err := os.Stat(atRoot(*path)); err == nil {
				*path = atRoot(*path)
			}
		}
	}
	return s
}
