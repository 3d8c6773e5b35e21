package config

// checkBidirectional refuses what a decoder that reads captions both ways can't be trained with, and generation that needs one.
func (l *loader) checkBidirectional() {
	if l.config.Decoder.Bidirectional {
		l.refuseAll(l.config.Training.CheckBidirectional())
		return
	}
	if way := l.config.Decoding.Direction; way != "forward" {
		l.refuse([]string{"decoding.direction", "decoder.bidirectional"}, "decoding.direction = %q needs a decoder with a backward direction; expected decoder.bidirectional = true", way)
	}
}
