package config

import "github.com/captionlab/captionlab/internal/encoder"

// checkTrained refuses to say how the encoder's layers are trained where none is.
func (l *loader) checkTrained() {
	e, err := encoder.New(l.config.Encoder)
	if err != nil || e.Trains() {
		return // checkEncoder says what is wrong
	}
	for _, k := range []struct {
		key   string
		given bool
	}{
		{"training.encoder_learning_rate", l.config.Training.EncoderLearningRate != 0},
		{"training.encoder_from_epoch", l.config.Training.EncoderFromEpoch > 1},
	} {
		if k.given {
			l.refuse([]string{k.key}, "no layer of the encoder is trained; expected encoder.train_from to name the first one, or encoder.name = \"cnn\"")
		}
	}
}
