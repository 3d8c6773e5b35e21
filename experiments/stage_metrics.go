package experiments

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/score"
)

// system is a way to caption the validation pictures.
type system struct {
	name, meaning string
	captions      []string
}

// measure scores the validation captions, and beside them what needs no model or no picture.
func (e *experiment) measure(ctx context.Context) error {
	predictions := e.captions[dataset.Validation]
	if len(predictions) < 2 {
		return nil
	}
	own := system{name: "model", meaning: "this run, " + e.config.Decoding.Method + " captions"}
	for _, p := range predictions {
		own.captions = append(own.captions, p.Caption)
	}
	if err := e.watchCollapse(own.captions); err != nil {
		return err
	}
	options, err := e.metricOptions(ctx)
	if err != nil || len(options.Metrics) == 0 {
		return err
	}
	references := e.validationReferences()
	others, err := e.controlSystems(ctx, len(references))
	if err != nil {
		return err
	}
	mine, err := e.scored(ctx, own.captions, references, options)
	if err != nil {
		return fmt.Errorf("score of %s: %w", own.name, err)
	}
	row := scoreRow(own, mine)
	bootstrap := score.Bootstrap{Resamples: 1000, Seed: uint64(e.config.Training.Seed)}
	if err := e.ownScores(ctx, mine, bootstrap, row.Scores); err != nil {
		return err
	}
	e.systems = append(e.systems, row)
	for _, s := range others {
		scores, err := e.scored(ctx, s.captions, references, options)
		if err != nil {
			return fmt.Errorf("score of %s: %w", s.name, err)
		}
		differences, err := score.Compare(ctx, mine, scores, bootstrap)
		if err != nil {
			return fmt.Errorf("score of %s: %w", s.name, err)
		}
		row := scoreRow(s, scores)
		for n, d := range differences {
			row.Scores[n].Difference = &report.Difference{Gain: d.Difference, Low: d.Low, High: d.High, Distinguishable: d.Distinguishable}
		}
		e.systems = append(e.systems, row)
	}
	return e.people(ctx, own.captions, references, options)
}

// metricOptions are the metrics of the config. METEOR is fetched; where it can't run the report says why.
func (e *experiment) metricOptions(ctx context.Context) (score.Options, error) {
	o := score.Options{Metrics: e.config.Evaluation.Metrics}
	if !slices.Contains(o.Metrics, "meteor") {
		return o, nil
	}
	var err error
	if o.METEOR, err = fetchMETEOR(ctx, e.cache, e.out); err != nil {
		if ctx.Err() != nil {
			return o, err
		}
		e.say("meteor is left out: %v", err)
		e.noMETEOR = err.Error()
		o.Metrics = slices.DeleteFunc(slices.Clone(o.Metrics), func(name string) bool { return name == "meteor" })
	}
	return o, nil
}

// validationReferences are the captions that people wrote of each validation picture, as the config wants them.
func (e *experiment) validationReferences() [][]string {
	pictures := e.data.Splits[dataset.Validation]
	references := make([][]string, len(pictures))
	for n, at := range pictures {
		references[n] = e.scoredReferences(at)
	}
	return references
}

// scored measures captions of the validation pictures.
func (e *experiment) scored(ctx context.Context, captions []string, references [][]string, o score.Options) (*score.Scores, error) {
	images := make([]score.Image, len(captions))
	for n, at := range e.data.Splits[dataset.Validation] {
		images[n] = score.Image{ID: e.data.Examples[at].ID, Candidate: captions[n], References: references[n]}
	}
	return score.Measure(ctx, images, o)
}

func scoreRow(s system, scores *score.Scores) report.System {
	row := report.System{Name: s.name, Meaning: s.meaning}
	for _, m := range scores.Metrics {
		row.Scores = append(row.Scores, report.Score{Name: m.Name, Value: m.Corpus, Signature: m.Signature})
	}
	return row
}

