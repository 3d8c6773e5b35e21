package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/train"
)

const vocabulary = 12

// four pictures, told apart by their features alone, each with its own caption.
var (
	features = batch.Features{Size: 4, Values: []float32{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}}
	captions = []batch.Item{
		{Picture: 0, Tokens: []int32{4, 5, 6}},
		{Picture: 1, Tokens: []int32{7, 8}},
		{Picture: 2, Tokens: []int32{9, 10, 11, 4, 5}},
		{Picture: 3, Tokens: []int32{6}},
	}
)

func settings() train.Settings {
	return train.Settings{Epochs: 3, Batch: 2, Examples: "sequences", Optimizer: "adam", LearningRate: 0.02,
		Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, ClipNorm: 5, ScheduleEpochs: 8, ScheduleFactor: 0.5, Seed: 11}
}

func decoder(t *testing.T, dropout float64) model.Decoder {
	t.Helper()
	return decoderOf(t, model.Settings{Name: "lstm", Inject: "pre", Units: 16, Embedding: 8, Dropout: dropout})
}

func decoderOf(t *testing.T, s model.Settings) model.Decoder {
	t.Helper()
	d, err := model.New(s, model.Size{Features: features.Size, Vocabulary: vocabulary})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func set(t *testing.T, o batch.Options) *batch.Set {
	t.Helper()
	o.Time = 5
	s, err := batch.New(captions, features, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newTrainer(t *testing.T, s train.Settings, dropout float64, dir string) *train.Trainer {
	t.Helper()
	return trainerOf(t, decoder(t, dropout), s, dir)
}

func trainerOf(t *testing.T, d model.Decoder, s train.Settings, dir string) *train.Trainer {
	t.Helper()
	tr, err := train.New(acceltest.Devices(t), d, s, dir)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestOverfitsAndGenerates: a model that learns a tiny set by heart must then say each picture's caption, whichever its
// decoder.
func TestOverfitsAndGenerates(t *testing.T) {
	for name, s := range map[string]model.Settings{
		"lstm":                         {Name: "lstm", Inject: "pre"},
		"gru, par":                     {Name: "gru", ResetAfter: true, Inject: "par"},
		"gru reset before, learnt":     {Name: "gru", Inject: "merge", LearnState: true, Initializer: "normal", InitializerScale: 1, InitializerClip: 0.1},
		"lstm norm, two layers, init":  {Name: "lstm", LayerNorm: true, Layers: 2, Inject: "init", Initializer: "xavier_normal"},
		"gru norm, tied":               {Name: "gru", ResetAfter: true, LayerNorm: true, Inject: "pre", Tied: true, Embedding: 16},
		"lstm added, hidden, as keras": {Name: "lstm", Inject: "merge", Merge: "add", ImageActivation: "relu", Hidden: 12},
	} {
		if s.Units = 16; s.Embedding == 0 {
			s.Embedding = 8
		}
		t.Run(name, func(t *testing.T) { overfitsAndGenerates(t, decoderOf(t, s)) })
	}
}

func overfitsAndGenerates(t *testing.T, d model.Decoder) {
	s := settings()
	s.Epochs = 120
	tr := trainerOf(t, d, s, t.TempDir())
	data := set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 1})
	validation := set(t, batch.Options{Name: "validation", Size: 3})
	var last train.Epoch
	if err := tr.Run(t.Context(), data, validation, train.Events{Epoch: func(e train.Epoch) error { last = e; return nil }}); err != nil {
		t.Fatal(err)
	}
	if last.Validation.Loss() > 0.05 || last.Validation.Accuracy() != 1 {
		t.Fatalf("after %d epochs the loss is %v, the accuracy %v", last.Epoch, last.Validation.Loss(), last.Validation.Accuracy())
	}
	if want := float64(data.Tokens()); last.Validation.Tokens != want || last.Train.Tokens != want {
		t.Errorf("tokens counted: %v in validation, %v in training, want %v", last.Validation.Tokens, last.Train.Tokens, want)
	}
	hits := 0
	err := tr.Predict(t.Context(), validation, func(truth, predicted int32) {
		if truth == predicted {
			hits++
		}
	})
	if err != nil || float64(hits) != last.Validation.Correct {
		t.Errorf("%d predictions are right (error %v), the evaluation counted %v", hits, err, last.Validation.Correct)
	}
	each, err := tr.LogProbabilities(t.Context(), validation, func(int) {})
	sum := 0.0
	for _, p := range each {
		sum -= p
	}
	if err != nil || len(each) != len(captions) || math.Abs(sum-last.Validation.Nats) > 1e-4*sum {
		t.Errorf("the captions' log-probabilities %v (error %v) add up to %v nats, the evaluation has %v", each, err, sum, last.Validation.Nats)
	}
	generator, err := decode.New(acceltest.Devices(t), tr.Store(), d, decode.Settings{Method: "greedy", Batch: 3}, 5)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for n := range captions {
		rows = append(rows, features.Row(n))
	}
	got, err := generator.Generate(t.Context(), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for n, c := range got {
		if !equal(c.Tokens, captions[n].Tokens) {
			t.Errorf("picture %d: generated %v, want %v", n, c.Tokens, captions[n].Tokens)
		}
		total -= c.LogProbability
	}
	// The search's log-probabilities are the teacher-forced ones of the same captions.
	if math.Abs(total-last.Validation.Nats) > 1e-4*math.Max(1, total) {
		t.Errorf("generated captions have %v nats, teacher forcing gives %v", total, last.Validation.Nats)
	}
}

// TestRetrievalByBruteForce: captions ranked by likelihood in batches, every caption with every picture, find the pictures that
// scoring each pair alone and counting the more probable ones finds (the protocol of Tanti et al. 2018).
func TestRetrievalByBruteForce(t *testing.T) {
	s := settings()
	s.Epochs = 2 // not all right
	tr := newTrainer(t, s, 0, t.TempDir())
	data := set(t, batch.Options{Name: "train", Size: 2, Shuffle: true, Seed: 1})
	if err := tr.Run(t.Context(), data, set(t, batch.Options{Name: "validation", Size: 3}), train.Events{Epoch: func(train.Epoch) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	n := len(captions)
	var pairs []batch.Item
	for _, c := range captions {
		for picture := range n {
			pairs = append(pairs, batch.Item{Picture: picture, Tokens: c.Tokens})
		}
	}
	sets := func(items []batch.Item, size int) *batch.Set {
		b, err := batch.New(items, features, batch.Options{Name: "retrieval", Size: size, Time: 5})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	logs, err := tr.LogProbabilities(t.Context(), sets(pairs, 3), func(int) {})
	if err != nil || len(logs) != n*n {
		t.Fatalf("%d log-probabilities, error %v", len(logs), err)
	}
	places := score.Places(logs, n)
	for caption := range n {
		alone := make([]float64, n)
		for picture := range n {
			one, err := tr.Evaluate(t.Context(), sets(pairs[caption*n+picture:][:1], 1))
			if err != nil {
				t.Fatal(err)
			}
			alone[picture] = -one.Nats
			if got := logs[caption*n+picture]; math.Abs(got-alone[picture]) > 1e-4*math.Abs(got) {
				t.Errorf("caption %d of picture %d: %v nats in a batch, %v alone", caption, picture, got, alone[picture])
			}
		}
		rank := 1.0
		for picture := range n {
			if alone[picture] > alone[caption] {
				rank++
			}
		}
		if places[caption].Rank() != rank {
			t.Errorf("caption %d finds its picture at rank %v, by brute force %v", caption, places[caption].Rank(), rank)
		}
	}
	t.Logf("places %v", places)
}

func equal(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if a[n] != b[n] {
			return false
		}
	}
	return true
}

// TestPairsEqualSequences: the paper's literal pairs and teacher forcing over whole captions are the same loss
// and the same gradients.
func TestPairsEqualSequences(t *testing.T) {
	tr := newTrainer(t, settings(), 0, t.TempDir())
	sequences := set(t, batch.Options{Name: "sequences", Size: 4})
	pairs := set(t, batch.Options{Name: "pairs", Size: 15, Pairs: true})
	if pairs.Len() != sequences.Tokens() || pairs.PerEpoch() != 1 {
		t.Fatalf("%d pairs in %d batches, want one batch of %d", pairs.Len(), pairs.PerEpoch(), sequences.Tokens())
	}
	d := decoder(t, 0)
	exec := gomodel.MustNewExec(acceltest.Devices(t), tr.Store(), func(scope *gomodel.Scope, p []*Node) []*Node {
		loss := tr.Loss([]*Node{p[2], p[3]}, []*Node{d.Logits(scope, p[0], p[1])})
		return append([]*Node{loss}, scope.BuildTrainableVariablesGradientsGraph(loss)...)
	})
	run := func(s *batch.Set) [][]float32 {
		for b, err := range s.Epoch(0, 0).Iter() {
			if err != nil {
				t.Fatal(err)
			}
			var out [][]float32
			for _, o := range exec.MustCall(b.Inputs[0], b.Inputs[1], b.Labels[0], b.Labels[1]) {
				out = append(out, tensors.MustCopyFlatData[float32](o))
			}
			return out
		}
		return nil
	}
	got, want := run(pairs), run(sequences)
	if len(want) < 8 {
		t.Fatalf("%d outputs, want the loss and a gradient for each variable", len(want))
	}
	for n := range want {
		scale, worst := 0.0, 0.0
		for i := range want[n] {
			scale = math.Max(scale, math.Abs(float64(want[n][i])))
			worst = math.Max(worst, math.Abs(float64(want[n][i]-got[n][i])))
		}
		if scale == 0 || worst > 1e-4*scale {
			t.Errorf("output %d differs by %g of %g", n, worst, scale)
		}
	}
}

// TestResumeIsBitIdentical stops a run in the middle of an epoch and at its end, goes on in a new trainer, and wants every
// row and every variable, the optimiser's and the random state included, as the run that never stopped has them.
func TestResumeIsBitIdentical(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*train.Settings)
		stops  []int
	}{
		{"plain", func(*train.Settings) {}, []int{3, 4, 12}},
		{"average, plateau, gradients of three batches and then one", func(s *train.Settings) {
			s.Averaging, s.EMADecay, s.Schedule, s.ScheduleEpochs, s.Accumulate = "ema", 0.7, "plateau", 1, 3
		}, []int{2, 4, 8}},
		{"scheduled sampling, cosine, warm-up, momentum", func(s *train.Settings) {
			s.Sampling, s.SamplingConstant, s.Schedule, s.WarmupSteps = "linear", 0.1, "cosine", 3
			s.Optimizer, s.RMSPropDecay, s.Momentum, s.LabelSmoothing = "rmsprop", 0.9, 0.5, 0.1
		}, []int{5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings()
			test.change(&s)
			resumes(t, newTrainer, s, test.stops)
		})
	}
}

func resumes(t *testing.T, newTrainer func(*testing.T, train.Settings, float64, string) *train.Trainer, s train.Settings, stops []int) {
	data := func() *batch.Set { return set(t, batch.Options{Name: "train", Size: 1, Shuffle: true, Seed: 5}) }
	validation := func() *batch.Set { return set(t, batch.Options{Name: "validation", Size: 4}) }
	rows := func(into *[]train.Epoch) func(train.Epoch) error {
		return func(e train.Epoch) error {
			e.Seconds, e.Total = 0, 0
			*into = append(*into, e)
			return nil
		}
	}
	var want []train.Epoch
	whole := newTrainer(t, s, 0.5, t.TempDir())
	if err := whole.Run(t.Context(), data(), validation(), train.Events{Epoch: rows(&want)}); err != nil {
		t.Fatal(err)
	}
	for _, stop := range stops {
		dir := t.TempDir()
		var got []train.Epoch
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		first := newTrainer(t, s, 0.5, dir)
		err := first.Run(ctx, data(), validation(), train.Events{Epoch: rows(&got), Step: func(int, int, int, float64) {
			if steps++; steps == stop {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("stopped after step %d: got error %v, want ErrInterrupted", stop, err)
		}
		second := newTrainer(t, s, 0.5, dir)
		if found, _, step := second.Resumed(); !found || step != stop {
			t.Fatalf("stopped after step %d: resumed %v at step %d", stop, found, step)
		}
		if err := second.Run(t.Context(), data(), validation(), train.Events{Epoch: rows(&got)}); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("stopped after step %d: %d rows, want %d", stop, len(got), len(want))
		}
		for n := range want {
			if got[n] != want[n] {
				t.Errorf("stopped after step %d, epoch %d: %+v, want %+v", stop, n+1, got[n], want[n])
			}
		}
		compareStores(t, second.Store(), whole.Store())
		// What a longer training goes on from has all of it, too, where the run stopped after its last step and took none since.
		compareStores(t, newTrainer(t, s, 0.5, dir).Store(), whole.Store())
	}
}

func compareStores(t *testing.T, got, want *gomodel.Store) {
	t.Helper()
	compared := 0
	for v := range want.IterVariables() {
		if strings.HasPrefix(v.Path(), "/metrics/") || strings.HasPrefix(v.Path(), "/schedule/") || v.Name() == "train_last_global_step" || v.Name() == "learning_rate" {
			continue // GoMLX's own display, how far the loop was asked to go, and settings: no results
		}
		w := got.GetVariable(v.Path())
		if w == nil {
			t.Errorf("%s is missing", v.Path())
			continue
		}
		if !v.MustValue().Equal(w.MustValue()) {
			t.Errorf("%s differs", v.Path())
		}
		compared++
	}
	if compared < 20 { // weights, two moments each, steps, random state
		t.Errorf("only %d variables compared", compared)
	}
}

// TestLossThatIsNoNumber: it ends the training, in validation before the epoch is reported, with one sentence that advises
// what the settings leave to do.
func TestLossThatIsNoNumber(t *testing.T) {
	nan := float32(math.NaN())
	broken := func(size int) *batch.Set {
		s, err := batch.New(captions, batch.Features{Size: 4, Values: []float32{nan, 0, 0, 0, nan, 0, 0, 0, nan, 0, 0, 0, nan, 0, 0, 0}},
			batch.Options{Name: "broken", Size: size, Time: 5})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := settings()
	tr := newTrainer(t, s, 0, t.TempDir())
	events := train.Events{Epoch: func(e train.Epoch) error { t.Errorf("an epoch was reported: %+v", e); return nil }}
	err := tr.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 4}), broken(4), events)
	if want := "validation, epoch 1: the loss became NaN at step 1: lower training.learning_rate"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	s.ClipNorm = 0
	err = newTrainer(t, s, 0, t.TempDir()).Run(t.Context(), broken(4), set(t, batch.Options{Name: "validation", Size: 4}), events)
	if want := "training, epoch 1: the loss became NaN at step 1: lower training.learning_rate or set training.clip_norm"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPatienceStopsEarly(t *testing.T) {
	s := settings()
	s.Epochs, s.LearningRate, s.Patience = 50, 0, 2
	tr := newTrainer(t, s, 0, t.TempDir())
	n := 0
	err := tr.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 4}), set(t, batch.Options{Name: "validation", Size: 4}),
		train.Events{Epoch: func(train.Epoch) error { n++; return nil }})
	if err != nil || n != 3 || tr.BestEpoch() != 1 {
		t.Errorf("a model that learns nothing ran %d epochs, best %d, error %v; want 3 and 1", n, tr.BestEpoch(), err)
	}
}

// TestLoadBestRefusesADamagedMean: the best epoch's weights in place of the kept mean's would be other weights without a word.
func TestLoadBestRefusesADamagedMean(t *testing.T) {
	dir := t.TempDir()
	s := settings()
	s.Epochs = 1
	tr := newTrainer(t, s, 0, dir)
	if err := tr.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 4}), set(t, batch.Options{Name: "validation", Size: 4}), train.Events{}); err != nil {
		t.Fatal(err)
	}
	if err := tr.LoadBest(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mean"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := tr.LoadBest(); err == nil || !strings.Contains(err.Error(), "mean is empty") {
		t.Errorf("LoadBest with an empty mean: %v", err)
	}
}

