package train_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	gotrain "github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/train"
)

// fit trains on the four captions and returns the rows of all epochs.
func fit(t *testing.T, tr *train.Trainer, size int, events train.Events) (rows []train.Epoch) {
	t.Helper()
	events.Epoch = func(e train.Epoch) error { e.Seconds, e.Total = 0, 0; rows = append(rows, e); return nil }
	data := set(t, batch.Options{Name: "train", Size: size, Shuffle: true, Seed: 5})
	if err := tr.Run(t.Context(), data, set(t, batch.Options{Name: "validation", Size: 4}), events); err != nil {
		t.Fatal(err)
	}
	return rows
}

// weights are a trainer's weights, one after the other.
func weights(t *testing.T, tr *train.Trainer) (all []float32) {
	t.Helper()
	for v := range tr.Store().IterVariables() {
		if v.Trainable {
			all = append(all, tensors.MustCopyFlatData[float32](v.MustValue())...)
		}
	}
	return all
}

// TestAccumulatedBatchesAreOneLargeBatch: an update of several batches is that of one batch of all their captions, whose
// lengths differ, and so is an epoch's last update of fewer.
func TestAccumulatedBatchesAreOneLargeBatch(t *testing.T) {
	large, small := settings(), settings()
	small.Accumulate = 3
	one, many := newTrainer(t, large, 0, t.TempDir()), newTrainer(t, small, 0, t.TempDir())
	want, got := fit(t, one, 3, train.Events{}), fit(t, many, 1, train.Events{})
	for n := range want {
		if math.Abs(got[n].Validation.Loss()-want[n].Validation.Loss()) > 1e-5 || got[n].Rate != want[n].Rate {
			t.Errorf("epoch %d: %+v, want %+v", n+1, got[n], want[n])
		}
	}
	a, b := weights(t, many), weights(t, one)
	worst := 0.0
	for n := range b {
		worst = math.Max(worst, math.Abs(float64(a[n]-b[n])))
	}
	if len(a) != len(b) || worst > 1e-4 {
		t.Errorf("%d and %d weights differ by up to %g", len(a), len(b), worst)
	}
}

// TestBFloat16Training: training in bfloat16 goes nearly the way of float32, from float32 weights, and evaluates in float32.
func TestBFloat16Training(t *testing.T) {
	single, mixed := settings(), settings()
	mixed.Precision = "bfloat16"
	one, other := newTrainer(t, single, 0, t.TempDir()), newTrainer(t, mixed, 0, t.TempDir())
	want, got := fit(t, one, 2, train.Events{}), fit(t, other, 2, train.Events{})
	for n := range want {
		a, b := got[n].Train.Loss(), want[n].Train.Loss()
		if a == b || math.Abs(a-b) > 0.02*b {
			t.Errorf("epoch %d: training loss %g, in float32 %g", n+1, a, b)
		}
	}
	for v := range other.Store().IterVariables() {
		if !v.Trainable {
			continue
		}
		if err := one.Store().GetVariable(v.Path()).SetValue(v.MustValue()); err != nil {
			t.Fatal(err)
		}
	}
	loss, err := one.Evaluate(t.Context(), set(t, batch.Options{Name: "validation", Size: 4}))
	if last := got[len(got)-1].Validation; err != nil || loss != last {
		t.Errorf("the weights' validation loss is %+v in bfloat16, %+v in float32 (error %v)", last, loss, err)
	}
}

// TestAverageIsWhatIsKept: the validation losses are the averages', and the best epoch's averages are the weights that
// LoadBest brings, in this trainer and in a new one.
func TestAverageIsWhatIsKept(t *testing.T) {
	s := settings()
	s.Epochs, s.Averaging, s.EMADecay = 4, "ema", 0.8
	dir := t.TempDir()
	tr := newTrainer(t, s, 0, dir)
	rows := fit(t, tr, 1, train.Events{})
	validation := set(t, batch.Options{Name: "validation", Size: 4})
	raw, err := tr.Evaluate(t.Context(), validation)
	if err != nil || raw == rows[3].Validation {
		t.Fatalf("the weights score %+v, as their average does (error %v)", raw, err)
	}
	for name, tr := range map[string]*train.Trainer{"the same trainer": tr, "a new trainer": newTrainer(t, s, 0, dir)} {
		if err := tr.LoadBest(); err != nil {
			t.Fatal(err)
		}
		got, err := tr.Evaluate(t.Context(), validation)
		if err != nil || got != rows[tr.BestEpoch()-1].Validation {
			t.Errorf("%s: the best epoch's weights score %+v, the epoch had %+v, error %v", name, got, rows[tr.BestEpoch()-1].Validation, err)
		}
	}
}