// people scores each person's captions against the others' of the same picture, as Tanti et al. (2018) do, and the
// model against the same references: they are one fewer, so that scores fall. Both are means over the persons left out.
// Where a picture has one caption alone there is nobody to compare.
func (e *experiment) people(ctx context.Context, own []string, references [][]string, o score.Options) error {
	persons := math.MaxInt
	for _, r := range references {
		persons = min(persons, len(r))
	}
	if persons < 2 {
		return nil
	}
	persons = min(persons, mostPersons)
	rows := []report.System{
		{Name: "human", Meaning: fmt.Sprintf("one person's caption against the others': one reference fewer (mean of %d)", persons)},
		{Name: "model, as the human", Meaning: "the model against the same references, one fewer"},
	}
	for person := range persons {
		said, others := make([]string, len(references)), make([][]string, len(references))
		for n, r := range references {
			said[n], others[n] = r[person], slices.Delete(slices.Clone(r), person, person+1)
		}
		for k, captions := range [][]string{said, own} {
			scores, err := e.scored(ctx, captions, others, o)
			if err != nil {
				return fmt.Errorf("score of %s: %w", rows[k].Name, err)
			}
			for n, m := range scores.Metrics {
				if person == 0 {
					rows[k].Scores = append(rows[k].Scores, report.Score{Name: m.Name, Signature: m.Signature})
				}
				rows[k].Scores[n].Value += m.Corpus / float64(persons)
			}
		}
	}
	e.systems = append(e.systems, rows...)
	return nil
}

// mostPersons bounds the persons that are left out in turn.
const mostPersons = 5

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
func (e *experiment) ownScores(ctx context.Context, scores *score.Scores, b score.Bootstrap, row []report.Score) error {
	intervals, err := scores.Intervals(ctx, b)
	if err != nil {
		return err
	}
	file := SplitScores{Split: dataset.Validation, References: e.config.Evaluation.References, IDs: scores.IDs, Metrics: map[string]MetricScores{}}
	figures := map[string]float64{}
	for n, m := range scores.Metrics {
		row[n].Low, row[n].High = intervals[n].Low, intervals[n].High
		file.Metrics[m.Name] = MetricScores{m.Corpus, intervals[n].Low, intervals[n].High, m.Signature, m.Images}
		figures["validation_"+m.Name] = m.Corpus
	}
	if err := e.folder.WriteJSON("scores/validation.json", file); err != nil {
		return err
	}
	return e.figures(figures)
}

// controlSystems caption the validation pictures without a model, or with the model and without the picture.
func (e *experiment) controlSystems(ctx context.Context, n int) ([]system, error) {
	var texts []string
	count, frequent := map[string]int{}, ""
	for text := range e.texts(dataset.Train) {
		texts = append(texts, text)
		if count[text]++; count[text] > count[frequent] {
			frequent = text
		}
	}
	random := rand.New(rand.NewPCG(uint64(e.config.Training.Seed), 7))
	constant, drawn := make([]string, n), make([]string, n)
	for i := range n {
		constant[i], drawn[i] = frequent, texts[random.IntN(len(texts))]
	}
	nearest, err := e.nearestCaptions(ctx)
	if err != nil {
		return nil, err
	}
	systems := []system{
		{name: "zeroed", meaning: "the model with every picture's features set to zero"},
		{name: "shuffled", meaning: "the model with another picture's features"},
		{name: "most frequent", meaning: "the most frequent training caption, for every picture", captions: constant},
		{name: "random", meaning: "a random training caption", captions: drawn},
		{name: "nearest picture", meaning: "the first caption of the nearest training picture, by its features", captions: nearest},
	}
	rows := e.splitRows(dataset.Validation)
	rotated := make([][]float32, n)
	for i := range n {
		rotated[i] = rows[(i+1)%n]
	}
	for i, features := range [][][]float32{e.seenRows(dataset.Validation, true), rotated} {
		if systems[i].captions, err = e.generate(ctx, e.generator, features); err != nil {
			return nil, err
		}
	}
	return systems, nil
}

// generate captions feature vectors.
func (e *experiment) generate(ctx context.Context, g *decode.Generator, rows [][]float32) ([]string, error) {
	captions, err := g.Generate(ctx, rows, nil)
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
	var rows [][]float32
	for _, at := range e.data.Splits[split] {
		row := e.rows[e.data.Examples[at].ID]
		rows = append(rows, e.values[row*e.size:(row+1)*e.size])
	}
	return rows
}

// seenRows are the scaled features of a split's pictures as a model sees them; the blind one sees zeros, one row for all.
func (e *experiment) seenRows(split string, blind bool) [][]float32 {
	rows := e.splitRows(split)
	if blind {
		nothing := make([]float32, e.size)
		for n := range rows {
			rows[n] = nothing
		}
	}
	return rows
}
