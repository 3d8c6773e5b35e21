package train

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// averageScope holds the weights' moving averages. They are saved in checkpoints, so that averages go on after a resume.
const averageScope = "/average"

func (s Settings) averages() bool { return s.Averaging == "ema" }

// average updates each weight's average after the optimiser's step: a ← d·a + (1−d)·w, beginning with the first step's
// weights, as PyTorch's AveragedModel with get_ema_multi_avg_fn.
func average(scope *gomodel.Scope, g *Graph, weights []*gomodel.Variable, decay float64) {
	step := optimizer.GetGlobalStepVar(scope).NodeValue(g) // the optimiser has counted this one
	kept := MulScalar(ConvertDType(GreaterThan(step, OnesLike(step)), dtypes.Float32), decay)
	for _, v := range weights {
		a := beside(scope, averageScope, v)
		a.SetNodeValue(Add(Mul(a.NodeValue(g), kept), Mul(v.NodeValue(g), OneMinus(kept))))
	}
}

// withAverage calls fn while the averages are in the weights' place; where nothing is averaged it just calls it.
func (t *Trainer) withAverage(fn func() error) (err error) {
	if !t.settings.averages() {
		return fn()
	}
	if err := t.swapAverage(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.swapAverage()) }()
	return fn()
}

// swapAverage exchanges each weight and its average.
func (t *Trainer) swapAverage() error {
	for _, path := range t.averaged() {
		v, a := t.store.GetVariable(path), t.store.GetVariable(averageScope+path)
		if v == nil || a == nil {
			return fmt.Errorf("the average of %s is not in the checkpoint", path)
		}
		weight, err := v.Value()
		if err != nil {
			return err
		}
		mean, err := a.Value()
		if err != nil {
			return err
		}
		if err := errors.Join(v.SetValuePreservingOld(mean), a.SetValuePreservingOld(weight)); err != nil {
			return err
		}
	}
	return nil
}

// averaged are the paths of the weights that have an average, in the order in which the step's graph made them. A store
// that no step has used yet gets its variables from the checkpoint as they are asked for: in the same order, since sums
// over all weights follow it.
func (t *Trainer) averaged() []string {
	var paths []string
	for v := range t.store.IterVariables() {
		if path, ok := strings.CutPrefix(v.Path(), averageScope); ok {
			paths = append(paths, path)
		}
	}
	if len(paths) > 0 {
		t.state.Averaged = paths
	}
	return t.state.Averaged
}
