package experiments

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/score"
)

// system is a way to caption the validation pictures.
type system struct {
	name, meaning string
	captions      []string
	references    [][]string // where they are not all of them
}

// runMetrics leave out cider_d, which is another name of coco-caption's cider, and METEOR, which needs Java.
var runMetrics = []string{"bleu", "rouge_l", "cider", "chrf"}

// measure scores the validation captions, and beside them what needs no model or no picture.
func (e *experiment) measure(ctx context.Context) error {
	predictions := e.captions[dataset.Validation]
	if len(predictions) < 2 {
		return nil
	}
	pictures := e.data.Splits[dataset.Validation]
	references := make([][]string, len(pictures))
	for n, at := range pictures {
		references[n] = e.scoredReferences(at)
	}
	own := system{name: "model", meaning: "this run, " + e.config.Decoding.Method + " captions"}
	for _, p := range predictions {
		own.captions = append(own.captions, p.Caption)
	}
	others, err := e.controlSystems(ctx, references)
	if err != nil {
		return err
	}
	var mine *score.Scores
	bootstrap := score.Bootstrap{Resamples: 1000, Seed: uint64(e.config.Training.Seed)}
	for _, s := range append([]system{own}, others...) {
		against := references
		if s.references != nil {
			against = s.references
		}
		images := make([]score.Image, len(pictures))
		for n, at := range pictures {
			images[n] = score.Image{ID: e.data.Examples[at].ID, Candidate: s.captions[n], References: against[n]}
		}
		scores, err := score.Measure(ctx, images, score.Options{Metrics: runMetrics})
		if err != nil {
			return fmt.Errorf("score of %s: %w", s.name, err)
		}
		row := report.System{Name: s.name, Meaning: s.meaning}
		for _, m := range scores.Metrics {
			row.Scores = append(row.Scores, report.Score{Name: m.Name, Value: m.Corpus, Signature: m.Signature})
		}
		switch {
		case mine == nil:
			if mine = scores; row.Scores != nil {
				err = e.ownScores(scores, bootstrap, row.Scores)
			}
		case s.references == nil:
			var differences []score.Difference
			differences, err = score.Compare(mine, scores, bootstrap)
			for n, d := range differences {
				row.Scores[n].Same = !d.Distinguishable
			}
		}
		if err != nil {
			return fmt.Errorf("score of %s: %w", s.name, err)
		}
		e.systems = append(e.systems, row)
	}
	return nil
}

// scoredReferences are what an example's caption is scored against, by evaluation.references.
func (e *experiment) scoredReferences(example int) (references []string) {
	for _, c := range e.data.Examples[example].Captions {
		text := c.Text
		if e.config.Evaluation.References == "raw" {
			text = strings.ToValidUTF8(c.Raw, "\uFFFD")
		}
		references = append(references, text)
	}
	return references
}

// ownScores keeps the model's own scores: corpus and every image's in scores/validation.json, the corpus' in run.json.
func (e *experiment) ownScores(scores *score.Scores, b score.Bootstrap, row []report.Score) error {
	intervals, err := scores.Intervals(b)
	if err != nil {
		return err
	}
	type metric struct {
		Score     float64   `json:"score"`
		Low       float64   `json:"low"`
		High      float64   `json:"high"`
		Signature string    `json:"signature"`
		Images    []float64 `json:"images"`
	}
	file := struct {
		Split      string            `json:"split"`
		References string            `json:"references"`
		IDs        []string          `json:"image_ids"`
		Metrics    map[string]metric `json:"metrics"`
	}{dataset.Validation, e.config.Evaluation.References, scores.IDs, map[string]metric{}}
	figures := map[string]float64{}
	for n, m := range scores.Metrics {
		row[n].Low, row[n].High = intervals[n].Low, intervals[n].High
		file.Metrics[m.Name] = metric{m.Corpus, intervals[n].Low, intervals[n].High, m.Signature, m.Images}
		figures["validation_"+m.Name] = m.Corpus
	}
	if err := e.folder.WriteJSON("scores/validation.json", file); err != nil {
		return err
	}
	return e.figures(figures)
}

// controlSystems caption the validation pictures without a model, or with the model and without the picture.
func (e *experiment) controlSystems(ctx context.Context, references [][]string) ([]system, error) {
	var texts []string
	count, frequent := map[string]int{}, ""
	for text := range e.texts(dataset.Train) {
		texts = append(texts, text)
		if count[text]++; count[text] > count[frequent] {
			frequent = text
		}
	}
	random := rand.New(rand.NewPCG(uint64(e.config.Training.Seed), 7))
	n := len(references)
	constant, drawn := make([]string, n), make([]string, n)
	for i := range n {
		constant[i], drawn[i] = frequent, texts[random.IntN(len(texts))]
	}
	nearest := e.nearestCaptions()
	systems := []system{
		{name: "zeroed", meaning: "the model with every picture's features set to zero"},
		{name: "shuffled", meaning: "the model with another picture's features"},
		{name: "most frequent", meaning: "the most frequent training caption, for every picture", captions: constant},
		{name: "random", meaning: "a random training caption", captions: drawn},
		{name: "nearest picture", meaning: "the first caption of the nearest training picture, by its features", captions: nearest},
	}
	rows := e.splitRows(dataset.Validation)
	zeros, rotated := make([][]float32, n), make([][]float32, n)
	for i := range n {
		zeros[i], rotated[i] = make([]float32, e.features.Size()), rows[(i+1)%n]
	}
	for i, features := range [][][]float32{zeros, rotated} {
		var err error
		if systems[i].captions, err = e.generate(ctx, features); err != nil {
			return nil, err
		}
	}
	human := system{name: "human", meaning: "one person's caption against the others'"}
	for _, r := range references {
		if len(r) < 2 {
			return systems, nil
		}
		human.captions, human.references = append(human.captions, r[0]), append(human.references, r[1:])
	}
	return append(systems, human), nil
}

// generate captions feature vectors as the config says.
func (e *experiment) generate(ctx context.Context, rows [][]float32) ([]string, error) {
	captions, err := e.generator.Generate(ctx, rows, nil)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(captions))
	for n, c := range captions {
		texts[n] = e.tokenizer.Decode(c.Tokens)
	}
	return texts, nil
}

// splitRows are the scaled features of a split's pictures.
func (e *experiment) splitRows(split string) [][]float32 {
	size := e.features.Size()
	var rows [][]float32
	for _, at := range e.data.Splits[split] {
		row := e.rows[e.data.Examples[at].ID]
		rows = append(rows, e.values[row*size:(row+1)*size])
	}
	return rows
}
