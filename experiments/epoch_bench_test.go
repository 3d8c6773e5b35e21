package experiments

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	gotrain "github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// BenchmarkFlickr8kEpoch is an epoch over the training captions of Flickr8k, whose folder CAPTIONLAB_FLICKR8K names, word by
// word in batches by length, without dropout: the LSTM of flickr8k-words.toml, and soft attention over a grid. Features are
// made up, which costs the same; grids are those of few pictures, since 6,000 would need 2.4 GB. The first step of each
// length, which compiles, counts as the others of its length. The peer gets the same batches in the same order.
func BenchmarkFlickr8kEpoch(b *testing.B) {
	root := flickr8ktest.Need(b)
	for name, e := range map[string]epochShape{
		"words":     {model.Settings{Name: "lstm", Inject: "init", Units: 512, Embedding: 512}, 128, 512, 0, 6000},
		"attention": {model.Settings{Name: "attention", Units: 512, Embedding: 512, AttentionUnits: 512, AttentionPenalty: 1}, 64, 14 * 14 * 512, 14 * 14, 128},
	} {
		b.Run(name, func(b *testing.B) {
			if benchtest.Quick() {
				e.Units, e.Embedding, e.batch = 16, 16, 8
				if e.features = 16; e.locations > 0 {
					e.AttentionUnits, e.locations, e.features = 8, 4, 4*6
				}
			}
			for b.Loop() {
				e.run(b, "epoch-"+name, root)
			}
		})
	}
}

type epochShape struct {
	model.Settings
	batch, features, locations int
	pictures                   int // that have features of their own
}

