// Package train fits a decoder by teacher forcing, and then perhaps by reward, with GoMLX's trainer, and keeps checkpoints it can resume from bit for bit.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/model"
)

// ErrInterrupted is returned by Run when its context was cancelled: the current step was finished and a
// checkpoint written.
var ErrInterrupted = errors.New("interrupted")

// Batches are the batches of one split, in an order fixed by the epoch. Package batch has the implementation.
type Batches interface {
	// PerEpoch is the number of batches an epoch.
	PerEpoch() int
	// Epoch yields an epoch's batches from batch number from on; inputs are features and tokens, labels are
	// targets and weights.
	Epoch(epoch, from int) train.Dataset
}

// Score sums teacher-forced results over tokens.
type Score struct {
	Nats    float64 `json:"nats"`    // summed negative log-likelihood
	Correct float64 `json:"correct"` // tokens whose arg-max was right
	Tokens  float64 `json:"tokens"`  // tokens that count
}

// Loss is the mean negative log-likelihood in nats a token.
func (s Score) Loss() float64 { return s.Nats / math.Max(s.Tokens, 1) }

// Accuracy is the share of tokens whose arg-max is right under teacher forcing.
func (s Score) Accuracy() float64 { return s.Correct / math.Max(s.Tokens, 1) }

func (s Score) add(o Score) Score {
	return Score{s.Nats + o.Nats, s.Correct + o.Correct, s.Tokens + o.Tokens}
}

// Epoch is what Run reports at the end of each epoch.
type Epoch struct {
	Epoch, Step int
	Train       Score // while training: dropout on, weights moving; of sampled captions in self-critical epochs
	Validation  Score // after the epoch: dropout off
	Seconds     float64
	Total       float64 // seconds of training so far, resumed parts included
	Best        bool    // the best so far, by training.select
	Metric      float64 // what Events.Metric said; 0 without one
	Rate        float64 // learning rate of the last update; the encoder's trained layers may have another
	Critical    bool    // an epoch of self-critical training
	MeanOf      int     // of Events.Mean alone: how many epochs' weights it is the mean of
}

// Events are called while Run works; each may be nil.
type Events struct {
	Step  func(epoch, batch, batches int, loss float64)
	Epoch func(Epoch) error // before the epoch's checkpoint is written
	Mean  func(Epoch) error // after the last epoch, where training.average_last has the mean of weights validated; without Train and Rate
	// NoMean is called before an epoch is trained: the mean that a shorter training reported, with which this one goes on, isn't this one's.
	NoMean func() error
	// Metric scores free-running captions of the validation split by the weights in the store; higher is better. It must
	// be given where training.select is not "loss", and is called after each epoch.
	Metric func(context.Context) (float64, error)
	// SelfCritical are the batches of self-critical training: captions sampled from the weights in the store when a batch is
	// asked for, with three labels: targets, weights and each caption's advantage [batch]. It must be given where
	// training.scst_epochs asks for such epochs.
	SelfCritical Batches
}

// Trainer fits one decoder. Its variables live in Store.
type Trainer struct {
	settings Settings
	backend  compute.Backend
	decoder  model.Decoder
	store    *gomodel.Store
	dir      string
	state    state
	loaded   *checkpoint.Handler // of the checkpoint that the variables came from; nil for none
	devices  *devices            // nil for one
	scalars  map[string]float64  // rates that are in variables, by name
	members  []Member            // of an ensemble

	trainer *train.Trainer
	loop    *train.Loop
	eval    *gomodel.Exec
}

// New prepares a trainer that keeps its checkpoints in dir, and loads the last checkpoint if there is one.
func New(backend compute.Backend, decoder model.Decoder, s Settings, dir string) (*Trainer, error) {
	return newTrainer(backend, decoder, s, dir, func(t *Trainer) error {
		if err := t.load(lastName); err != nil && !errors.Is(err, errNoCheckpoint) {
			return fmt.Errorf("%w; %s", err, t.wayBack())
		}
		return nil
	})
}

// NewBest prepares a trainer with the weights that LoadBest loads, and the random state after them; the last checkpoint, from which
// training goes on, need not be there or whole.
func NewBest(backend compute.Backend, decoder model.Decoder, s Settings, dir string) (*Trainer, error) {
	return newTrainer(backend, decoder, s, dir, func(t *Trainer) error {
		if err := t.LoadBest(); err != nil {
			return fmt.Errorf("load the best epoch's weights: %w", err)
		}
		return nil
	})
}

