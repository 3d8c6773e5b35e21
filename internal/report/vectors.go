package report

import "fmt"

// WordVectors are the pretrained vectors that a run's token embedding started with.
type WordVectors struct {
	Format              string
	Words, Dimensions   int     // of the file
	Covered, LowerCased int     // tokens that have a vector, and those of them by their lower case alone
	Vocabulary, Running float64 // shares with a vector: of the vocabulary, and of the training captions' tokens
	Trainable           bool
}

// note describes them in the section of the model.
func (w *WordVectors) note() string {
	if w == nil {
		return ""
	}
	state := "frozen; tokens without one were trained"
	if w.Trainable {
		state = "trained on"
	}
	note := fmt.Sprintf(" The token embedding started with word vectors (%s, %s words of %d values), %s: %s tokens have one, %s of the vocabulary and %s of the training captions' tokens.",
		w.Format, comma(w.Words), w.Dimensions, state, comma(w.Covered), percent(w.Vocabulary), percent(w.Running))
	if w.LowerCased > 0 {
		note += fmt.Sprintf(" %s of them took that of their lower case.", comma(w.LowerCased))
	}
	return note
}
