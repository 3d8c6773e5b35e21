package train

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// reference is what PyTorch computes; testdata/reference.py wrote it.
type reference struct {
	Start      [][]float32
	Gradients  [][][]float32
	Optimizers map[string][][]float64
	Schedules  map[string][]float64
	Smoothing  struct {
		Logits   []float32
		Targets  []int32
		Weights  []float32
		Loss     float64
		Gradient []float64
	}
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func close(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestOptimizersAgainstPyTorch: the weights after each of eight steps of given gradients.
func TestOptimizersAgainstPyTorch(t *testing.T) {
	r := readReference(t)
	adam := Settings{Optimizer: "adam", LearningRate: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	rms := Settings{Optimizer: "rmsprop", LearningRate: 0.01, RMSPropDecay: 0.9, Epsilon: 1e-4}
	sgd := Settings{Optimizer: "sgd", LearningRate: 0.1}
	with := func(s Settings, change func(*Settings)) Settings { change(&s); return s }
	adamW := with(adam, func(s *Settings) { s.Optimizer, s.WeightDecay = "adamw", 0.05 })
	for name, s := range map[string]Settings{
		"adam":                        with(adam, func(s *Settings) { s.Beta1, s.Beta2, s.Epsilon = 0.8, 0.95, 1e-3 }),
		"adam_l2":                     with(adam, func(s *Settings) { s.L2, s.WeightDecay = 0.05, 0.3 }), // the decay is adamw's alone
		"adam_clip_norm":              with(adam, func(s *Settings) { s.ClipNorm = 0.5 }),
		"adamw":                       adamW,
		"adamw_rates":                 adamW,
		"rmsprop":                     rms,
		"rmsprop_momentum_clip_value": with(rms, func(s *Settings) { s.Momentum, s.ClipValue = 0.7, 0.3 }),
		"sgd":                         sgd,
		"sgd_momentum_l2":             with(sgd, func(s *Settings) { s.Momentum, s.L2 = 0.9, 0.05 }),
		"sgd_momentum_clip_norm":      with(sgd, func(s *Settings) { s.Momentum, s.ClipNorm = 0.9, 0.5 }),
		"sgd_clip_both":               with(sgd, func(s *Settings) { s.ClipNorm, s.ClipValue = 0.5, 0.3 }),
		"sgd_ema":                     with(sgd, func(s *Settings) { s.Averaging, s.EMADecay = "ema", 0.8 }),
	} {
		want, ok := r.Optimizers[name]
		if !ok || len(want) != len(r.Gradients) {
			t.Fatalf("%s: no reference", name)
		}
		var rates []float64
		if name == "adamw_rates" {
			rates = []float64{0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.01, 0.01}
		}
		got := steps(t, s, r, rates)
		for step := range want {
			for n := range want[step] {
				close(t, name, got[step][n], want[step][n], 2e-6)
			}
		}
	}
}

// steps are the weights, or their averages, after each step.
func steps(t *testing.T, s Settings, r reference, rates []float64) (all [][]float64) {
	t.Helper()
	opt, err := newOptimizer(s)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Trainer{settings: s, backend: acceltest.Devices(t), store: gomodel.NewStore(), scalars: map[string]float64{}}
	shape := []shapes.Shape{shapes.Make(dtypes.Float32, 2, 3), shapes.Make(dtypes.Float32, 4)}
	names := []string{"a", "b"}
	for n := range names {
		value := tensors.FromFlatDataAndDimensions(append([]float32{}, r.Start[n]...), shape[n].Dimensions...)
		if _, err := tr.store.CreateVariable("/"+names[n], value); err != nil {
			t.Fatal(err)
		}
	}
	exec := gomodel.MustNewExec(tr.backend, tr.store, func(scope *gomodel.Scope, a, b *Node) *Node {
		loss := ScalarZero(a.Graph(), dtypes.Float32)
		for n, gradient := range []*Node{a, b} { // of a linear loss
			w := scope.VariableWithShape(names[n], shape[n]).NodeValue(a.Graph())
			loss = Add(loss, ReduceAllSum(Mul(w, gradient)))
		}
		opt.UpdateGraph(scope, a.Graph(), loss)
		return loss
	})
	for step, gradients := range r.Gradients {
		rate := s.LearningRate
		if rates != nil {
			rate = rates[step]
		}
		if err := tr.setScalar("/"+optimizer.Scope, optimizer.ParamLearningRate, rate); err != nil {
			t.Fatal(err)
		}
		exec.MustCall(
			tensors.FromFlatDataAndDimensions(append([]float32{}, gradients[0]...), shape[0].Dimensions...),
			tensors.FromFlatDataAndDimensions(append([]float32{}, gradients[1]...), shape[1].Dimensions...))
		var row []float64
		err := tr.withAverage(func() error {
			for _, name := range names {
				for _, x := range tensors.MustCopyFlatData[float32](tr.store.GetVariable("/" + name).MustValue()) {
					row = append(row, float64(x))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// TestSchedulesAgainstPyTorch: five updates an epoch, six epochs.
func TestSchedulesAgainstPyTorch(t *testing.T) {
	r := readReference(t)
	for name, s := range map[string]Settings{
		"step":            {Schedule: "step", ScheduleEpochs: 2, ScheduleFactor: 0.3},
		"step_warmup":     {Schedule: "step", ScheduleEpochs: 2, ScheduleFactor: 0.3, WarmupSteps: 4},
		"constant_warmup": {Schedule: "constant", WarmupSteps: 4},
		"cosine":          {Schedule: "cosine", MinLearningRate: 0.05},
		"cosine_warmup":   {Schedule: "cosine", MinLearningRate: 0.05, WarmupSteps: 4},
	} {
		s.LearningRate = 0.4
		want := r.Schedules[name]
		if len(want) != 30 {
			t.Fatalf("%s: no reference", name)
		}
		for n := range want {
			close(t, name, s.learningRate(moment{epoch: n / 5, update: n, total: 30}), want[n], 1e-7)
		}
	}
	s := Settings{LearningRate: 0.4, Schedule: "plateau", ScheduleEpochs: 2, ScheduleFactor: 0.3, MinLearningRate: 0.002}
	var p plateau
	for epoch, loss := range r.Schedules["plateau_losses"] {
		close(t, "plateau", s.learningRate(moment{epoch: epoch, reductions: p.Reductions}), r.Schedules["plateau"][epoch], 1e-7)
		p = p.after(loss, s.ScheduleEpochs)
	}
}

// TestSmoothedLossAgainstPyTorch: the mean over tokens that count, and its gradient.
func TestSmoothedLossAgainstPyTorch(t *testing.T) {
	want := readReference(t).Smoothing
	tr := &Trainer{settings: Settings{LabelSmoothing: 0.15}}
	exec := MustNewExec(acceltest.Devices(t), func(logits, targets, weights *Node) (*Node, *Node) {
		loss := tr.Loss([]*Node{targets, weights}, []*Node{logits})
		return loss, Gradient(loss, logits)[0]
	})
	out := exec.MustCall(
		tensors.FromFlatDataAndDimensions(want.Logits, 3, 2, 5),
		tensors.FromFlatDataAndDimensions(want.Targets, 2, 3), tensors.FromFlatDataAndDimensions(want.Weights, 2, 3))
	close(t, "loss", scalar(out[0]), want.Loss, 1e-6)
	for n, x := range tensors.MustCopyFlatData[float32](out[1]) {
		close(t, "gradient", float64(x), want.Gradient[n], 1e-6)
	}
}

// TestScheduledSamplingProbabilities are Bengio et al.'s formulas (2015, section 2.4), computed by hand.
func TestScheduledSamplingProbabilities(t *testing.T) {
	for _, test := range []struct {
		kind         string
		constant     float64
		update       int
		floor, truth float64
	}{
		{"none", 0, 1000, 0, 1},
		{"linear", 0.01, 0, 0, 1},
		{"linear", 0.01, 30, 0, 0.7},
		{"linear", 0.01, 500, 0.25, 0.25},
		{"exponential", 0.9, 2, 0, 0.81},
		{"inverse_sigmoid", 10, 0, 0, 10. / 11},
		{"inverse_sigmoid", 10, 23, 0, 0.5006463}, // e^2.3 = 9.9741825
	} {
		s := Settings{Sampling: test.kind, SamplingConstant: test.constant, SamplingFloor: test.floor}
		close(t, test.kind, s.truth(moment{update: test.update}), test.truth, 1e-6)
	}
}

// TestDrawFollowsTheProbabilities draws many tokens from one distribution.
func TestDrawFollowsTheProbabilities(t *testing.T) {
	const draws = 20000
	probabilities := []float64{0.5, 0.25, 0.15, 0.1}
	store := gomodel.NewStore()
	if err := store.SetRNGStateFromSeed(3); err != nil {
		t.Fatal(err)
	}
	exec := gomodel.MustNewExec(acceltest.Devices(t), store, func(scope *gomodel.Scope, logs *Node) *Node {
		logits := BroadcastToDims(logs, draws, len(probabilities))
		return draw(logits, scope.RandomUniform(logs.Graph(), logits.Shape()))
	})
	var logs []float32
	for _, p := range probabilities {
		logs = append(logs, float32(math.Log(p))+5) // logits need no norm
	}
	counts := make([]float64, len(probabilities))
	for _, id := range tensors.MustCopyFlatData[int32](exec.MustCall([][]float32{logs})[0]) {
		counts[id]++
	}
	for n, p := range probabilities {
		if sigma := math.Sqrt(p * (1 - p) / draws); math.Abs(counts[n]/draws-p) > 5*sigma {
			t.Errorf("token %d was drawn in %v of %d draws, its probability is %v", n, counts[n]/draws, draws, p)
		}
	}
}
