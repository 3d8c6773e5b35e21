package decode_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
)

// BenchmarkBeam5 generates captions of 1,000 pictures with a beam of 5 from the baseline's decoder: 512 features, 256
// units, vocabulary 100, at most 60 tokens. With CAPTIONLAB_BENCH_OUT it leaves its weights, features and captions in
// that folder, where internal/bench/torch_beam.py and keras_beam.py take them to do the same and to compare.
func BenchmarkBeam5(b *testing.B) {
	const pictures, features, units, vocabulary, length = 1000, 512, 256, 100, 60
	d, err := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: units, Embedding: units}, model.Size{Features: features, Vocabulary: vocabulary})
	if err != nil {
		b.Fatal(err)
	}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(1); err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	rows, flat := make([][]float32, pictures), make([]float32, 0, pictures*features)
	for n := range rows {
		rows[n] = make([]float32, features)
		for k := range rows[n] {
			rows[n][k] = float32(random.NormFloat64())
		}
		flat = append(flat, rows[n]...)
	}
	exec := gomodel.MustNewExec(acceltest.XLA(b), store, func(scope *gomodel.Scope, x, ids *graph.Node) *graph.Node { return d.Logits(scope, x, ids) })
	exec.MustCall1([][]float32{rows[0]}, [][]int32{{1}}) // makes the variables
	for v := range store.IterVariables() {
		if v.Trainable { // larger than at the start of training, so that tokens differ in probability as a trained model's do
			values := tensors.MustCopyFlatData[float32](v.MustValue())
			for n := range values {
				values[n] *= 2.5
			}
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
				b.Fatal(err)
			}
		}
	}
	g, err := decode.New(acceltest.XLA(b), store, d, decode.Settings{Method: "beam", BeamWidth: 5, BeamGroups: 1, Batch: 100}, length)
	if err != nil {
		b.Fatal(err)
	}
	captions, err := g.Generate(b.Context(), rows, nil) // compiles
	if err != nil {
		b.Fatal(err)
	}
	if dir := os.Getenv("CAPTIONLAB_BENCH_OUT"); dir != "" {
		export(b, dir, store, flat, captions)
	}
	for b.Loop() {
		if _, err := g.Generate(b.Context(), rows, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(pictures*b.N), "s/caption")
}

func export(b *testing.B, dir string, store *gomodel.Store, features []float32, captions []decode.Caption) {
	b.Helper()
	type array struct {
		Shape  []int     `json:"shape"`
		Values []float32 `json:"values"`
	}
	out := struct {
		Weights  map[string]array `json:"weights"`
		Features []float32        `json:"features"`
		Captions [][]int32        `json:"captions"`
		Logs     []float64        `json:"log_probabilities"`
	}{Weights: map[string]array{}, Features: features}
	for v := range store.IterVariables() {
		if v.Trainable {
			out.Weights[strings.Trim(v.Path(), "/")] = array{v.Shape().Dimensions, tensors.MustCopyFlatData[float32](v.MustValue())}
		}
	}
	for _, c := range captions {
		out.Captions, out.Logs = append(out.Captions, c.Tokens), append(out.Logs, c.LogProbability)
	}
	data, err := json.Marshal(out)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "beam.json"), data, 0o644); err != nil {
		b.Fatal(err)
	}
}
