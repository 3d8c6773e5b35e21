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
const endLabel = "end"

// score fills the confusion matrices of the validation split: teacher-forced, and free-running where it was captioned.
func (e *experiment) score(ctx context.Context) error {
	data, err := e.batches(dataset.Validation)
	if err != nil {
		return err
	}
	tokens, classes := score.NewConfusion(e.frequentTokens()), score.NewConfusion(e.classes())
	err = e.trainer.Predict(ctx, data, func(truth, predicted int32) {
		tokens.Add(e.label(truth), e.label(predicted))
		classes.Add(e.class(truth), e.class(predicted))
	})
	if err != nil {
		return err
	}
	const forced = "Teacher-forced, validation split."
	err = errors.Join(
		e.confusion("Classes of tokens, teacher-forced", "confusion_classes_teacher_forced", forced, classes),
		e.confusion("Most frequent tokens, teacher-forced", "confusion_tokens_teacher_forced", forced, tokens))
	if captions := e.captions[dataset.Validation]; err == nil && len(captions) > 0 {
		err = e.confusion("Classes of tokens, free-running", "confusion_classes_free_running",
			"Free-running, validation split, against the nearest reference; "+score.Nothing+" stands for a token too many or too few.", e.freeRunning(captions))
	}
	return err
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
	return score.Class(text, id == token.End)
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

// freeRunning aligns each generated caption with its nearest reference, by classes of tokens that differ, and of
// those that are the same.
func (e *experiment) freeRunning(captions []runfolder.Prediction) *score.Confusion {
	matrix := score.NewConfusion(append(slices.Clone(e.classes()), score.Nothing))
	class := map[string]string{score.Nothing: score.Nothing} // by label
	cut := func(text string) (labels []string) {
		for _, id := range e.tokenizer.Encode(text) {
			label := e.label(id)
			labels, class[label] = append(labels, label), e.class(id)
		}
		return labels
	}
	for _, p := range captions {
		candidate := cut(p.Caption)
		var best []score.Alignment
		least := -1
		for _, reference := range p.References {
			if steps, distance := score.Align(cut(reference), candidate); least < 0 || distance < least {
				best, least = steps, distance
			}
		}
		for _, step := range best {
			matrix.Add(class[step.Reference], class[step.Candidate])
		}
	}
	return matrix
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
