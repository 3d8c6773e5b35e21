package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// The mean of the last epochs' weights (checkpoint averaging: Vaswani et al. 2017, section 6.1; Izmailov et al. 2018) is made
// when training has ended: the checkpoints of those epochs' ends are kept until then, and for a longer training that goes on
// with this one. It is validated as an epoch is, and kept only where training.select finds it better than the best epoch.

// meanName points to the mean of the last epochs' weights where it is the model that is kept. Training never goes on from it.
const meanName = "mean"

// noteEnd counts the checkpoint that is about to be written among those of the last epochs' ends.
func (t *Trainer) noteEnd() {
	if t.settings.AverageLast == 0 {
		return
	}
	ends := append(t.state.Ends, t.checkpointName())
	t.state.Ends = ends[max(0, len(ends)-t.settings.AverageLast):]
}

// noteWeights lists the weights, of which the mean is one. A training step has just run, so that all of the decoder's variables
// are there: validation alone, with which a resumed epoch may begin and end, uses one direction of two.
func (t *Trainer) noteWeights() {
	if t.settings.AverageLast == 0 || t.state.run.noted {
		return
	}
	t.state.run.noted = true
	t.state.Weights = nil
	for v := range t.store.IterVariables() {
		if v.Trainable {
			t.state.Weights = append(t.state.Weights, v.Path())
		}
	}
}

// forgetMean lets go of the mean of a shorter training, with which this one goes on.
func (t *Trainer) forgetMean() error {
	if err := os.Remove(filepath.Join(t.dir, meanName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove checkpoint pointer: %w", err)
	}
	return nil
}

// averageLast validates the mean of the last epochs' weights once training has ended, reports it, and keeps it if it is
// better than the best epoch. A run that was killed in between does all of it again, with the same outcome.
func (t *Trainer) averageLast(ctx context.Context, validation Batches, events Events) (err error) {
	ends := len(t.state.Ends)
	if t.settings.AverageLast == 0 || ends == 0 {
		return nil
	}
	if _, err := t.pointed(meanName); !errors.Is(err, errNoCheckpoint) {
		return err // or kept already
	}
	began := time.Now()
	means, err := t.meanOfEnds()
	if err != nil {
		return fmt.Errorf("the mean of the last %d epochs' weights: %w", ends, err)
	}
	last, err := t.exchange(means)
	if err != nil {
		return err
	}
	defer func() {
		_, back := t.exchange(last)
		err = errors.Join(err, back)
	}()
	score, metric, err := t.validate(ctx, validation, events)
	if err != nil {
		if ctx.Err() != nil {
			return ErrInterrupted // the last checkpoint is that of the last epoch's end
		}
		return fmt.Errorf("validation of the mean of the last %d epochs' weights: %w", ends, err)
	}
	better := t.better(score, metric)
	if events.Mean != nil {
		seconds := time.Since(began).Seconds()
		row := Epoch{Epoch: t.state.Epoch, Step: t.state.Step, MeanOf: ends, Validation: score, Metric: metric, Best: better,
			Seconds: seconds, Total: t.state.Seconds + seconds}
		if err := events.Mean(row); err != nil {
			return err
		}
	}
	if !better {
		return nil
	}
	t.state.MeanOf = ends
	defer func() { t.state.MeanOf = 0 }()
	return t.saveAs(t.checkpointName()+"-mean", meanName)
}

// meanOfEnds is the mean of each weight over the last epochs' ends, by its path.
func (t *Trainer) meanOfEnds() (map[string]*tensors.Tensor, error) {
	sums := map[string][]float64{}
	for _, name := range t.state.Ends {
		dir := filepath.Join(t.dir, found(t.dir, name))
		loaded, _, err := open(gomodel.NewStore(), dir)
		if err != nil {
			return nil, err
		}
		for _, path := range t.state.Weights {
			value, found := loaded.LoadVariable(nil, path)
			if !found {
				return nil, fmt.Errorf("checkpoint %s has no %s", dir, path)
			}
			flat := tensors.MustCopyFlatData[float32](value)
			if sums[path] == nil {
				sums[path] = make([]float64, len(flat))
			}
			for n, x := range flat {
				sums[path][n] += float64(x)
			}
		}
	}
	means := map[string]*tensors.Tensor{}
	for _, path := range t.state.Weights { // in their order, since a store takes variables from the checkpoint as they are asked for
		mean := make([]float32, len(sums[path]))
		for n, x := range sums[path] {
			mean[n] = float32(x / float64(len(t.state.Ends)))
		}
		v := t.store.GetVariable(path)
		if v == nil {
			return nil, fmt.Errorf("the last checkpoint has no %s", path)
		}
		means[path] = tensors.FromFlatDataAndDimensions(mean, v.Shape().Dimensions...)
	}
	return means, nil
}

// exchange puts values in the weights' place and returns what was there.
func (t *Trainer) exchange(values map[string]*tensors.Tensor) (before map[string]*tensors.Tensor, err error) {
	before = map[string]*tensors.Tensor{}
	for _, path := range t.state.Weights {
		v := t.store.GetVariable(path)
		if before[path], err = v.Value(); err != nil {
			return nil, err
		}
		if err := v.SetValuePreservingOld(values[path]); err != nil {
			return nil, err
		}
	}
	return before, nil
}

// MeanOf is of how many epochs the weights that LoadBest loaded are the mean; 0 for one epoch's own.
func (t *Trainer) MeanOf() int { return t.state.MeanOf }
