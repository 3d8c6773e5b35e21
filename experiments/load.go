package experiments

import (
	"context"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/dataset"
)

// Dataset is a config's pictures with their captions, raw and cleaned, its splits, and what was repaired or dropped.
type Dataset = dataset.Dataset

// What a data set holds: a picture with its captions, one caption, where an object lies in a picture, and a row that was repaired or dropped.
type (
	Example     = dataset.Example
	Caption     = dataset.Caption
	Object      = dataset.Object
	DataProblem = dataset.Problem
)

// LoadDataset reads or generates the data set of a config, splits it and cleans its captions, as a run does. It looks
// at no picture.
func LoadDataset(ctx context.Context, configPath string, overrides []string, o Options) (*Dataset, error) {
	c, err := loadConfig(configPath, overrides)
	if err != nil {
		return nil, err
	}
	if err := dataset.Present(dataSettings(c.Config)); err != nil {
		return nil, err
	}
	text := c.Config.Text
	return dataset.Load(ctx, dataSettings(c.Config), text.CleanSettings, text.Unit, checkout.At(c.Config.Runtime.Cache), o.Stderr)
}
