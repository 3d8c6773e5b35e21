package model

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

func dropped(t *testing.T, rate float64, training bool, n int) []float32 {
	t.Helper()
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(3); err != nil {
		t.Fatal(err)
	}
	out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, g *Graph) *Node {
		scope.Store().SetTraining(g, training)
		return dropout(scope, Ones(g, shapes.Make(dtypes.Float32, n)), rate)
	}).MustCall()
	return flat(out[0])
}

func TestDropout(t *testing.T) {
	const n = 300_001
	for _, rate := range []float64{0.25, 0.5, 0.75} {
		values := dropped(t, rate, true, n)
		zeros, neighbours := 0.0, 0.0
		third := (n + 2) / 3
		for i, v := range values {
			if v == 0 {
				zeros++
			} else if want := 1 / (1 - rate); math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("rate %v: a kept value became %v, want %v", rate, v, want)
			}
			if i >= third && v == 0 && values[i-third] == 0 {
				neighbours++ // the two came from one draw
			}
		}
		sigma := math.Sqrt(rate * (1 - rate) / n)
		if share := zeros / n; math.Abs(share-rate) > 5*sigma {
			t.Errorf("rate %v: %v of the values dropped", rate, share)
		}
		pairs := float64(n - third)
		if share, want := neighbours/pairs, rate*rate; math.Abs(share-want) > 5*math.Sqrt(want*(1-want)/pairs) {
			t.Errorf("rate %v: values of one draw are dropped together with share %v, want %v", rate, share, want)
		}
	}
	for _, v := range dropped(t, 0.5, false, 100) {
		if v != 1 {
			t.Fatal("dropout is on outside training")
		}
	}
}