// newTrainer prepares a trainer; load gives it the checkpoint that it begins with.
func newTrainer(backend compute.Backend, decoder model.Decoder, s Settings, dir string, load func(*Trainer) error) (*Trainer, error) {
	if _, ok := decoder.(model.Bidirectional); ok {
		if err := s.CheckBidirectional().Err(); err != nil {
			return nil, err
		}
	}
	t := &Trainer{settings: s, backend: backend, decoder: decoder, store: gomodel.NewStore(), dir: dir, scalars: map[string]float64{}}
	t.state.Best = math.Inf(1)
	if err := t.store.SetRNGStateFromSeed(s.Seed); err != nil {
		return nil, fmt.Errorf("seed the random state: %w", err)
	}
	if err := load(t); err != nil {
		return nil, err
	}
	opt, err := newOptimizer(s)
	if err != nil {
		return nil, err
	}
	err = exceptions.TryCatch[error](func() {
		t.trainer = train.NewTrainer(backend, t.store, t.trainGraph, t.Loss, opt, stepMetrics(), nil)
		t.loop = train.NewLoop(t.trainer)
		t.eval = gomodel.MustNewExec(backend, t.store, t.evalGraph)
	})
	if err != nil {
		return nil, fmt.Errorf("build the trainer: %w", err)
	}
	t.loop.OnStep("captionlab: count, checkpoint, interrupt", 0, func(_ *train.Loop, metrics []*tensors.Tensor) error {
		t.state.run.failed = t.afterStep(metrics)
		return t.state.run.failed
	})
	return t, nil
}

// UseDevices lets Run train on the backend's first n devices at once: each takes its part of every batch. With dropout
// the random numbers depend on the batch's size, so that losses stay the same only where n divides it. Call it before Run.
func (t *Trainer) UseDevices(n int) (err error) {
	if t.devices, err = newDevices(t.backend, n); err != nil || t.devices == nil {
		return err
	}
	return t.devices.replicateRandomState(t.store)
}

// Store holds the decoder's variables, the optimiser's and the random state.
func (t *Trainer) Store() *gomodel.Store { return t.store }

// Resumed reports whether New found a checkpoint, and the epochs it had finished and its steps.
func (t *Trainer) Resumed() (found bool, epochs, step int) {
	return t.state.Step > 0, t.state.Epoch, t.state.Step
}

// Steps is how many batches were trained on.
func (t *Trainer) Steps() int { return t.state.Step }

// Run trains until the last epoch, until patience runs out, or until ctx ends; then it returns ErrInterrupted.
func (t *Trainer) Run(ctx context.Context, data, validation Batches, events Events) error {
	if t.settings.byMetric() && events.Metric == nil {
		return fmt.Errorf("training.select is %q, but there is no such metric", t.settings.Select)
	}
	if t.settings.SCSTEpochs > 0 && events.SelfCritical == nil {
		return errors.New("training.scst_epochs asks for self-critical training, but there is no reward")
	}
	r := &run{ctx: ctx, events: events}
	t.state.run = r
	if err := t.finishBest(); err != nil {
		return err
	}
	for {
		if done, err := t.finished(); err != nil {
			return err
		} else if done {
			return t.averageLast(ctx, validation, events)
		}
		if err := t.forgetMean(); err != nil {
			return err
		}
		if events.NoMean != nil {
			if err := events.NoMean(); err != nil {
				return err
			}
		}
		if t.isSelfCritical() {
			data = events.SelfCritical
		}
		r.batches = data.PerEpoch()
		epoch := t.state.Epoch + 1
		r.epoch, r.began, r.saved = epoch, time.Now(), time.Now()
		if left := r.batches - t.state.Batch; left > 0 {
			if err := t.setRates(); err != nil {
				return fmt.Errorf("training, epoch %d: %w", epoch, err)
			}
			if _, err := t.loop.RunSteps(t.feed(data.Epoch(epoch, t.state.Batch)), left); err != nil {
				if errors.Is(err, ErrInterrupted) {
					return ErrInterrupted
				}
				if ctx.Err() != nil && errors.Is(err, ctx.Err()) { // while a batch was sampled
					t.countTime()
					return errors.Join(ErrInterrupted, t.save())
				}
				if r.failed != nil {
					err = r.failed // without the loop's own words around it
				}
				return fmt.Errorf("training, epoch %d: %w", epoch, err)
			}
		}
		score, metric, err := t.validate(ctx, validation, events)
		if err != nil {
			if ctx.Err() != nil {
				t.countTime()
				return errors.Join(ErrInterrupted, t.save())
			}
			return fmt.Errorf("validation, epoch %d: %w", epoch, err)
		}
		if err := t.endEpoch(epoch, score, metric, events); err != nil {
			return err
		}
	}
}

