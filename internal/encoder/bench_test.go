package encoder_test

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// BenchmarkVGG16 measures the encoder alone, up to averaged block5_pool; compile-s is what its graph takes to build.
func BenchmarkVGG16(b *testing.B) {
	for _, batch := range []int{8, 16, 32} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			e := realVGG16(b, "block5_pool", "avg")
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
			n := 0
			for b.Loop() {
				exec.MustCall(pixels)
				n++
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(n*batch), "s/image")
			b.ReportMetric(compile.Seconds(), "compile-s")
		})
	}
}
