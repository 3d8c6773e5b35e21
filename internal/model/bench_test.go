package model_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gm "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/model"
)

func BenchmarkTrainStep(b *testing.B) {
	backend := acceltest.XLA(b)
	const B, T, H, V, E, F = 50, 80, 256, 100, 256, 4096
	drop := 0.0
	if os.Getenv("DROP") != "" {
		drop = 0.5
	}
	dec, _ := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: H, Embedding: E, Dropout: drop}, model.Size{Features: F, Vocabulary: V})
	store := gm.NewStore()
	store.SetRNGStateFromSeed(1)
	fn := func(scope *gm.Scope, img, toks *graph.Node) *graph.Node {
		l := dec.Logits(scope, img, toks)
		return l
	}
	tr := train.NewTrainer(backend, store, fn, func(labels, preds []*graph.Node) *graph.Node {
		lab := graph.ExpandAxes(graph.TransposeAllAxes(labels[0], 1, 0), -1)
		return loss.SparseCategoricalCrossEntropyLogits([]*graph.Node{lab}, preds)
	}, optimizer.Adam().LearningRate(0.001).Done(), nil, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	img := make([]float32, B*F)
	for i := range img {
		img[i] = rng.Float32()
	}
	tok := make([]int32, B*(T-1))
	for i := range tok {
		tok[i] = int32(rng.IntN(V))
	}
	ti, tt, tl := tensors.FromFlatDataAndDimensions(img, B, F), tensors.FromFlatDataAndDimensions(tok, B, T-1), tensors.FromFlatDataAndDimensions(tok, B, T-1)
	var last float32
	step := func() {
		bt, _ := train.Batch{Inputs: []*tensors.Tensor{ti, tt}, Labels: []*tensors.Tensor{tl}}.Clone()
		m, err := tr.TrainStep(bt)
		if err != nil {
			b.Fatalf("%+v", err)
		}
		last = tensors.ToScalar[float32](m[0])
	}
	t0 := time.Now()
	step()
	b.Logf("first step %.2fs loss %v", time.Since(t0).Seconds(), last)
	for i := 0; i < 3; i++ {
		step()
	}
	b.ResetTimer()
	for b.Loop() {
		step()
	}
	b.Logf("loss %v", last)
}