// TestSelectByMetric: the best epoch is the one with the highest metric, whatever the loss, and patience counts from it.
func TestSelectByMetric(t *testing.T) {
	s := settings()
	s.Epochs, s.Select, s.Patience = 10, "cider_d", 2
	tr := newTrainer(t, s, 0, t.TempDir())
	says := []float64{0.2, 0.5, 0.5, 0.1, 0.9}
	n := 0
	rows := fit(t, tr, 2, train.Events{Metric: func(context.Context) (float64, error) { n++; return says[n-1], nil }})
	if len(rows) != 4 || tr.BestEpoch() != 2 || !rows[1].Best || rows[2].Best || rows[1].Metric != 0.5 {
		t.Fatalf("best epoch %d, rows %+v", tr.BestEpoch(), rows)
	}
	if rows[3].Validation.Loss() >= rows[1].Validation.Loss() {
		t.Fatal("the loss has its best epoch where the metric has: nothing to tell apart")
	}
	if err := tr.LoadBest(); err != nil {
		t.Fatal(err)
	}
	got, err := tr.Evaluate(t.Context(), set(t, batch.Options{Name: "validation", Size: 4}))
	if err != nil || got != rows[1].Validation {
		t.Errorf("the best epoch's weights score %+v, the epoch had %+v, error %v", got, rows[1].Validation, err)
	}
	if err := newTrainer(t, s, 0, t.TempDir()).Run(t.Context(), set(t, batch.Options{Name: "train", Size: 2}), set(t, batch.Options{Name: "validation", Size: 4}),
		train.Events{}); err == nil {
		t.Error("a metric that isn't there was not missed")
	}
}

// TestScheduledSampling: with true inputs alone the training is the one without sampling; with none but the model's own it
// is another, which still learns.
func TestScheduledSampling(t *testing.T) {
	plain := fit(t, newTrainer(t, settings(), 0, t.TempDir()), 2, train.Events{})
	s := settings()
	s.Sampling, s.SamplingConstant, s.SamplingFloor = "exponential", 0.5, 1
	for n, got := range fit(t, newTrainer(t, s, 0, t.TempDir()), 2, train.Events{}) {
		if math.Abs(got.Train.Loss()-plain[n].Train.Loss()) > 1e-6 {
			t.Errorf("epoch %d: with true inputs alone the loss is %v, without sampling %v", n+1, got.Train.Loss(), plain[n].Train.Loss())
		}
	}
	s.SamplingConstant, s.SamplingFloor, s.Epochs = 1e-9, 0, 60
	rows := fit(t, newTrainer(t, s, 0, t.TempDir()), 2, train.Events{})
	if rows[2].Train.Loss() == plain[2].Train.Loss() {
		t.Error("drawn inputs change nothing")
	}
	if last := rows[len(rows)-1]; last.Validation.Accuracy() != 1 {
		t.Errorf("after %d epochs on its own tokens the accuracy is %v", last.Epoch, last.Validation.Accuracy())
	}
}

// liked are batches of sampled captions of the four pictures with their rewards.
type liked struct {
	t      *testing.T
	sample *decode.Generator
	greedy *decode.Generator
}

func (l liked) PerEpoch() int { return 1 }

func (l liked) Epoch(epoch, from int) gotrain.Dataset { return likedEpoch{l, epoch, from} }

type likedEpoch struct {
	liked
	epoch, from int
}

func (l likedEpoch) Name() string { return "sampled" }

