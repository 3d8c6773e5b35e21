package experiments

import (
	"math"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/score"
)

// watchCollapse looks whether the validation captions are a few that the model always says, copies, or loops. They are
// held against the first person's captions of the same pictures, cleaned as the model saw them.
func (e *experiment) watchCollapse(captions []string) error {
	training := score.NewTraining(e.texts(dataset.Train))
	var said []string
	for _, at := range e.data.Splits[dataset.Validation] {
		said = append(said, e.data.Examples[at].Captions[0].Text)
	}
	model, people := training.Diversity(captions), training.Diversity(said)
	e.collapse = &report.Collapse{Model: model, People: people, Warnings: score.Collapsed(model, people)}
	for _, w := range e.collapse.Warnings {
		e.say("warning: %s", w)
	}
	ratio := math.NaN()
	if people.Words > 0 {
		ratio = model.Words / people.Words
	}
	return e.figures(map[string]float64{
		"validation_distinct_captions": float64(model.Distinct), "validation_distinct_captions_share": model.DistinctShare(),
		"validation_vocabulary_used_share": model.Vocabulary, "validation_copied_captions_share": model.Copied,
		"validation_repeated_trigrams_share": model.Repeating,
		"validation_words_per_caption":       model.Words, "validation_length_ratio": ratio,
	})
}
