package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/features"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// An encoder's last layers may be trained with the decoder. The features stage then keeps of each picture what the first of
// them reads, and training puts it through them in the model's graph. Once it has ended, every picture goes through the trained
// layers once more, so that all later stages have features and a decoder, as they have where the encoder stays as it is.

// scalerFile is how a run's features are scaled.
const scalerFile = "scaler.json"

func readScaler(folder *runfolder.Folder) (*features.Scaler, error) {
	text, err := os.ReadFile(folder.Path(scalerFile))
	if err != nil {
		return nil, err
	}
	s := &features.Scaler{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", scalerFile, err)
	}
	return s, nil
}

// frontScaler scales the features of the layers that are trained, by the statistics of what they give of the training pictures
// before training: the same scaling as without training. A run that is resumed has it in its folder.
func (e *experiment) frontScaler(ctx context.Context) (*features.Scaler, error) {
	kind := e.config.Encoder.Normalize
	if features.Standardizes(kind) {
		if s, err := readScaler(e.folder); !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
	return features.NormalizeRows(e.encoder.FeatureShape(), kind, func(each func([]float32)) error {
		store := gomodel.NewStore()
		defer store.Finalize()
		return e.throughFront(ctx, store, "first features", e.splitRows(dataset.Train), func(_ int, row []float32) { each(row) })
	})
}

// throughFront calls each with the features that the trained layers, with the weights of a store, give of kept rows.
func (e *experiment) throughFront(ctx context.Context, store *gomodel.Store, label string, rows [][]float32, each func(n int, row []float32)) error {
	applied, err := e.front.Apply(e.accel.Backend, store)
	if err != nil {
		return err
	}
	defer applied.Finalize()
	bar := progress.New(e.term, label, "images", int64(len(rows)))
	defer bar.Finish()
	return applied.Rows(ctx, rows, func(n int, row []float32) {
		each(n, row)
		bar.Add(1)
	})
}

// A reader gives the features that the decoder itself reads of rows as training has them, and what gives their memory back.
type reader func(ctx context.Context, rows [][]float32) (features [][]float32, free func(), err error)

// reader puts rows through the layers that are trained, few at a time, with the weights that the store has when it is called, and
// holds what comes of all of them; where none is trained, or the model is blind, rows are features already. done frees its graph.
func (e *experiment) reader(store *gomodel.Store, blind bool) (read reader, done func(), err error) {
	if e.front == nil || blind {
		return func(_ context.Context, rows [][]float32) ([][]float32, func(), error) { return rows, func() {}, nil }, func() {}, nil
	}
	applied, err := e.front.Apply(e.accel.Backend, store)
	if err != nil {
		return nil, nil, err
	}
	read = func(ctx context.Context, rows [][]float32) ([][]float32, func(), error) {
		values, free, err := e.gathered(len(rows), func(each func(int, []float32)) error { return applied.Rows(ctx, rows, each) })
		return slices.Collect(slices.Chunk(values, e.encoder.FeatureSize())), free, err
	}
	return read, applied.Finalize, nil
}

// gathered are the features of pictures that through calls each with, one after the other, and what gives their memory back.
func (e *experiment) gathered(pictures int, through func(each func(n int, row []float32)) error) (values []float32, free func(), err error) {
	size := e.encoder.FeatureSize()
	if values, free, err = newValues(pictures * size); err != nil {
		return nil, nil, err
	}
	if err := through(func(n int, row []float32) { copy(values[n*size:], row) }); err != nil {
		free()
		return nil, nil, err
	}
	return values, free, nil
}

// encodeTrained replaces what was kept of the pictures by their features, now that the layers are trained, and lets the trainer
// score the decoder on them.
func (e *experiment) encodeTrained(ctx context.Context) error {
	kept := make([][]float32, len(e.rows))
	for n := range kept {
		kept[n] = e.values[n*e.size : (n+1)*e.size]
	}
	values, free, err := e.gathered(len(kept), func(each func(int, []float32)) error {
		return e.throughFront(ctx, e.trainer.Store(), "trained features", kept, each)
	})
	if err != nil {
		return err
	}
	e.freeValues()
	e.values, e.freeValues, e.size = values, free, e.encoder.FeatureSize()
	e.trainer, err = e.trainer.WithDecoder(e.decoder)
	return err
}

// learner is the decoder as training sees it: behind the layers of the encoder that are trained, where there are any. The blind
// control, which sees features of zero, is trained without them.
func (e *experiment) learner(blind bool) model.Decoder {
	if e.front == nil || blind {
		return e.decoder
	}
	return model.WithFront(e.decoder, e.front)
}
