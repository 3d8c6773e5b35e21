package experiments

import (
	"context"
	"fmt"
	"strings"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
)

// report draws the plots and writes report.md and report.html.
func (e *experiment) report(context.Context) error {
	layers, err := summaryRows(e.encoder, e.decoder)
	if err != nil {
		return err
	}
	d := report.Data{
		Controls: e.controls, Confusions: e.confusions, Retrieval: e.retrieval, RetrievalBoth: e.bothWays, Systems: e.systems, NoMETEOR: e.noMETEOR, Emoji: e.emoji,
		Collapse: e.collapse, Accuracies: e.accuracies, CaptionedSplit: dataset.Validation,
		ProblemTotal: len(e.data.Problems), Vocabulary: e.tokenizer.Size(), Tokenizer: e.tokenizer.Kind(), Lossless: e.tokenizer.Lossless(), Tokens: e.tokens,
		Layers: layers, WordVectors: e.wordVectors, FeatureSeconds: e.features.Seconds,
	}
	if e.features.Seconds > 0 {
		d.ImagesPerSecond = float64(e.features.Computed) / e.features.Seconds
	}
	if floor, ok := e.floor(dataset.Validation); ok && !e.config.Training.CountsPadding() { // else the losses are over padding, too, which the floor is not
		perToken := floor * float64(e.characters(dataset.Validation)) / float64(e.countTokens(dataset.Validation))
		d.Floor = &report.Floor{NatsPerToken: perToken, NatsPerCharacter: floor}
	}
	for _, row := range e.data.Summary() {
		d.Splits = append(d.Splits, report.SplitRow{Name: row.Split, Images: row.Images, Captions: row.Captions, MeanCharacters: row.MeanLength})
	}
	for _, p := range e.data.Problems[:min(len(e.data.Problems), problemsShown)] {
		d.Problems = append(d.Problems, p.String())
	}
	for _, c := range e.data.Cleaning.Counts() {
		d.Cleaning = append(d.Cleaning, report.NamedCount{Name: c.Name, Count: c.Count})
	}
	d.Gallery, d.Attention, d.Members = e.gallery(), e.attention, len(e.config.Ensemble.Runs)
	return report.Write(e.folder, d)
}

// floor is the entropy of a split's captions given their pictures, in nats a character, where it is known and the tokens keep the
// whole text: what a tokenizer leaves out no model has to say.
func (e *experiment) floor(split string) (natsPerCharacter float64, ok bool) {
	floor, ok := e.data.Floor[split]
	return floor.NatsPerCharacter, ok && e.tokenizer.Lossless()
}

// countTokens counts the tokens of a split's captions, the end tokens included.
func (e *experiment) countTokens(split string) int {
	tokens := 0
	for text := range e.texts(split) {
		tokens += len(e.tokenizer.Encode(text)) + 1
	}
	return max(tokens, 1)
}

// gallery takes pictures from the captioned splits in turn, evenly spread over each split.
func (e *experiment) gallery() []report.Picture {
	var pictures []report.Picture
	var splits []string
	for _, split := range e.config.Decoding.Splits {
		if len(e.captions[split]) > 0 {
			splits = append(splits, split)
		}
	}
	for n, split := range splits {
		all := e.captions[split]
		share := e.config.Evaluation.Gallery / len(splits)
		if n < e.config.Evaluation.Gallery%len(splits) {
			share++
		}
		share = min(share, len(all))
		for k := range share {
			p := all[k*len(all)/share]
			pictures = append(pictures, report.Picture{ID: p.ImageID, Path: p.Path, Split: p.Split, References: p.References, Generated: p.Caption})
		}
	}
	return pictures
}

// shape writes an output shape as Keras' summary does, (None, None, 256): the batch, and time, are open.
func shape(dims []int) string {
	parts := []string{"None"}
	for _, d := range dims {
		if d == 0 {
			parts = append(parts, "None")
			continue
		}
		parts = append(parts, fmt.Sprint(d))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
