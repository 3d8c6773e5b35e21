package experiments

import (
	"context"
	"errors"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/features"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// openBackend opens XLA or the pure-Go backend.
func (e *experiment) openBackend(ctx context.Context) error {
	a, err := accel.Open(ctx, e.config.Runtime.Settings, e.cache, e.term)
	if err != nil {
		return err
	}
	e.accel = a
	e.say("backend: %s", a.Description)
	return e.folder.Update(func(i *runfolder.Info) {
		i.Backend, i.Device, i.Plugin, i.PluginVersion = a.Backend.Name(), a.Name, a.Plugin, a.PluginVersion
	})
}

// encodePictures computes the features of every picture of the splits, or finds them in the cache, and scales
// them by the training split's statistics.
func (e *experiment) encodePictures(ctx context.Context) error {
	enc, err := encoder.New(e.config.Encoder)
	if err != nil {
		return err
	}
	if err := enc.LoadWeights(ctx, e.cache, e.term); err != nil {
		return err
	}
	e.encoder = enc
	var pictures []features.Picture
	var trainIDs []string
	e.rows = map[string]int{}
	for _, split := range e.splits {
		for _, n := range e.data.Splits[split] {
			p := e.data.Examples[n]
			e.rows[p.ID] = len(pictures)
			pictures = append(pictures, features.Picture{ID: p.ID, Path: p.Path})
			if split == dataset.Train {
				trainIDs = append(trainIDs, p.ID)
			}
		}
	}
	e.features, err = features.Compute(ctx, e.accel.Backend, enc, pictures, e.cache, e.term)
	if err != nil {
		return err
	}
	scaler, err := features.Normalize(e.features, e.config.Encoder.Normalize, trainIDs)
	if err != nil {
		return err
	}
	size := e.features.Size()
	if e.values, e.freeValues, err = newValues(len(pictures) * size); err != nil {
		return err
	}
	for n, p := range pictures {
		row, err := e.features.Row(p.ID)
		if err != nil {
			return err
		}
		scaler.Apply(row)
		copy(e.values[n*size:], row)
	}
	e.say("features: %s %s, %d values a picture; %d computed, %d from the cache", e.config.Encoder.Name, e.config.Encoder.Layer, size, e.features.Computed, e.features.Reused)
	err = e.folder.Update(func(i *runfolder.Info) {
		i.Hashes["weights"], i.Hashes["features"] = enc.WeightsHash(), e.features.Fingerprint()
	})
	return errors.Join(err, e.folder.WriteJSON("scaler.json", scaler))
}
