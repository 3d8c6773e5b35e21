package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/train"
)

// meanTrainer averages the last three epochs' weights where the metric likes them.
func meanTrainer(t *testing.T, epochs int, dir string) *train.Trainer {
	s := settings()
	s.Epochs, s.AverageLast, s.Select = epochs, 3, "cider_d"
	return newTrainer(t, s, 0.5, dir)
}

// meanRun is what a training with such a mean reports.
type meanRun struct {
	rows []train.Epoch
	mean []train.Epoch
	ends [][]float32 // weights at each epoch's end
}

// run trains and takes the metrics of epochs in their order, then the mean's.
func (r *meanRun) run(ctx context.Context, t *testing.T, tr *train.Trainer, metrics ...float64) error {
	t.Helper()
	bare := func(e train.Epoch) train.Epoch { e.Seconds, e.Total = 0, 0; return e }
	return tr.Run(ctx, set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 5}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
		Metric: func(context.Context) (float64, error) {
			now := metrics[0]
			metrics = metrics[1:]
			return now, nil
		},
		Epoch: func(e train.Epoch) error {
			r.rows, r.ends = append(r.rows, bare(e)), append(r.ends, weights(t, tr))
			return nil
		},
		Mean: func(e train.Epoch) error { r.mean = append(r.mean, bare(e)); return nil },
	})
}

// best are the weights that a trainer loads as the best, and what they score.
func best(t *testing.T, tr *train.Trainer) ([]float32, train.Score) {
	t.Helper()
	if err := tr.LoadBest(); err != nil {
		t.Fatal(err)
	}
	score, err := tr.Evaluate(t.Context(), set(t, batch.Options{Name: "validation", Size: 4}))
	if err != nil {
		t.Fatal(err)
	}
	return weights(t, tr), score
}

// TestMeanOfTheLastEpochs: the model that is kept is the mean of the last three epochs' weights, which was validated as such,
// where the metric finds it better than the best epoch, and that epoch where it doesn't; for a trainer that finds the finished
// training, too.
func TestMeanOfTheLastEpochs(t *testing.T) {
	for _, c := range []struct {
		metric float64
		kept   bool
	}{{0.8, true}, {0.4, false}} {
		dir := t.TempDir()
		tr := meanTrainer(t, 4, dir)
		var r meanRun
		if err := r.run(t.Context(), t, tr, 0.1, 0.5, 0.3, 0.2, c.metric); err != nil {
			t.Fatal(err)
		}
		if len(r.rows) != 4 || len(r.mean) != 1 {
			t.Fatalf("%d epochs and %d means were reported", len(r.rows), len(r.mean))
		}
		if m := r.mean[0]; m.MeanOf != 3 || m.Epoch != 4 || m.Step != r.rows[3].Step || m.Metric != c.metric || m.Best != c.kept || m.Validation.Tokens != r.rows[3].Validation.Tokens {
			t.Fatalf("the mean was reported as %+v", m)
		}
		if !slices.Equal(weights(t, tr), r.ends[3]) {
			t.Error("after training the weights aren't the last epoch's")
		}
		reader := meanTrainer(t, 4, t.TempDir())
		member := train.Member{Epoch: 2}
		if c.kept {
			member = train.Member{Epoch: 4, MeanOf: 3}
		}
		if err := reader.LoadMembers([]string{dir}); err != nil {
			t.Fatal(err)
		}
		member.Hash = reader.Members()[0].Hash
		if !slices.Equal(reader.Members(), []train.Member{member}) || len(member.Hash) != 64 {
			t.Errorf("mean of metric %g: an ensemble has %+v, want %+v", c.metric, reader.Members(), member)
		}
		for name, tr := range map[string]*train.Trainer{"the same trainer": tr, "a new trainer": meanTrainer(t, 4, dir)} {
			got, score := best(t, tr)
			if !c.kept {
				if !slices.Equal(got, r.ends[1]) || score != r.rows[1].Validation || tr.MeanOf() != 0 || tr.BestEpoch() != 2 {
					t.Errorf("%s, mean of metric %g: the best model is not the second epoch's", name, c.metric)
				}
				continue
			}
			if score != r.mean[0].Validation || tr.MeanOf() != 3 {
				t.Errorf("%s: the best model scores %+v and is a mean of %d, the mean scored %+v", name, score, tr.MeanOf(), r.mean[0].Validation)
			}
			for n := range got {
				want := (float64(r.ends[1][n]) + float64(r.ends[2][n]) + float64(r.ends[3][n])) / 3
				if math.Abs(float64(got[n])-want) > 1e-7 {
					t.Fatalf("%s: weight %d is %v, the mean of the last three is %v", name, n, got[n], want)
				}
			}
		}
	}
}