// feed is what the loop gets of a data set: its batches, cut over the devices where there are several.
func (t *Trainer) feed(data train.Dataset) train.Dataset {
	if group, critical, frozen := t.settings.group(), t.isSelfCritical(), t.frozen(); group > 1 || critical || frozen {
		data = grouped{data, t.state.Batch, t.state.run.batches, group, critical, frozen}
	}
	if t.devices == nil {
		if t.settings.samples() { // in the graph, other tokens
			return data
		}
		return distinct{data, t.decoder}
	}
	return parallel{data, t.devices}
}

// validate scores the weights, or their average, after an epoch. A loss that is no finite number is an error, as that of a step is.
func (t *Trainer) validate(ctx context.Context, data Batches, events Events) (score Score, metric float64, err error) {
	err = t.withAverage(func() error {
		if score, err = t.Evaluate(ctx, data); err != nil {
			return err
		}
		if err := t.diverged(score.Loss()); err != nil || !t.settings.byMetric() {
			return err
		}
		metric, err = events.Metric(ctx)
		return err
	})
	return score, metric, err
}

// endEpoch reports the epoch, then writes its checkpoint: a run killed in between repeats the epoch and reports
// the same figures, and the reader of the report knows the row already.
func (t *Trainer) endEpoch(epoch int, score Score, metric float64, events Events) error {
	t.countTime()
	best := t.better(score, metric)
	if best {
		t.state.Best, t.state.BestMetric, t.state.BestEpoch = score.Loss(), metric, epoch
	}
	row := Epoch{Epoch: epoch, Step: t.state.Step, Train: t.state.Partial, Critical: t.isSelfCritical(), Validation: score,
		Seconds: t.state.EpochSeconds, Total: t.state.Seconds, Best: best, Metric: metric, Rate: t.rate(t.lastMoment())}
	t.state.Plateau = t.state.Plateau.after(score.Loss(), t.settings.ScheduleEpochs)
	t.state.Epoch, t.state.Batch, t.state.Partial, t.state.EpochSeconds = epoch, 0, Score{}, 0
	t.noteEnd()
	if events.Epoch != nil {
		if err := events.Epoch(row); err != nil {
			return err
		}
	}
	if err := t.save(); err != nil || !best {
		return err
	}
	return t.saveBest()
}

// better tells that what was just validated is better than the best epoch so far, by training.select.
func (t *Trainer) better(score Score, metric float64) bool {
	if t.settings.byMetric() {
		return t.state.BestEpoch == 0 || metric > t.state.BestMetric
	}
	return score.Loss() < t.state.Best
}

// byMetric tells that a metric of captions, and not the loss, makes an epoch the best one.
func (s Settings) byMetric() bool { return s.Select != "" && s.Select != "loss" }

func (t *Trainer) stoppedEarly() bool {
	return t.settings.Patience > 0 && t.state.Epoch-t.state.BestEpoch >= t.settings.Patience
}

// LoadBest replaces the weights by those of the best epoch: the one with the lowest validation loss, or the highest metric
// where training.select names one. Where weights are averaged, these are the averages; and where the mean of the last epochs'
// weights is better than any epoch, that mean.
func (t *Trainer) LoadBest() error {
	name, err := bestCheckpoint(t.dir)
	if err != nil {
		return err
	}
	return t.loadFrom(name)
}

// BestEpoch is the best epoch so far, by training.select.
func (t *Trainer) BestEpoch() int { return t.state.BestEpoch }

// run is what one call of Run needs between steps.
type run struct {
	ctx     context.Context
	events  Events
	epoch   int
	batches int
	began   time.Time // of the time not yet counted
	saved   time.Time // last checkpoint
	noted   bool      // the weights, by noteWeights
	failed  error     // what the last step's afterStep returned
}

