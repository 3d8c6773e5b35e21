package train_test

import (
	"math/rand/v2"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/train"
)

// BenchmarkEpoch trains as experiments do, with loss, metrics, clipping, dropout and Adam: the baseline's shape and that
// of Flickr8k's words. s/step is the time a training step, batches made included.
func BenchmarkEpoch(b *testing.B) {
	for _, shape := range []struct {
		name                                 string
		batch, time, mean, units, vocabulary int
		features                             int
		inject                               string
		bucket                               bool
	}{
		{"characters", 50, 79, 40, 256, 100, 512, "pre", false},
		{"words", 128, 19, 11, 512, 2500, 512, "init", false},
		{"bucketed_words", 128, 19, 11, 512, 2500, 512, "init", true},
	} {
		b.Run(shape.name, func(b *testing.B) {
			const steps = 50
			random := rand.New(rand.NewPCG(1, 2))
			items := make([]batch.Item, shape.batch*steps)
			for n := range items {
				ids := make([]int32, max(1, min(shape.time, shape.mean+int(random.NormFloat64()*float64(shape.mean)/4))))
				for k := range ids {
					ids[k] = 4 + random.Int32N(int32(shape.vocabulary-4))
				}
				items[n] = batch.Item{Picture: n % 100, Tokens: ids}
			}
			values := make([]float32, 100*shape.features)
			for n := range values {
				values[n] = float32(random.NormFloat64())
			}
			features := batch.Features{Size: shape.features, Values: values}
			data, err := batch.New(items, features, batch.Options{Name: "train", Size: shape.batch, Time: shape.time, Shuffle: true, Seed: 1, Bucket: shape.bucket})
			if err != nil {
				b.Fatal(err)
			}
			few, err := batch.New(items[:shape.batch], features, batch.Options{Name: "validation", Size: shape.batch, Time: shape.time})
			if err != nil {
				b.Fatal(err)
			}
			d, err := model.New(model.Settings{Name: "lstm", Inject: shape.inject, Units: shape.units, Embedding: shape.units, Dropout: 0.5},
				model.Size{Features: shape.features, Vocabulary: shape.vocabulary})
			if err != nil {
				b.Fatal(err)
			}
			s := settings()
			s.Epochs, s.Batch, s.LearningRate = 1+b.N, shape.batch, 0.001
			t, err := train.New(acceltest.XLA(b), d, s, b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			seconds := 0.0
			err = t.Run(b.Context(), data, few, train.Events{Epoch: func(e train.Epoch) error {
				if e.Epoch > 1 { // the first one compiles
					seconds += e.Seconds
				}
				return nil
			}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(seconds/float64(steps*b.N), "s/step")
		})
	}
}
