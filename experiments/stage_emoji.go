package experiments

import (
	"context"
	"strings"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/score"
)

// measureEmoji compares the emoji of the validation captions with those of their references, where these have some.
func (e *experiment) measureEmoji(context.Context) error {
	predictions := e.captions[dataset.Validation]
	if len(predictions) == 0 {
		return nil
	}
	images := make([]score.Image, len(predictions))
	for n, at := range e.data.Splits[dataset.Validation] {
		images[n] = score.Image{ID: predictions[n].ImageID, Candidate: predictions[n].Caption, References: e.scoredReferences(at)}
	}
	emoji := score.MeasureEmoji(images)
	if emoji.References.Emoji == 0 {
		return nil
	}
	var cleaning score.EmojiCleaning
	for _, split := range e.splits {
		for _, at := range e.data.Splits[split] {
			for _, c := range e.data.Examples[at].Captions {
				cleaning.Add(strings.ToValidUTF8(c.Raw, "\uFFFD"), c.Text)
			}
		}
	}
	e.emoji = &report.Emoji{Scores: emoji, Cleaning: cleaning, Split: dataset.Validation, References: e.config.Evaluation.References}
	best := emoji.Best
	e.say("emoji, validation: in %.1f %% of the captions and %.1f %% of the references; precision %.4f, recall %.4f, F1 %.4f against the best reference; %d broken",
		100*emoji.Generated.Coverage(), 100*emoji.References.Coverage(), best.Micro.Precision, best.Micro.Recall, best.Micro.F1, emoji.Generated.Fragments())
	figures := map[string]float64{
		"validation_emoji_coverage": emoji.Generated.Coverage(), "validation_emoji_reference_coverage": emoji.References.Coverage(),
		"validation_emoji_micro_precision": best.Micro.Precision, "validation_emoji_micro_recall": best.Micro.Recall, "validation_emoji_micro_f1": best.Micro.F1,
		"validation_emoji_macro_precision": best.Macro.Precision, "validation_emoji_macro_recall": best.Macro.Recall, "validation_emoji_macro_f1": best.Macro.F1,
		"validation_emoji_broken": float64(emoji.Generated.Fragments()), "emoji_kept_by_cleaning": cleaning.Share(),
	}
	if d := emoji.Divergence; d != nil {
		figures["validation_emoji_divergence_bits"] = *d
	}
	err := e.folder.WriteJSON("scores/emoji.json", struct {
		Split      string `json:"split"`
		References string `json:"reference_captions"` // raw or cleaned
		*score.Emoji
		Cleaning score.EmojiCleaning `json:"cleaning"`
	}{dataset.Validation, e.config.Evaluation.References, emoji, cleaning})
	if err != nil {
		return err
	}
	return e.figures(figures)
}
