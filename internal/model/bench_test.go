package model_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/model"
)

// BenchmarkTrainStep is one training step of the baseline's decoder: batch 50, 80 steps, 256 units, vocabulary 100,
// picture features 4,096, Adam, no dropout. internal/bench/keras_step.py is the same in Keras. compile-s is the time
// from nothing to the end of the first step.
func BenchmarkTrainStep(b *testing.B) {
	trainStep(b, model.Settings{Name: "lstm", Inject: "pre"}, baseline)
}

// shape is the size of a training step.
type shape struct{ batch, steps, units, vocabulary, features, locations int }

var baseline = shape{batch: 50, steps: 80, units: 256, vocabulary: 100, features: 4096}

// BenchmarkAttentionStep is one training step of recipes/sat-soft.toml with captions of 20 words: a grid of 14×14 locations
// with 512 channels.
func BenchmarkAttentionStep(b *testing.B) {
	trainStep(b, model.Settings{Name: "attention", AttentionUnits: 512, AttentionPenalty: 1},
		shape{batch: 64, steps: 22, units: 512, vocabulary: 2549, features: 14 * 14 * 512, locations: 14 * 14})
}

// BenchmarkRecurrentLayers is BenchmarkTrainStep with the other recurrent layers.
func BenchmarkRecurrentLayers(b *testing.B) {
	for name, s := range map[string]model.Settings{
		"gru": {Name: "gru", ResetAfter: true}, "gru_reset_before": {Name: "gru"}, "lstm_two_layers": {Name: "lstm", Layers: 2},
		"lstm_norm": {Name: "lstm", LayerNorm: true}, "gru_norm": {Name: "gru", ResetAfter: true, LayerNorm: true},
	} {
		s.Inject = "pre"
		b.Run(name, func(b *testing.B) { trainStep(b, s, baseline) })
	}
}

func trainStep(b *testing.B, s model.Settings, size shape) {
	batch, steps, vocabulary, features := size.batch, size.steps, size.vocabulary, size.features
	s.Units, s.Embedding = size.units, size.units
	decoder, err := model.New(s, model.Size{Features: features, Locations: size.locations, Vocabulary: vocabulary})
	if err != nil {
		b.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(1); err != nil {
		b.Fatal(err)
	}
	logits := func(scope *gomodel.Scope, features, tokens *graph.Node) *graph.Node {
		return decoder.Logits(scope, features, tokens)
	}
	mean := func(labels, logits []*graph.Node) *graph.Node {
		ids := graph.ExpandAxes(graph.TransposeAllAxes(labels[0], 1, 0), -1)
		return loss.SparseCategoricalCrossEntropyLogits([]*graph.Node{ids}, logits)
	}
	trainer := train.NewTrainer(acceltest.XLA(b), store, logits, mean, optimizer.Adam().LearningRate(0.001).Done(), nil, nil)

	rng := rand.New(rand.NewPCG(1, 2))
	picture, ids := make([]float32, batch*features), make([]int32, batch*(steps-1))
	for n := range picture {
		picture[n] = rng.Float32()
	}
	for n := range ids {
		ids[n] = int32(rng.IntN(vocabulary))
	}
	step := func() {
		_, err := trainer.TrainStep(train.Batch{
			Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(picture, batch, features),
				tensors.FromFlatDataAndDimensions(ids, batch, steps-1)},
			Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(ids, batch, steps-1)}})
		if err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	step()
	compile := time.Since(began)
	for range 2 { // warm up
		step()
	}
	n := 0
	b.ResetTimer()
	for b.Loop() {
		step()
		n++
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(n), "s/step")
	b.ReportMetric(compile.Seconds(), "compile-s")
}
