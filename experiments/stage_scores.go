package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/token"
)

// endLabel is the end token's name in confusion matrices.
const endLabel = "<end>" // "end" may be a word

// score fills the confusion matrices of the validation split: teacher-forced, and free-running where it was captioned.
func (e *experiment) score(ctx context.Context) error {
	data, err := e.batches(dataset.Validation)
	if err != nil {
		return err
	}
	frequent := e.frequentTokens()
	tokens, classes, tally := score.NewConfusion(frequent), score.NewConfusion(e.classes()), score.NewTally()
	err = e.trainer.Predict(ctx, data, func(truth, predicted int32) {
		if truth == token.Pad { // training.padding = "counted" counts it in the loss; an accuracy of tokens does not
			return
		}
		tokens.Add(e.label(truth), e.label(predicted))
		classes.Add(e.class(truth), e.class(predicted))
		tally.Add(e.label(truth), e.label(predicted))
	})
	if err != nil {
		return err
	}
	const forced = "Teacher-forced, validation split. "
	err = errors.Join(
		e.accuracy("teacher-forced", "each token from the true ones before it", "validation_teacher_forced", tally),
		e.confusion("Classes of tokens, teacher-forced", "confusion_classes_teacher_forced", forced+rightClass, classes),
		e.confusion("Most frequent tokens, teacher-forced", "confusion_tokens_teacher_forced", forced+rightOther, tokens))
	if captions := e.captions[dataset.Validation]; err == nil && len(captions) > 0 {
		err = e.freeRunning(captions, frequent)
	}
	return err
}

// What the diagonals of the matrices count.
const (
	rightClass = "The diagonal is the right class, which is less than the right token."
	rightOther = `"` + score.Other + `" holds all tokens but the most frequent ones: there, the diagonal is less than the right token.`
)

// accuracy keeps a tally for the report, and its figures.
func (e *experiment) accuracy(mode, meaning, figure string, t *score.Tally) error {
	e.accuracies = append(e.accuracies, report.Accuracy{Mode: mode, Meaning: meaning, Correct: t.Correct, Total: t.Total, Macro: t.Macro()})
	return e.figures(map[string]float64{figure + "_micro_accuracy": t.Micro(), figure + "_macro_accuracy": t.Macro()})
}

// label is a token's name in confusion matrices; words that are names of other rows stand in quotes.
func (e *experiment) label(id int32) string {
	if id == token.End {
		return endLabel
	}
	switch text := e.tokenizer.Token(id); text {
	case endLabel, score.Other, score.Nothing:
		return strconv.Quote(text)
	default:
		return text
	}
}

// class is a token's class: that of its text, or score.Bytes where it is part of a character, so that it can't be
// decoded alone. What is unknown has no class.
func (e *experiment) class(id int32) string {
	text := e.tokenizer.Token(id)
	switch {
	case id == token.Unknown:
		return score.Other
	case id > token.Unknown && e.tokenizer.Decode([]int32{id}) != text:
		return score.Bytes
	}
	codePoints := e.config.Text.Tokenizer == "char" && e.config.Text.Unit == "codepoint"
	return score.Class(text, id == token.End, codePoints)
}

// classes are the classes of this tokenizer's tokens.
func (e *experiment) classes() []string {
	for id := token.Unknown + 1; int(id) < e.tokenizer.Size(); id++ {
		if e.class(id) == score.Bytes {
			return slices.Insert(slices.Clone(score.Classes), len(score.Classes)-2, score.Bytes) // before the end and the others
		}
	}
	return score.Classes
}

// frequentTokens are the labels of the matrix of tokens: the end, the most frequent tokens of the validation captions,
// and one for all others.
func (e *experiment) frequentTokens() []string {
	count := map[string]int{}
	for text := range e.texts(dataset.Validation) {
		count[endLabel]++
		for _, id := range e.tokenizer.Encode(text) {
			count[e.label(id)]++
		}
	}
	var labels []string
	for label := range count {
		labels = append(labels, label)
	}
	slices.SortFunc(labels, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	return append(labels[:min(len(labels), e.config.Evaluation.Confusion)], score.Other)
}

// freeRunning counts what stands where in generated captions, aligned with references.
func (e *experiment) freeRunning(captions []runfolder.Prediction, frequent []string) error {
	var generated []string
	var references [][]string
	for n, at := range e.data.Splits[dataset.Validation] {
		generated = append(generated, captions[n].Caption)
		var texts []string
		for _, reference := range e.data.Examples[at].Captions {
			texts = append(texts, reference.Text)
		}
		references = append(references, texts)
	}
	tokens, classes, tally := e.aligned(generated, references, frequent)
	const free = "Free-running, validation split, against the nearest reference; " + score.Nothing + " stands for a token too many or too few. "
	return errors.Join(
		e.accuracy("free-running, aligned", "the model's own captions, each aligned with its nearest reference by edit distance", "validation_free_running_aligned", tally),
		e.confusion("Classes of tokens, free-running", "confusion_classes_free_running", free+rightClass, classes),
		e.confusion("Most frequent tokens, free-running", "confusion_tokens_free_running", free+rightOther, tokens))
}

// aligned aligns each caption with its nearest reference by edit distance, and counts tokens and their classes. Ends are
// left out: every caption has one.
func (e *experiment) aligned(captions []string, references [][]string, frequent []string) (tokens, classes *score.Confusion, tally *score.Tally) {
	tokens = score.NewConfusion(append(slices.Clone(frequent), score.Nothing))
	classes, tally = score.NewConfusion(append(slices.Clone(e.classes()), score.Nothing)), score.NewTally()
	class := map[string]string{score.Nothing: score.Nothing} // by label
	cut := func(text string) (labels []string) {
		for _, id := range e.tokenizer.Encode(text) {
			label := e.label(id)
			labels, class[label] = append(labels, label), e.class(id)
		}
		return labels
	}
	for n, caption := range captions {
		candidate := cut(caption)
		var best []score.Alignment
		least := -1
		for _, reference := range references[n] {
			if steps, distance := score.Align(cut(reference), candidate); least < 0 || distance < least {
				best, least = steps, distance
			}
		}
		for _, step := range best {
			tokens.Add(step.Reference, step.Candidate)
			classes.Add(class[step.Reference], class[step.Candidate])
			tally.Add(step.Reference, step.Candidate)
		}
	}
	return tokens, classes, tally
}

// confusion writes a matrix as counts and as shares of its rows, and hands it to the report.
func (e *experiment) confusion(name, file, meaning string, matrix *score.Confusion) error {
	for suffix, shares := range map[string]bool{"": false, "_shares": true} {
		var b bytes.Buffer
		if err := matrix.WriteCSV(&b, shares); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := e.folder.WriteFile("scores/"+file+suffix+".csv", b.Bytes()); err != nil {
			return err
		}
	}
	e.confusions = append(e.confusions, report.Confusion{Name: name, File: file, Meaning: meaning, Matrix: matrix})
	return nil
}
