package config

import "github.com/captionlab/captionlab/internal/encoder"

// checkAttention wants a grid for a decoder that looks at one.
func (l *loader) checkAttention() {
	d := l.config.Decoder
	if d.Name != "attention" {
		return
	}
	e, err := encoder.New(l.config.Encoder)
	if err != nil {
		return // checkEncoder says so
	}
	if height, width := e.Grid(); height*width < 2 {
		s := l.config.Encoder
		l.refuse([]string{"encoder.pooling", "encoder.layer", "encoder.name", "decoder.name"}, "decoder.name = \"attention\" chooses among locations, and %s of %s with pooling %q is one vector; "+
			"expected a layer with height and width and encoder.pooling = \"none\", as block5_conv3 of vgg16", s.Layer, s.Name, s.Pooling)
	}
	if d.AttentionPenalty > 0 && l.config.Training.Examples == "pairs" {
		l.refuse([]string{"decoder.attention_penalty", "training.examples", "decoder.name"}, "the penalty is on what a whole caption saw, and a pair is a part of one; "+
			"expected training.examples = \"sequences\" or decoder.attention_penalty = 0")
	}
}