func (l likedEpoch) Iter() iter.Seq2[gotrain.Batch, error] {
	return func(yield func(gotrain.Batch, error) bool) {
		if l.from > 0 {
			return
		}
		rows := sixteen()
		sampled, err := l.sample.WithSeed(int64(l.epoch)).Generate(l.t.Context(), rows, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		own, err := l.greedy.Generate(l.t.Context(), rows, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		items, advantage := make([]batch.Item, len(rows)), make([]float32, len(rows))
		for n, c := range sampled {
			items[n] = batch.Item{Picture: n % 4, Tokens: c.Tokens}
			advantage[n] = reward(n%4, c.Tokens) - reward(n%4, own[n].Tokens)
		}
		s, err := batch.New(items, features, batch.Options{Name: "sampled", Size: len(rows), Time: 5})
		if err != nil {
			l.t.Fatal(err)
		}
		for b, err := range s.Epoch(0, 0).Iter() {
			b.Labels = append(b.Labels, tensors.FromFlatDataAndDimensions(advantage, len(rows)))
			yield(b, err)
			return
		}
	}
}

// sixteen are the features of the four pictures, each four times.
func sixteen() [][]float32 {
	rows := make([][]float32, 16)
	for n := range rows {
		rows[n] = features.Row(n % 4)
	}
	return rows
}

// reward is how often a caption has the picture's token, 1 at most.
func reward(picture int, tokens []int32) (r float32) {
	for _, id := range tokens {
		if id == int32(8+picture) {
			r += 0.2
		}
	}
	return r
}

// TestSelfCriticalTrainingRaisesTheReward: cross-entropy teaches the pictures' captions; self-critical training then teaches
// what the reward likes, which no caption of the training split says. A run that stops in between ends the same.
func TestSelfCriticalTrainingRaisesTheReward(t *testing.T) {
	s := settings()
	s.Epochs, s.SCSTEpochs, s.SCSTLearningRate, s.Select = 1, 25, 0.02, "cider_d"
	s.LearningRate = 0.03
	run := func(ctx context.Context, dir string, step func(int, int, int, float64)) (*train.Trainer, []train.Epoch, error) {
		tr := newTrainer(t, s, 0, dir)
		generator := func(method string) *decode.Generator {
			g, err := decode.New(acceltest.Devices(t), tr.Store(), decoder(t, 0), decode.Settings{Method: method, Batch: 16, Temperature: 1, TopP: 1}, 5)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		l := liked{t, generator("sample"), generator("greedy")}
		var rows []train.Epoch
		err := tr.Run(ctx, set(t, batch.Options{Name: "train", Size: 2}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
			Step: step, SelfCritical: l,
			Epoch: func(e train.Epoch) error { e.Seconds, e.Total = 0, 0; rows = append(rows, e); return nil },
			Metric: func(ctx context.Context) (float64, error) {
				own, err := l.greedy.Generate(ctx, sixteen(), nil)
				sum := 0.0
				for n, c := range own {
					sum += float64(reward(n%4, c.Tokens))
				}
				return sum / 16, err
			},
		})
		return tr, rows, err
	}
	whole, want, err := run(t.Context(), t.TempDir(), nil)
	if err != nil || len(want) != 26 {
		t.Fatalf("%d epochs, error %v", len(want), err)
	}
	if start, end := want[0].Metric, want[25].Metric; end < start+0.05 {
		t.Errorf("the reward went from %v to %v", start, end)
	}
	if want[1].Rate != 0.02 || want[0].Rate != 0.03 {
		t.Errorf("learning rates %v and %v", want[0].Rate, want[1].Rate)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, got, err := run(ctx, dir, func(int, int, int, float64) {
		if steps++; steps == 12 {
			cancel()
		}
	})
	cancel()
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("got error %v, want ErrInterrupted", err)
	}
	second, rest, err := run(t.Context(), dir, nil)
	if err != nil || !slices.Equal(append(got, rest...), want) {
		t.Errorf("the run that was stopped has other rows (error %v)", err)
	}
	compareStores(t, second.Store(), whole.Store())
}
