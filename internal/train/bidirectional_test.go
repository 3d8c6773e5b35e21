package train_test

import (
	"math"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

func bidirectional(t *testing.T, dropout float64) model.Bidirectional {
	t.Helper()
	d := decoderOf(t, model.Settings{Name: "lstm", Inject: "pre", Units: 16, Embedding: 8, Dropout: dropout, Bidirectional: true})
	return d.(model.Bidirectional)
}

func newBidirectional(t *testing.T, s train.Settings, dropout float64, dir string) *train.Trainer {
	t.Helper()
	return trainerOf(t, bidirectional(t, dropout), s, dir)
}

// TestBidirectionalLoss: a step's loss is the mean of both directions', in nats a token; what an epoch reports, and so perplexity
// and the best epoch, is the forward one's. Several devices have the same losses.
func TestBidirectionalLoss(t *testing.T) {
	s := settings()
	s.Epochs, s.Batch = 2, 4
	whole := set(t, batch.Options{Name: "train", Size: 4})
	var all [][]float64
	for _, devices := range []int{1, 2} {
		tr := newBidirectional(t, s, 0, t.TempDir())
		other, err := tr.WithDecoder(bidirectional(t, 0).Backward())
		if err != nil {
			t.Fatal(err)
		}
		forward, err := tr.Evaluate(t.Context(), whole)
		if err != nil {
			t.Fatal(err)
		}
		backward, err := other.Evaluate(t.Context(), whole)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(forward.Loss()-backward.Loss()) < 1e-3 || forward.Tokens != backward.Tokens {
			t.Fatalf("the directions have losses %v and %v of %v and %v tokens: the test shows nothing", forward.Loss(), backward.Loss(), forward.Tokens, backward.Tokens)
		}
		if err := tr.UseDevices(devices); err != nil {
			t.Fatal(err)
		}
		var losses []float64
		var rows []train.Epoch
		err = tr.Run(t.Context(), whole, whole, train.Events{
			Step:  func(_, _, _ int, loss float64) { losses = append(losses, loss) },
			Epoch: func(e train.Epoch) error { rows = append(rows, e); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "the first step", losses[:1], []float64{(forward.Loss() + backward.Loss()) / 2})
		near(t, "the first epoch, while training", []float64{rows[0].Train.Loss()}, []float64{forward.Loss()})
		last, err := tr.Evaluate(t.Context(), whole)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "the last epoch, validated", []float64{rows[1].Validation.Loss()}, []float64{last.Loss()})
		all = append(all, losses)
	}
	near(t, "two devices", all[1], all[0])
}

// TestBidirectionalOverfitsAndGenerates: both directions learn a tiny set by heart and say each picture's caption.
func TestBidirectionalOverfitsAndGenerates(t *testing.T) {
	d := bidirectional(t, 0)
	overfitsAndGenerates(t, d)

	s := settings()
	s.Epochs = 120
	tr := newBidirectional(t, s, 0, t.TempDir())
	data := set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 1})
	if err := tr.Run(t.Context(), data, data, train.Events{}); err != nil {
		t.Fatal(err)
	}
	if weights, err := tr.Weights(features.Size); err != nil || weights["lstm/kernel"] == nil || weights["backward/lstm/kernel"] == nil || weights["backward/image/kernel"] != nil {
		t.Errorf("the weights are %v (%v)", weights, err)
	}
	other, err := tr.WithDecoder(d.Backward())
	if err != nil {
		t.Fatal(err)
	}
	each, err := other.LogProbabilities(t.Context(), set(t, batch.Options{Name: "validation", Size: 3}), func(int) {})
	if err != nil || len(each) != len(captions) {
		t.Fatalf("%d log-probabilities (%v)", len(each), err)
	}
	generator, err := decode.New(acceltest.Devices(t), tr.Store(), d, decode.Settings{Method: "greedy", Batch: 3, Direction: "backward"}, 5)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for n := range captions {
		rows = append(rows, features.Row(n))
	}
	got, err := generator.Generate(t.Context(), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range got {
		if !equal(c.Tokens, captions[n].Tokens) || math.Abs(c.LogProbability-each[n]) > 1e-4 || each[n] < -0.3 {
			t.Errorf("picture %d: backwards %v, want %v of log-probability %v", n, c, captions[n].Tokens, each[n])
		}
	}
}

// TestBidirectionalResumesBitIdentical: weights and averages of both directions are in the checkpoints.
func TestBidirectionalResumesBitIdentical(t *testing.T) {
	s := settings()
	s.Averaging, s.EMADecay, s.LabelSmoothing = "ema", 0.7, 0.1
	resumes(t, newBidirectional, s, []int{3})
}

// TestBidirectionalRefuses what has one direction.
func TestBidirectionalRefuses(t *testing.T) {
	for key, change := range map[string]func(*train.Settings){
		"training.examples":           func(s *train.Settings) { s.Examples = "pairs" },
		"training.scheduled_sampling": func(s *train.Settings) { s.Sampling, s.SamplingConstant = "linear", 0.1 },
		"training.scst_epochs":        func(s *train.Settings) { s.SCSTEpochs, s.Select = 1, "cider_d" },
	} {
		s := settings()
		change(&s)
		if _, err := train.New(acceltest.Devices(t), bidirectional(t, 0), s, t.TempDir()); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