func (e epochShape) run(b *testing.B, name, root string) {
	items, tokenizer := epochCaptions(b, root, e.pictures)
	r := rand.New(rand.NewPCG(1, 2))
	pictures := batch.Features{Size: e.features, Values: make([]float32, e.pictures*e.features)}
	for n := range pictures.Values {
		pictures.Values[n] = float32(r.NormFloat64())
	}
	longest := 0
	for _, item := range items {
		longest = max(longest, len(item.Tokens))
	}
	set, err := batch.New(items, pictures, batch.Options{Name: "train", Size: e.batch, Time: longest, Shuffle: true, Seed: 1, Bucket: true})
	if err != nil {
		b.Fatal(err)
	}
	d, err := model.New(e.Settings, model.Size{Features: e.features, Locations: e.locations, Vocabulary: tokenizer.Size()})
	if err != nil {
		b.Fatal(err)
	}
	backend := acceltest.XLA(b)
	t, err := train.New(backend, d, train.Settings{Epochs: 1, Batch: e.batch, Examples: "sequences", Optimizer: "adam", LearningRate: 0.001,
		Beta1: 0.9, Beta2: 0.999, Epsilon: benchtest.Epsilon, Schedule: "constant", Seed: 1}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	benchtest.Initialize(b, backend, t.Store(), d, e.features)
	e.export(b, name, t.Store(), set, pictures, tokenizer.Size())

	data := &lengths{Set: set}
	var seconds, losses []float64
	began := time.Now()
	err = t.Run(b.Context(), data, benchtest.NoCaptions{}, train.Events{Step: func(_, _, _ int, loss float64) {
		seconds, losses = append(seconds, time.Since(began).Seconds()), append(losses, loss)
		began = time.Now()
	}})
	if err != nil {
		b.Fatal(err)
	}
	benchtest.Report(b, bench.Line{Benchmark: name, Value: withoutFirsts(seconds, data.steps), Unit: "s/epoch",
		Check: map[string]float64{"loss of step 1": losses[0], "loss of step 5": losses[4]},
		Note:  fmt.Sprintf("%d captions, vocabulary %d, batches of %d by length, no dropout; the first step of each length, which compiles, counts as its others", len(items), tokenizer.Size(), e.batch)})
}

// epochCaptions are the training captions as flickr8k-words.toml makes them, and their words.
func epochCaptions(b *testing.B, root string, pictures int) ([]batch.Item, token.Tokenizer) {
	b.Helper()
	s := dataset.Settings{Format: "flickr8k", Root: root, Split: "official", SplitSeed: 1, Fraction: 1, Limit: benchtest.Pick(0, 20)}
	clean := dataset.CleanSettings{Hashtags: "remove", UserTags: "remove", Links: "remove", Whitespace: "collapse", Control: "remove", Lowercase: true, MaxLength: benchtest.Pick(80, 12), OverLength: "truncate"}
	data, err := dataset.Load(b.Context(), s, clean, "grapheme", b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	texts := func(yield func(string) bool) {
		for _, n := range data.Splits[dataset.Train] {
			for _, c := range data.Examples[n].Captions {
				if !yield(c.Text) {
					return
				}
			}
		}
	}
	tokenizer, err := token.Train(token.Settings{Tokenizer: "word", Unit: "grapheme", MinCount: benchtest.Pick(5, 1),
		Words: token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}}, texts)
	if err != nil {
		b.Fatal(err)
	}
	var items []batch.Item
	for row, n := range data.Splits[dataset.Train] {
		for _, c := range data.Examples[n].Captions {
			items = append(items, batch.Item{Picture: row % pictures, Tokens: tokenizer.Encode(c.Text)})
		}
	}
	return items, tokenizer
}

// export leaves the weights, the features and every batch of the epoch for the peer.
func (e epochShape) export(b *testing.B, name string, store *gomodel.Store, set *batch.Set, pictures batch.Features, vocabulary int) {
	b.Helper()
	if benchtest.Dir(b, name) == "" {
		return
	}
	arrays := append(benchtest.Weights(store), benchtest.Array{Name: "features", Shape: []int{e.pictures, e.features}, Values: pictures.Values})
	rows := map[[2]float32]int32{} // features tell which picture they are of
	for n := range e.pictures {
		rows[[2]float32(pictures.Row(n)[:2])] = int32(n)
	}
	n := 0
	for each, err := range set.Epoch(1, 0).Iter() {
		if err != nil {
			b.Fatal(err)
		}
		add := func(name string, shape []int, values any) {
			arrays = append(arrays, benchtest.Array{Name: fmt.Sprintf("%s.%d", name, n), Shape: shape, Values: values})
		}
		of := make([]int32, e.batch)
		features := tensors.MustCopyFlatData[float32](each.Inputs[0])
		for k := range of { // a row that fills up the batch has no features and no weight
			of[k] = rows[[2]float32(features[k*e.features:])]
		}
		shape := each.Inputs[1].Shape().Dimensions
		add("pictures", []int{e.batch}, of)
		add("tokens", shape, tensors.MustCopyFlatData[int32](each.Inputs[1]))
		add("targets", shape, tensors.MustCopyFlatData[int32](each.Labels[0]))
		add("weights", shape, tensors.MustCopyFlatData[float32](each.Labels[1]))
		n++
	}
	benchtest.Export(b, name, map[string]any{"decoder": e.Name, "inject": e.Inject, "batch": e.batch, "units": e.Units, "vocabulary": vocabulary,
		"features": e.features, "locations": e.locations, "penalty": e.AttentionPenalty, "learning_rate": 0.001, "epsilon": benchtest.Epsilon, "batches": n}, arrays...)
}

// withoutFirsts sums seconds. The first step of each length, which compiles, counts as the mean of the others of its length;
// where it has no others, as long as all others take for as many time steps.
func withoutFirsts(seconds []float64, steps []int) float64 {
	sum, count, alone := map[int]float64{}, map[int]int{}, 0
	total, length := 0.0, 0
	for n, s := range seconds {
		if count[steps[n]]++; count[steps[n]] > 1 {
			sum[steps[n]] += s
			total += s
			length += steps[n]
		}
	}
	all := 0.0
	for steps, n := range count {
		if n == 1 {
			alone += steps
			continue
		}
		all += sum[steps] * float64(n) / float64(n-1)
	}
	return all + total*float64(alone)/float64(max(length, 1))
}

// TestWithoutFirsts: two lengths with a first step that is slow, and one that occurs once.
func TestWithoutFirsts(t *testing.T) {
	seconds := []float64{100, 2, 100, 4, 2, 100, 4}
	steps := []int{10, 10, 20, 20, 10, 5, 20}
	if got, want := withoutFirsts(seconds, steps), 3*2.0+3*4.0+1.0; math.Abs(got-want) > 1e-9 { // 0.2 a time step
		t.Errorf("%v seconds, want %v", got, want)
	}
}

// lengths notes the number of time steps of each batch.
type lengths struct {
	*batch.Set
	steps []int
}

// Epoch implements train.Batches.
func (l *lengths) Epoch(epoch, from int) gotrain.Dataset { return noted{l.Set.Epoch(epoch, from), l} }

type noted struct {
	gotrain.Dataset
	to *lengths
}

// Iter implements GoMLX's train.Dataset.
func (n noted) Iter() iter.Seq2[gotrain.Batch, error] {
	return func(yield func(gotrain.Batch, error) bool) {
		for b, err := range n.Dataset.Iter() {
			if err == nil {
				n.to.steps = append(n.to.steps, b.Inputs[1].Shape().Dim(1))
			}
			if !yield(b, err) {
				return
			}
		}
	}
}
