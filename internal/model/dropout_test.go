package model

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// dropped are ones after dropout, twice from one store.
func dropped(t *testing.T, rate float64, training bool, n int) (first, second []float32) {
	t.Helper()
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(3); err != nil {
		t.Fatal(err)
	}
	exec := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, g *Graph) *Node {
		scope.Store().SetTraining(g, training)
		return dropout(scope, Ones(g, shapes.Make(dtypes.Float32, n)), rate)
	})
	return flat(exec.MustCall1()), flat(exec.MustCall1())
}

func TestDropout(t *testing.T) {
	const n = 300_001
	for _, rate := range []float64{0.2, 0.25, 0.5, 0.75} {
		values, others := dropped(t, rate, true, n)
		zeros := 0.0
		for _, v := range values {
			if v == 0 {
				zeros++
			} else if want := 1 / (1 - rate); math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("rate %v: a kept value became %v, want %v", rate, v, want)
			}
		}
		sigma := math.Sqrt(rate * (1 - rate) / n)
		if share := zeros / n; math.Abs(share-rate) > 5*sigma {
			t.Errorf("rate %v: %v of the values dropped", rate, share)
		}
		together := func(what string, a, b []float32) {
			both := 0.0
			for i := range min(len(a), len(b)) {
				if a[i] == 0 && b[i] == 0 {
					both++
				}
			}
			pairs := float64(min(len(a), len(b)))
			if share, want := both/pairs, rate*rate; math.Abs(share-want) > 5*math.Sqrt(want*(1-want)/pairs) {
				t.Errorf("rate %v: %s are dropped together with share %v, want %v", rate, what, share, want)
			}
		}
		for _, apart := range []int{1, 2, 3, 64, 256, 512, 1 << 12, 1 << 16} {
			together(fmt.Sprintf("values %d apart", apart), values, values[apart:])
		}
		together("the values of two steps", values, others)
	}
	values, _ := dropped(t, 0.5, false, 100)
	for _, v := range values {
		if v != 1 {
			t.Fatal("dropout is on outside training")
		}
	}
}
