package train_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// stepShape is a training step that peers take, too: captions of words tokens each, all of the same length, and their end.
type stepShape struct {
	model.Settings
	batch, words, units, vocabulary int
	features, locations             int
}

// The baseline's decoder reads 80 steps: the picture, the start token and 78 characters.
var (
	lstmPre      = model.Settings{Name: "lstm", Inject: "pre"}
	baselineStep = stepShape{lstmPre, 50, 78, 256, 100, 4096, 0}
	wordStep     = stepShape{model.Settings{Name: "lstm", Inject: "init"}, 128, 20, 512, 8000, 512, 0}
	gridStep     = stepShape{model.Settings{Name: "attention", AttentionUnits: 512, AttentionPenalty: 1}, 32, 20, 512, 2600, 14 * 14 * 512, 14 * 14}
)

// tiny is the same step in small.
func (s stepShape) tiny() stepShape {
	s.batch, s.words, s.units, s.vocabulary = 4, min(s.words, 6), 16, 30
	s.features = 24
	if s.locations > 0 {
		s.features, s.locations, s.AttentionUnits = 4*8, 4, 12
	}
	return s
}

// BenchmarkStep is a step as users train: batches made, loss, metrics, gradients and Adam, without dropout and clipping. The
// peers begin with the same weights and take the same batch; their losses must be ours.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name  string
		shape stepShape
	}{{"baseline", baselineStep}, {"words", wordStep}, {"attention", gridStep}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				seconds, losses := trainSteps(b, "step-"+c.name, benchtest.Pick(c.shape, c.shape.tiny()), benchtest.Pick(20, 3))
				const warm = 3
				total := 0.0
				for _, s := range seconds[warm:] {
					total += s
				}
				benchtest.Report(b, bench.Line{Benchmark: "step-" + c.name, Value: total / float64(len(seconds)-warm), Unit: "s/step", Check: checkLosses(losses)})
			}
		})
	}
}

