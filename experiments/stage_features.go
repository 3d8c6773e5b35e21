package experiments

import (
	"context"

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
// them by the training split's statistics. Of an encoder whose last layers are trained, it computes what the first of them reads.
func (e *experiment) encodePictures(ctx context.Context) error {
	enc, err := encoder.New(e.config.Encoder)
	if err != nil {
		return err
	}
	if err := enc.LoadWeights(ctx, e.cache, e.term); err != nil {
		return err
	}
	if err := e.unchanged("weights", enc.WeightsHash(), "the encoder's weights (encoder.weights, encoder.sources) are not those"); err != nil {
		return err
	}
	e.encoder = enc
	if source := enc.WeightsSource(); source != "" {
		e.say("weights of %s: from %s, SHA-256 %.12s…", e.config.Encoder.Name, source, enc.WeightsHash())
	}
	if e.front, err = features.NewFront(enc); err != nil {
		return err
	}
	frozen := enc.Frozen()
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
	if err := e.unchanged("features", frozen.Fingerprint(), "the encoder, its weights or its preprocessing are not those"); err != nil {
		return err
	}
	e.features, err = features.Compute(ctx, e.accel.Backend, frozen, pictures, e.cache, e.term)
	if err != nil {
		return err
	}
	if err := e.unchanged("pictures", e.features.Pictures(), "the picture files are not those"); err != nil {
		return err
	}
	scaler := &features.Scaler{Kind: "none"} // of a row that the front reads
	if e.front == nil {
		if scaler, err = features.Normalize(e.features, e.config.Encoder.Normalize, trainIDs); err != nil {
			return err
		}
	}
	e.size = e.features.Size()
	if e.values, e.freeValues, err = newValues(len(pictures) * e.size); err != nil {
		return err
	}
	for n, p := range pictures {
		row, err := e.features.Row(p.ID)
		if err != nil {
			return err
		}
		scaler.Apply(row)
		copy(e.values[n*e.size:], row)
	}
	e.say("features: %s %s, %d values a picture; %d computed, %d from the cache", e.config.Encoder.Name, frozen.Layer(), e.size, e.features.Computed, e.features.Reused)
	if e.front != nil {
		if scaler, err = e.frontScaler(ctx); err != nil {
			return err
		}
		e.front.Scale(scaler)
		e.say("the layers after %s, up to %s, are trained with the decoder", frozen.Layer(), enc.Layer())
	}
	return e.folder.WriteJSON(scalerFile, scaler)
}
