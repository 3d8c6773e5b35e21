package train

// Settings is the [training] section.
type Settings struct {
	Epochs            int     `toml:"epochs" default:"20" min:"1" max:"100000" doc:"passes over the training split"`
	Batch             int     `toml:"batch" default:"50" min:"1" max:"65536" doc:"captions a step (pairs a step when training.examples is pairs)"`
	Examples          string  `toml:"examples" default:"sequences" oneof:"sequences pairs" doc:"sequences: teacher forcing over whole captions; pairs: the paper's literal form, image + first n characters -> character n+1"`
	Optimizer         string  `toml:"optimizer" default:"adam" oneof:"adam adamw rmsprop sgd" doc:"optimiser"`
	LearningRate      float64 `toml:"learning_rate" default:"0.001" min:"0" max:"100" doc:"learning rate"`
	ClipNorm          float64 `toml:"clip_norm" default:"5.0" min:"0" doc:"gradients are scaled so that their global L2 norm is at most this (0: no clipping)"`
	Padding           string  `toml:"padding" default:"masked" oneof:"masked counted" doc:"whether padding is left out of loss and accuracy (correct) or counted (common in student code, inflates accuracy)"`
	Seed              int64   `toml:"seed" default:"1" min:"1" doc:"seed of initial weights, dropout and shuffling"`
	Patience          int     `toml:"patience" default:"0" min:"0" doc:"stop after this many epochs without a lower validation loss (0: never)"`
	Bucket            bool    `toml:"bucket_by_length" default:"false" doc:"batches of captions of similar length, padded to their own longest: less work, but other batches than without"`
	CheckpointMinutes float64 `toml:"checkpoint_minutes" default:"5" min:"0" doc:"besides every epoch's end, write a checkpoint after this many minutes within an epoch (0: never)"`
}

// Extends reports whether training by s goes on where training by shorter ended, as if it had never stopped there: it
// has more epochs, and all that decides an epoch is the same. No epoch depends on how many follow, since the learning
// rate is constant; a schedule over all epochs would have to be excluded here. Patience looks back alone.
func (s Settings) Extends(shorter Settings) bool {
	if s.Epochs <= shorter.Epochs {
		return false
	}
	shorter.Epochs, shorter.CheckpointMinutes = s.Epochs, s.CheckpointMinutes
	return s == shorter
}
