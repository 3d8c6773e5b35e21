package train

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// The rates of a schedule are computed here, in float64, and put into variables before each step: a run that resumes has
// them from the number of updates alone, and checkpoints don't hold them.

// moment is where training is: what a schedule may depend on.
type moment struct {
	epoch      int // finished epochs
	update     int // finished updates
	total      int // updates of all epochs
	reductions int // of the learning rate so far, by the plateau
}

// learningRate is the rate of the next update. step, plateau and cosine are PyTorch's StepLR, ReduceLROnPlateau (with a
// threshold of 0, and a patience of schedule_epochs - 1) and CosineAnnealingLR; the warm-up is LinearLR from 1/warmup_steps.
func (s Settings) learningRate(m moment) float64 {
	rate := s.LearningRate
	switch s.Schedule {
	case "step":
		rate *= math.Pow(s.ScheduleFactor, float64(m.epoch/s.ScheduleEpochs))
	case "plateau":
		rate *= math.Pow(s.ScheduleFactor, float64(m.reductions))
	case "cosine":
		if after := m.update - s.WarmupSteps; after > 0 {
			share := math.Min(float64(after)/math.Max(float64(m.total-s.WarmupSteps), 1), 1)
			rate = s.MinLearningRate + (rate-s.MinLearningRate)*(1+math.Cos(math.Pi*share))/2
		}
	}
	if s.Schedule != "constant" {
		rate = math.Max(rate, s.MinLearningRate)
	}
	if m.update < s.WarmupSteps {
		rate *= float64(m.update+1) / float64(s.WarmupSteps)
	}
	return rate
}

// truth is the probability that an input of the next update is the true token (scheduled sampling).
func (s Settings) truth(m moment) float64 {
	i, c, p := float64(m.update), s.SamplingConstant, 1.0
	switch s.Sampling {
	case "linear":
		p = 1 - c*i
	case "exponential":
		p = math.Pow(c, i)
	case "inverse_sigmoid":
		p = c / (c + math.Exp(i/c))
	}
	return math.Max(p, s.SamplingFloor)
}

// plateau watches the validation loss.
type plateau struct {
	Best       *float64 `json:"best"`       // nil before the first epoch
	Worse      int      `json:"worse"`      // epochs since the best one, or since the last reduction
	Reductions int      `json:"reductions"` // of the learning rate
}

func (p plateau) after(loss float64, patience int) plateau {
	if p.Best == nil || loss < *p.Best {
		p.Best, p.Worse = &loss, 0
		return p
	}
	if p.Worse++; p.Worse >= patience {
		p.Worse = 0
		p.Reductions++
	}
	return p
}

// Updates is the number of updates of all epochs of cross-entropy, of so many batches each.
func (s Settings) Updates(batches int) int { return s.Epochs * s.updates(batches) }

// updates is the number of updates that a number of batches makes: an epoch's last one may be of fewer batches.
func (s Settings) updates(batches int) int { return (batches + s.group() - 1) / s.group() }

// group is the number of batches an update.
func (s Settings) group() int { return max(s.Accumulate, 1) }

// moment is that of the next step's update.
func (t *Trainer) moment() moment {
	anEpoch := t.settings.updates(t.state.run.batches)
	return moment{
		epoch:      t.state.Epoch,
		update:     t.state.Epoch*anEpoch + t.state.Batch/t.settings.group(),
		total:      t.settings.Updates(t.state.run.batches),
		reductions: t.state.Plateau.Reductions,
	}
}

// rate is the learning rate of the next update: the schedule's, or that of self-critical training.
func (t *Trainer) rate(m moment) float64 {
	if t.isSelfCritical() {
		return t.settings.SCSTLearningRate
	}
	return t.settings.learningRate(m)
}

// lastMoment is that of the last update of the epoch in progress.
func (t *Trainer) lastMoment() moment {
	m := t.moment()
	m.update = (t.state.Epoch+1)*t.settings.updates(t.state.run.batches) - 1
	return m
}

// truthName is the variable with the probability of true tokens.
const (
	scheduleScope = "/schedule"
	truthName     = "truth"
)

// setRates puts the next step's rates into the variables that its graph reads.
func (t *Trainer) setRates() error {
	m := t.moment()
	if err := t.setScalar("/"+optimizer.Scope, optimizer.ParamLearningRate, t.rate(m)); err != nil {
		return err
	}
	if t.settings.samples() {
		return t.setScalar(scheduleScope, truthName, t.settings.truth(m))
	}
	return nil
}

// setScalar gives a variable that no graph changes a value, creating it where it isn't there. The value that it has already
// isn't moved to the device again.
func (t *Trainer) setScalar(scope, name string, value float64) error {
	if old, ok := t.scalars[name]; ok && old == value {
		return nil
	}
	t.scalars[name] = value
	v, err := t.store.Scope(scope).CreateVariable(name, tensors.FromScalar(float32(value)))
	if err != nil {
		return err
	}
	return v.SetTrainable(false).SetValue(tensors.FromScalar(float32(value)))
}
