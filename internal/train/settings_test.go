package train

import "testing"

func TestExtends(t *testing.T) {
	shorter := Settings{Epochs: 5, Batch: 50, LearningRate: 0.001, Seed: 1, CheckpointMinutes: 5}
	for _, test := range []struct {
		reason string
		change func(*Settings)
		want   bool
	}{
		{"more epochs", func(s *Settings) { s.Epochs = 6 }, true},
		{"checkpoints at other times change nothing", func(s *Settings) { s.Epochs, s.CheckpointMinutes = 6, 0 }, true},
		{"the same training has nothing left to do", func(*Settings) {}, true},
		{"fewer epochs: the weights of that epoch are gone", func(s *Settings) { s.Epochs = 4 }, false},
		{"another seed", func(s *Settings) { s.Epochs, s.Seed = 6, 2 }, false},
		{"a mean of other epochs", func(s *Settings) { s.Epochs, s.AverageLast = 6, 2 }, false},
		{"another learning rate", func(s *Settings) { s.Epochs, s.LearningRate = 6, 0.002 }, false},
	} {
		longer := shorter
		test.change(&longer)
		if got := longer.Extends(shorter); got != test.want {
			t.Errorf("%s: %v, want %v", test.reason, got, test.want)
		}
	}
}

// TestExtendsWithoutSelfCriticalTraining: more epochs of cross-entropy don't follow self-critical ones.
func TestExtendsWithoutSelfCriticalTraining(t *testing.T) {
	s := Settings{Epochs: 5, SCSTEpochs: 2}
	longer := s
	longer.Epochs = 10
	if longer.Extends(s) || !s.Extends(s) {
		t.Error("cross-entropy went on after self-critical training, or the same training isn't the same")
	}
}

// TestExtendsWithSchedule: the cosine falls over all epochs, so that each epoch of a longer training is another one.
func TestExtendsWithSchedule(t *testing.T) {
	for schedule, want := range map[string]bool{"constant": true, "step": true, "plateau": true, "cosine": false} {
		s := Settings{Epochs: 5, Schedule: schedule, ScheduleEpochs: 2, ScheduleFactor: 0.5, LearningRate: 0.1}
		longer := s
		longer.Epochs = 10
		if got := longer.Extends(s); got != want {
			t.Errorf("%s: %v, want %v", schedule, got, want)
		}
		rate := func(s Settings) float64 { return s.learningRate(moment{epoch: 3, update: 30, total: 10 * s.Epochs}) }
		if same := rate(longer) == rate(s); same != want {
			t.Errorf("%s: the rates of the same epoch of both are equal: %v", schedule, same)
		}
	}
}

func TestCheck(t *testing.T) {
	right := Settings{LearningRate: 0.1, ScheduleFactor: 0.5, Schedule: "step", Sampling: "inverse_sigmoid", SamplingConstant: 100, Examples: "sequences"}
	if err := right.Check().Err(); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		key    string
		change func(*Settings)
	}{
		{"learning_rate", func(s *Settings) { s.LearningRate = 0 }},
		{"schedule_factor", func(s *Settings) { s.ScheduleFactor = 0 }},
		{"min_learning_rate", func(s *Settings) { s.MinLearningRate = 1 }},
		{"sampling_constant", func(s *Settings) { s.SamplingConstant = 0.5 }},
		{"sampling_constant", func(s *Settings) { s.Sampling, s.SamplingConstant = "exponential", 1 }},
		{"sampling_constant", func(s *Settings) { s.Sampling, s.SamplingConstant = "linear", 0 }},
		{"scheduled_sampling", func(s *Settings) { s.Examples = "pairs" }},
		{"scst_epochs", func(s *Settings) { s.SCSTEpochs, s.SCSTLearningRate, s.Select = 5, 0.1, "loss" }},
		{"average_last", func(s *Settings) { s.Epochs, s.AverageLast = 4, 5 }},
		{"average_last", func(s *Settings) { s.Epochs, s.AverageLast, s.Averaging = 4, 2, "ema" }},
		{"average_last", func(s *Settings) {
			s.Epochs, s.AverageLast, s.SCSTEpochs, s.SCSTLearningRate, s.Select = 4, 3, 2, 0.1, "cider_d"
		}},
		{"padding", func(s *Settings) { s.Sampling, s.Examples, s.Padding = "none", "pairs", "counted" }},
		{"beta1", func(s *Settings) { s.Optimizer, s.Epsilon, s.Beta2 = "adamw", 1e-8, 1 }},
		{"rmsprop_decay", func(s *Settings) { s.Optimizer, s.Epsilon, s.RMSPropDecay = "rmsprop", 1e-8, 1 }},
		{"momentum", func(s *Settings) { s.Optimizer, s.Momentum = "sgd", 1 }},
		{"epsilon", func(s *Settings) { s.Optimizer = "adam" }},
		{"ema_decay", func(s *Settings) { s.Averaging, s.EMADecay = "ema", 1 }},
		{"schedule_factor", func(s *Settings) { s.ScheduleFactor = 1 }},
		{"sampling_floor", func(s *Settings) { s.SamplingFloor = 1 }},
		{"scst_learning_rate", func(s *Settings) { s.SCSTEpochs, s.Select = 5, "cider_d" }},
	} {
		s := right
		test.change(&s)
		if p := s.Check(); len(p) != 1 || p[0].Keys[0] != "training."+test.key {
			t.Errorf("%s: %v", test.key, p)
		}
	}
	s := right // every fault is named
	s.LearningRate, s.SamplingConstant, s.AverageLast = 0, 0.5, s.Epochs+1
	if p := s.Check(); len(p) != 3 {
		t.Errorf("three faults: %v", p)
	}
}
