package train_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// mixing is a front of one trained layer, which at first lets what is kept through as it is.
type mixing struct{}

var identity = [][]float32{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}

func (mixing) Features(scope *gomodel.Scope, kept *Node) *Node {
	return MatMul(kept, scope.At(model.FrontScope).At("mixing").VariableWithValue("kernel", identity).NodeValue(kept.Graph()))
}

const mixingKernel = "/encoder/mixing/kernel"

func behindMixing(t *testing.T, s train.Settings, dropout float64, dir string) *train.Trainer {
	t.Helper()
	return trainerOf(t, model.WithFront(decoder(t, dropout), mixing{}), s, dir)
}

func valuesOf(t *testing.T, tr *train.Trainer, path string) []float32 {
	t.Helper()
	v := tr.Store().GetVariable(path)
	if v == nil {
		t.Fatalf("no variable %s", path)
	}
	return tensors.MustCopyFlatData[float32](v.MustValue())
}

// moved are the differences of values from the identity.
func moved(values []float32) (each []float64, most float64) {
	for n, v := range values {
		d := float64(v - identity[n/4][n%4])
		each, most = append(each, d), math.Max(most, math.Abs(d))
	}
	return each, most
}

// kernels records the front's kernel at the end of each epoch of training on one batch.
func kernels(t *testing.T, tr *train.Trainer) (rows []train.Epoch, all [][]float32) {
	t.Helper()
	err := tr.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 4}), set(t, batch.Options{Name: "validation", Size: 4}),
		train.Events{Epoch: func(e train.Epoch) error {
			e.Seconds, e.Total = 0, 0
			rows, all = append(rows, e), append(all, valuesOf(t, tr, mixingKernel))
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return rows, all
}

// TestEncoderFromEpoch: before its epoch the encoder's layer stays bit for bit, and the decoder is trained as without it,
// whose gradients' norm alone is clipped; then the first update is as large as Adam's first is.
func TestEncoderFromEpoch(t *testing.T) {
	s := settings()
	s.Epochs, s.ClipNorm, s.EncoderFromEpoch = 12, 0.1, 11
	tr := behindMixing(t, s, 0, t.TempDir())
	rows, all := kernels(t, tr)
	plain := fit(t, newTrainer(t, s, 0, t.TempDir()), 4, train.Events{})
	for n := range 10 {
		if _, most := moved(all[n]); most != 0 {
			t.Errorf("epoch %d: the encoder moved by %g", n+1, most)
		}
		if math.Abs(rows[n].Validation.Loss()-plain[n].Validation.Loss()) > 1e-5 {
			t.Errorf("epoch %d: loss %v, of the decoder alone %v", n+1, rows[n].Validation.Loss(), plain[n].Validation.Loss())
		}
	}
	if _, most := moved(all[10]); most < 0.9*s.LearningRate || most > 1.01*s.LearningRate {
		t.Errorf("the first update is by up to %g, Adam's is by the learning rate, %g", most, s.LearningRate)
	}
	if _, most := moved(all[11]); most < 1.5*s.LearningRate {
		t.Errorf("after two updates it moved by %g", most)
	}
}

// TestEncoderLearningRate: the encoder's first update is in proportion to its rate, with any optimiser, and the decoder's is
// not touched.
func TestEncoderLearningRate(t *testing.T) {
	for _, optimizer := range []string{"adam", "adamw", "rmsprop", "sgd"} {
		s := settings()
		s.Epochs, s.Optimizer, s.WeightDecay, s.RMSPropDecay, s.Momentum = 1, optimizer, 0.1, 0.9, 0.5
		same := behindMixing(t, s, 0, t.TempDir())
		_, whole := kernels(t, same)
		s.EncoderLearningRate = s.LearningRate / 8
		slower := behindMixing(t, s, 0, t.TempDir())
		_, eighth := kernels(t, slower)
		want, most := moved(whole[0])
		got, _ := moved(eighth[0])
		for n := range want {
			if math.Abs(got[n]-want[n]/8) > 1e-3*most {
				t.Errorf("%s: weight %d moved by %g, with eight times the rate by %g", optimizer, n, got[n], want[n])
			}
		}
		for _, path := range []string{"/lstm/kernel", "/image/kernel"} {
			if !slices.Equal(valuesOf(t, slower, path), valuesOf(t, same, path)) {
				t.Errorf("%s: %s depends on the encoder's rate", optimizer, path)
			}
		}
	}
}

// TestEncoderAverage: the average of an encoder that stays as it is is the encoder, and moves with it later.
func TestEncoderAverage(t *testing.T) {
	s := settings()
	s.Epochs, s.Averaging, s.EMADecay, s.EncoderFromEpoch = 4, "ema", 0.5, 4
	tr := behindMixing(t, s, 0, t.TempDir())
	_, all := kernels(t, tr)
	average := valuesOf(t, tr, "/average"+mixingKernel)
	now, _ := moved(all[3])
	for n, a := range average {
		if want := float64(identity[n/4][n%4]) + now[n]/2; math.Abs(float64(a)-want) > 1e-6 {
			t.Errorf("average %d is %g, want %g: half the way of the one update", n, a, want)
		}
	}
}

// TestEncoderResumesBitIdentical stops before, at and after the epoch from which the encoder is trained.
func TestEncoderResumesBitIdentical(t *testing.T) {
	s := settings()
	s.EncoderFromEpoch, s.EncoderLearningRate, s.Averaging, s.EMADecay, s.ClipNorm = 2, 0.01, "ema", 0.7, 0.5
	resumes(t, behindMixing, s, []int{2, 4, 5, 8})
}

// TestCriticalForgetsALaterEncoder: where the best epoch came before the encoder was trained, self-critical training begins
// without what the optimiser knew of it since, whether the run stopped in the last validation of cross-entropy or not.
func TestCriticalForgetsALaterEncoder(t *testing.T) {
	s := settings()
	s.Epochs, s.EncoderFromEpoch, s.SCSTEpochs, s.SCSTLearningRate, s.Select = 2, 2, 1, 0.02, "cider_d"
	metrics := []float64{0.9, 0.5, 0.6}
	run := func(dir string, from, stop int) (tr *train.Trainer, rows []train.Epoch, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tr = behindMixing(t, s, 0, dir)
		generator := func(method string) *decode.Generator {
			g, err := decode.New(acceltest.Devices(t), tr.Store(), model.WithFront(decoder(t, 0), mixing{}),
				decode.Settings{Method: method, Batch: 16, Temperature: 1, TopP: 1}, 5)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		err = tr.Run(ctx, set(t, batch.Options{Name: "train", Size: 2}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
			SelfCritical: liked{t, generator("sample"), generator("greedy")},
			Epoch:        func(e train.Epoch) error { e.Seconds, e.Total = 0, 0; rows = append(rows, e); return nil },
			Metric: func(ctx context.Context) (float64, error) {
				if from++; from == stop {
					cancel()
					return 0, ctx.Err()
				}
				return metrics[from-1], nil
			},
		})
		return tr, rows, err
	}
	whole, want, err := run(t.TempDir(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, got, err := run(dir, 0, 2)
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("got error %v, want ErrInterrupted", err)
	}
	second, rest, err := run(dir, 1, -1)
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, rest...); !slices.Equal(got, want) {
		t.Errorf("the epochs are\n%+v, want\n%+v", got, want)
	}
	compareStores(t, second.Store(), whole.Store())
}

// TestWithDecoder: the decoder alone on the front's features scores as the whole.
func TestWithDecoder(t *testing.T) {
	tr := behindMixing(t, settings(), 0, t.TempDir())
	kernels(t, tr)
	k := valuesOf(t, tr, mixingKernel) // pictures are the identity's rows, and so are their features the kernel's
	items := batch.Features{Size: 4, Values: k}
	kept, err := batch.New(captions, features, batch.Options{Name: "kept", Size: 4, Time: 5})
	if err != nil {
		t.Fatal(err)
	}
	computed, err := batch.New(captions, items, batch.Options{Name: "features", Size: 4, Time: 5})
	if err != nil {
		t.Fatal(err)
	}
	want, err := tr.Evaluate(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := tr.WithDecoder(decoder(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := alone.Evaluate(t.Context(), computed)
	if err != nil || math.Abs(got.Loss()-want.Loss()) > 1e-6 {
		t.Errorf("loss %v, behind the front %v (error %v)", got.Loss(), want.Loss(), err)
	}
	if same, err := alone.Evaluate(t.Context(), kept); err != nil || same == want {
		t.Errorf("without the front the pictures score as with it: %v (error %v)", same, err)
	}
}