// BenchmarkCompile is what the first step takes longer than the others: the graph's building and compiling. Small batches
// keep the steps short.
func BenchmarkCompile(b *testing.B) {
	for _, steps := range []int{20, 80, 400, 2000} {
		b.Run(fmt.Sprint(steps), func(b *testing.B) {
			shape := stepShape{lstmPre, 8, steps - 2, 256, 100, 512, 0}
			if benchtest.Quick() {
				shape.batch, shape.units, shape.features = 2, 8, 8
			}
			for b.Loop() {
				name := fmt.Sprintf("compile-%d", steps)
				seconds, losses := trainSteps(b, name, shape, 2)
				benchtest.Report(b, bench.Line{Benchmark: name, Value: seconds[0] - median(seconds[1:]), Unit: "s", Check: checkLosses(losses)})
			}
		})
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// checkLosses are the losses that peers must have, too: before the first update and before the fifth.
func checkLosses(losses []float64) map[string]float64 {
	return map[string]float64{"loss of step 1": losses[0], "loss of step 5": losses[4]}
}

// trainSteps trains three steps and then as many as it is told on one batch, and returns each one's seconds and loss. For
// the peers it leaves the sizes, the batch and the weights before the first step.
func trainSteps(b *testing.B, name string, s stepShape, steps int) (seconds, losses []float64) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pictures := batch.Features{Size: s.features, Values: make([]float32, s.batch*s.features)}
	for n := range pictures.Values {
		pictures.Values[n] = r.Float32()
	}
	items := make([]batch.Item, s.batch)
	for n := range items {
		ids := make([]int32, s.words)
		for k := range ids {
			ids[k] = 4 + r.Int32N(int32(s.vocabulary-4))
		}
		items[n] = batch.Item{Picture: n, Tokens: ids}
	}
	const warm = 3
	steps += warm
	all := slices.Repeat(items, steps) // each batch is the same
	data := batches(b, all, pictures, batch.Options{Name: "train", Size: s.batch, Time: s.words})
	t := trainer(b, s, train.Settings{Epochs: 1, Batch: s.batch})
	export(b, name, t, s, data, pictures, map[string]any{"steps": steps})
	began := time.Now()
	err := t.Run(b.Context(), data, benchtest.NoCaptions{}, train.Events{Step: func(_, _, _ int, loss float64) {
		seconds, losses = append(seconds, time.Since(began).Seconds()), append(losses, loss)
		began = time.Now()
	}})
	if err != nil {
		b.Fatal(err)
	}
	return seconds, losses
}

func batches(b *testing.B, items []batch.Item, pictures batch.Features, o batch.Options) *batch.Set {
	b.Helper()
	data, err := batch.New(items, pictures, o)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// trainer has its initial weights.
func trainer(b *testing.B, s stepShape, ts train.Settings) *train.Trainer {
	b.Helper()
	s.Settings.Units, s.Embedding = s.units, s.units
	d, err := model.New(s.Settings, model.Size{Features: s.features, Locations: s.locations, Vocabulary: s.vocabulary})
	if err != nil {
		b.Fatal(err)
	}
	ts.Optimizer, ts.LearningRate, ts.Beta1, ts.Beta2, ts.Epsilon, ts.Seed = "adam", 0.001, 0.9, 0.999, benchtest.Epsilon, 1
	ts.Examples, ts.Schedule = "sequences", "constant"
	backend := acceltest.XLA(b)
	t, err := train.New(backend, d, ts, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	benchtest.Initialize(b, backend, t.Store(), d, s.features)
	return t
}

// export leaves what peers need to train on the first batch from the same weights; more are sizes besides the decoder's.
func export(b *testing.B, name string, t *train.Trainer, s stepShape, data *batch.Set, pictures batch.Features, more map[string]any) {
	b.Helper()
	if benchtest.Dir(b, name) == "" {
		return
	}
	arrays := append(benchtest.Weights(t.Store()), benchtest.Array{Name: "features", Shape: []int{s.batch, s.features}, Values: pictures.Values})
	for first, err := range data.Epoch(1, 0).Iter() {
		if err != nil {
			b.Fatal(err)
		}
		shape := first.Inputs[1].Shape().Dimensions
		arrays = append(arrays,
			benchtest.Array{Name: "tokens", Shape: shape, Values: tensors.MustCopyFlatData[int32](first.Inputs[1])},
			benchtest.Array{Name: "targets", Shape: shape, Values: tensors.MustCopyFlatData[int32](first.Labels[0])},
			benchtest.Array{Name: "weights", Shape: shape, Values: tensors.MustCopyFlatData[float32](first.Labels[1])})
		break
	}
	sizes := map[string]any{"decoder": s.Name, "inject": s.Inject, "batch": s.batch, "units": s.units, "vocabulary": s.vocabulary,
		"features": s.features, "locations": s.locations, "penalty": s.AttentionPenalty, "learning_rate": 0.001, "epsilon": benchtest.Epsilon}
	maps.Copy(sizes, more)
	benchtest.Export(b, name, sizes, arrays...)
}

// BenchmarkPairs is an epoch over captions of about 54 characters, as the paper's method sees them and as we do. A peer that
// trains on pairs, the picture and the first characters with the next one, needs a prediction a character; ours a step a
// batch of captions, for the same loss and gradients (see TestPairsEqualSequences).
func BenchmarkPairs(b *testing.B) {
	s := benchtest.Pick(baselineStep, baselineStep.tiny())
	s.features = benchtest.Pick(512, 24)
	captions := benchtest.Pick(3000, 8)
	r := rand.New(rand.NewPCG(1, 2))
	pictures := batch.Features{Size: s.features, Values: make([]float32, s.batch*s.features)}
	for n := range pictures.Values {
		pictures.Values[n] = r.Float32()
	}
	items := make([]batch.Item, captions)
	pairs := 0
	for n := range items {
		length := int(54 + 15*r.NormFloat64())
		ids := make([]int32, max(1, min(s.words, length)))
		for k := range ids {
			ids[k] = 4 + r.Int32N(int32(s.vocabulary-4))
		}
		items[n] = batch.Item{Picture: n % s.batch, Tokens: ids}
		pairs += len(ids) + 1
	}
	for b.Loop() {
		data := batches(b, items, pictures, batch.Options{Name: "train", Size: s.batch, Time: s.words})
		t := trainer(b, s, train.Settings{Epochs: 2, Batch: s.batch})
		export(b, "pairs", t, s, data, pictures, map[string]any{"pairs": pairs, "steps": benchtest.Pick(20, 2)})
		first, seconds := 0.0, 0.0
		err := t.Run(b.Context(), data, benchtest.NoCaptions{}, train.Events{
			Step: func(epoch, batch, _ int, loss float64) {
				if epoch == 1 && batch == 1 {
					first = loss
				}
			},
			Epoch: func(e train.Epoch) error { seconds = e.Seconds; return nil }, // the second one's: the first compiles
		})
		if err != nil {
			b.Fatal(err)
		}
		benchtest.Report(b, bench.Line{Benchmark: "pairs", Value: seconds, Unit: "s/epoch", Check: map[string]float64{"loss of the first captions": first},
			Note: fmt.Sprintf("an epoch of %d captions, %d pairs", captions, pairs)})
	}
}