// afterStep is the loop's hook: metrics are loss, moving average, nats, correct, tokens.
func (t *Trainer) afterStep(metrics []*tensors.Tensor) error {
	r := t.state.run
	loss := scalar(metrics[0])
	t.state.Partial = t.state.Partial.add(Score{scalar(metrics[2]), scalar(metrics[3]), scalar(metrics[4])})
	t.state.Step++
	t.state.Batch++
	t.noteWeights()
	if err := t.diverged(loss); err != nil {
		return err
	}
	if r.events.Step != nil {
		r.events.Step(r.epoch, t.state.Batch, r.batches, loss)
	}
	if r.ctx.Err() != nil {
		t.countTime()
		if err := t.save(); err != nil {
			return err
		}
		return ErrInterrupted
	}
	if m := t.settings.CheckpointMinutes; m > 0 && time.Since(r.saved).Minutes() >= m && t.state.Batch < r.batches {
		t.countTime()
		r.saved = time.Now()
		if err := t.save(); err != nil {
			return err
		}
	}
	if t.state.Batch < r.batches {
		return t.setRates()
	}
	return nil
}

// diverged is an error where a loss is no finite number.
func (t *Trainer) diverged(loss float64) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	advice := "lower training.learning_rate"
	if t.isSelfCritical() {
		advice = "lower training.scst_learning_rate"
	}
	if t.settings.ClipNorm == 0 {
		advice += " or set training.clip_norm"
	}
	return fmt.Errorf("the loss became %v at step %d: %s", loss, t.state.Step, advice)
}

// countTime adds the time since the last call to the epoch's and the run's.
func (t *Trainer) countTime() {
	r := t.state.run
	seconds := time.Since(r.began).Seconds()
	t.state.EpochSeconds += seconds
	t.state.Seconds += seconds
	r.began = time.Now()
}

// Evaluate runs teacher forcing without dropout over one epoch of batches.
func (t *Trainer) Evaluate(ctx context.Context, data Batches) (Score, error) {
	var total Score
	for b, err := range data.Epoch(0, 0).Iter() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return Score{}, err
		}
		out, err := t.eval.Call(b.Inputs[0], b.Inputs[1], b.Labels[0], b.Labels[1])
		if err != nil {
			return Score{}, err
		}
		total = total.add(Score{scalar(out[0]), scalar(out[1]), scalar(out[2])})
		for _, o := range out {
			o.MustFinalizeAll()
		}
		if err := b.Finalize(); err != nil {
			return Score{}, err
		}
	}
	return total, nil
}

// Predict calls each with every token that counts and the arg-max that the weights predict in its place under teacher
// forcing.
func (t *Trainer) Predict(ctx context.Context, data Batches, each func(truth, predicted int32)) error {
	exec, err := gomodel.NewExec(t.backend, t.store, t.predictGraph)
	if err != nil {
		return fmt.Errorf("build the predictions: %w", err)
	}
	defer exec.Finalize()
	for b, err := range data.Epoch(0, 0).Iter() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		predicted, err := exec.Call1(b.Inputs[0], b.Inputs[1])
		if err != nil {
			return fmt.Errorf("predict: %w", err)
		}
		ids := tensors.MustCopyFlatData[int32](predicted)
		targets, weights := tensors.MustCopyFlatData[int32](b.Labels[0]), tensors.MustCopyFlatData[float32](b.Labels[1])
		for n, w := range weights {
			if w > 0 {
				each(targets[n], ids[n])
			}
		}
		predicted.MustFinalizeAll()
		if err := b.Finalize(); err != nil {
			return err
		}
	}
	return nil
}

// LogProbabilities are those of every caption of data, in nats, its end included, in the order of the batches. progress gets
// the number of captions done since its last call.
func (t *Trainer) LogProbabilities(ctx context.Context, data Batches, progress func(int)) ([]float64, error) {
	exec, err := gomodel.NewExec(t.backend, t.store, t.captionGraph)
	if err != nil {
		return nil, fmt.Errorf("build the log-probabilities: %w", err)
	}
	defer exec.Finalize()
	var all []float64
	for b, err := range data.Epoch(0, 0).Iter() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		out, err := exec.Call1(b.Inputs[0], b.Inputs[1], b.Labels[0], b.Labels[1])
		if err != nil {
			return nil, fmt.Errorf("log-probabilities: %w", err)
		}
		weights := tensors.MustCopyFlatData[float32](b.Labels[1])
		steps := b.Labels[1].Shape().Dim(1)
		for n, p := range tensors.MustCopyFlatData[float32](out) {
			if weights[n*steps] > 0 { // else the row fills up the last batch
				all = append(all, float64(p))
			}
		}
		progress(out.Shape().Dim(0))
		out.MustFinalizeAll()
		if err := b.Finalize(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func scalar(t *tensors.Tensor) float64 { return float64(tensors.ToScalar[float32](t)) }
