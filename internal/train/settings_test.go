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
		{"the same epochs are the same run", func(*Settings) {}, false},
		{"fewer epochs: the weights of that epoch are gone", func(s *Settings) { s.Epochs = 4 }, false},
		{"another seed", func(s *Settings) { s.Epochs, s.Seed = 6, 2 }, false},
		{"another learning rate", func(s *Settings) { s.Epochs, s.LearningRate = 6, 0.002 }, false},
	} {
		longer := shorter
		test.change(&longer)
		if got := longer.Extends(shorter); got != test.want {
			t.Errorf("%s: %v, want %v", test.reason, got, test.want)
		}
	}
}