// TestMeanSurvivesStops: stopped within an epoch, killed while the mean's row is written, or begun by a shorter training
// with a mean of its own: the mean is bit for bit that of a training that never stopped.
func TestMeanSurvivesStops(t *testing.T) {
	metrics := []float64{0.1, 0.5, 0.3, 0.2, 0.4, 0.9}
	var want meanRun
	whole := meanTrainer(t, 5, t.TempDir())
	if err := want.run(t.Context(), t, whole, metrics...); err != nil {
		t.Fatal(err)
	}
	wantWeights, wantScore := best(t, whole)
	check := func(t *testing.T, dir string, got meanRun, tr *train.Trainer) {
		t.Helper()
		if len(got.mean) != 1 || got.mean[0] != want.mean[0] {
			t.Errorf("the mean was reported as %+v, want %+v", got.mean, want.mean)
		}
		if weights, score := best(t, tr); !slices.Equal(weights, wantWeights) || score != wantScore || tr.MeanOf() != 3 {
			t.Errorf("the kept model scores %+v and is a mean of %d, want %+v", score, tr.MeanOf(), wantScore)
		}
		folders, err := filepath.Glob(filepath.Join(dir, "step-*"))
		if err != nil || len(folders) > 5 { // the last three, the best one, the mean
			t.Errorf("%v are kept, error %v", folders, err)
		}
	}
	t.Run("stopped within the last epoch", func(t *testing.T) {
		dir, got := t.TempDir(), meanRun{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first := meanTrainer(t, 5, dir)
		err := first.Run(ctx, set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 5}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
			Metric: func() func(context.Context) (float64, error) {
				n := -1
				return func(context.Context) (float64, error) { n++; return metrics[n], nil }
			}(),
			Step: func(epoch, batch, _ int, _ float64) {
				if epoch == 5 && batch == 1 {
					cancel()
				}
			}})
		if !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("got error %v, want ErrInterrupted", err)
		}
		second := meanTrainer(t, 5, dir)
		if err := got.run(t.Context(), t, second, metrics[4:]...); err != nil {
			t.Fatal(err)
		}
		check(t, dir, got, second)
	})
	t.Run("two directions, stopped after the last step", func(t *testing.T) {
		s := settings()
		s.Epochs, s.AverageLast, s.Select = 2, 2, "cider_d"
		whole := newBidirectional(t, s, 0, t.TempDir())
		var want meanRun
		if err := want.run(t.Context(), t, whole, 0.1, 0.2, 0.9); err != nil {
			t.Fatal(err)
		}
		dir, got := t.TempDir(), meanRun{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := newBidirectional(t, s, 0, dir).Run(ctx, set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 5}), set(t, batch.Options{Name: "validation", Size: 4}),
			train.Events{Metric: func(context.Context) (float64, error) { return 0.1, nil }, Step: func(epoch, batch, batches int, _ float64) {
				if epoch == 2 && batch == batches {
					cancel()
				}
			}})
		if !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("got error %v, want ErrInterrupted", err)
		}
		second := newBidirectional(t, s, 0, dir)
		if err := got.run(t.Context(), t, second, 0.2, 0.9); err != nil {
			t.Fatal(err)
		}
		for name, tr := range map[string]*train.Trainer{"whole": whole, "stopped": second} {
			if err := tr.LoadBest(); err != nil || tr.MeanOf() != 2 {
				t.Fatalf("%s: a mean of %d, error %v", name, tr.MeanOf(), err)
			}
		}
		wanted, err := whole.Weights(features.Size)
		if err != nil {
			t.Fatal(err)
		}
		have, err := second.Weights(features.Size)
		if err != nil {
			t.Fatal(err)
		}
		if len(have) != len(wanted) || len(have) == 0 {
			t.Fatalf("%d weights, want %d", len(have), len(wanted))
		}
		for path, w := range wanted {
			if !slices.Equal(tensors.MustCopyFlatData[float32](have[path]), tensors.MustCopyFlatData[float32](w)) {
				t.Errorf("%s is another one", path)
			}
		}
	})
	t.Run("killed while the mean's row is written", func(t *testing.T) {
		dir, got := t.TempDir(), meanRun{}
		first := meanTrainer(t, 5, dir)
		n, killed := -1, errors.New("killed")
		err := first.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 5}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
			Metric: func(context.Context) (float64, error) { n++; return metrics[n], nil },
			Mean:   func(train.Epoch) error { return killed }})
		if !errors.Is(err, killed) {
			t.Fatalf("got error %v", err)
		}
		second := meanTrainer(t, 5, dir)
		if err := got.run(t.Context(), t, second, metrics[5]); err != nil {
			t.Fatal(err)
		}
		if len(got.rows) != 0 {
			t.Errorf("%d epochs were trained again", len(got.rows))
		}
		check(t, dir, got, second)
		if err := meanTrainer(t, 5, dir).Run(t.Context(), set(t, batch.Options{Name: "train", Size: 2}), set(t, batch.Options{Name: "validation", Size: 4}),
			train.Events{Metric: func(context.Context) (float64, error) { return 0, errors.New("validated again") }}); err != nil {
			t.Errorf("a mean that is kept already: %v", err)
		}
	})
	t.Run("after a shorter training", func(t *testing.T) {
		shorter, dir, got := t.TempDir(), filepath.Join(t.TempDir(), "longer"), meanRun{}
		var before meanRun
		if err := before.run(t.Context(), t, meanTrainer(t, 3, shorter), 0.1, 0.5, 0.3, 0.8); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(dir, os.DirFS(shorter)); err != nil {
			t.Fatal(err)
		}
		longer := meanTrainer(t, 5, dir)
		if err := got.run(t.Context(), t, longer, metrics[3:]...); err != nil {
			t.Fatal(err)
		}
		check(t, dir, got, longer)
	})
}
