package experiments

import (
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
)

// Root is the checkout's top folder: the nearest one, from the working folder up, that holds the module's go.mod.
// Outside a checkout it is the working folder.
func Root() string {
	return checkout.Root()
}

// dataSettings are the [data] settings with their folder and split file found.
func dataSettings(c config.Config) dataset.Settings {
	s := c.Data
	s.Root, s.SplitFile = checkout.Find(s.Root), checkout.Find(s.SplitFile)
	return s
}