func TestLoadBestTakesTheBestEpoch(t *testing.T) {
	s := settings()
	s.Epochs, s.LearningRate = 20, 0.1
	dir := t.TempDir()
	tr := newTrainer(t, s, 0.2, dir)
	// Each picture with another one's caption: the better the model learns, the worse it does here.
	var others []batch.Item
	for n := range captions {
		others = append(others, batch.Item{Picture: captions[n].Picture, Tokens: captions[(n+1)%len(captions)].Tokens})
	}
	validation, err := batch.New(others, features, batch.Options{Name: "validation", Size: 4, Time: 5})
	if err != nil {
		t.Fatal(err)
	}
	best, last := math.Inf(1), 0.
	var after []uint64 // the random state after the best epoch
	err = tr.Run(t.Context(), set(t, batch.Options{Name: "train", Size: 1}), validation,
		train.Events{Epoch: func(e train.Epoch) error {
			last = e.Validation.Loss()
			if last < best {
				best = last
				after, err = tr.RandomState()
			}
			return err
		}})
	if err != nil {
		t.Fatal(err)
	}
	if last == best {
		t.Fatalf("the last epoch is the best, with a loss of %v: nothing to tell apart", best)
	}
	// A trainer that finds the finished training, as a run resumed after it does, has the last epoch's weights at first.
	trainers := map[string]*train.Trainer{"the same trainer": tr, "a new trainer": newTrainer(t, s, 0.2, dir)}
	for _, tr := range trainers {
		if err := tr.LoadBest(); err != nil {
			t.Fatal(err)
		}
	}
	// One of the best alone doesn't look at the last checkpoint.
	if err := os.WriteFile(filepath.Join(dir, "last"), []byte("step-00000099-epoch-0099\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if trainers["the best alone"], err = train.NewBest(acceltest.Devices(t), decoder(t, 0.2), s, dir); err != nil {
		t.Fatal(err)
	}
	for name, tr := range trainers {
		if random, err := tr.RandomState(); err != nil || !slices.Equal(random, after) {
			t.Errorf("%s: the random state is %v, after the best epoch it was %v, error %v", name, random, after, err)
		}
		score, err := tr.Evaluate(t.Context(), validation)
		if err != nil || score.Loss() != best {
			t.Errorf("%s: the best epoch's weights score %v, the best epoch had %v, error %v", name, score.Loss(), best, err)
		}
	}
	if _, err := train.NewBest(acceltest.Devices(t), decoder(t, 0.2), s, t.TempDir()); err == nil {
		t.Error("no error without a best epoch")
	}
}
