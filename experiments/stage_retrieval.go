package experiments

import (
	"context"
	"fmt"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/train"
)

// retrieve ranks pictures by how probable they make a caption, the protocol of Tanti et al. (2018): the first caption of
// each of some validation pictures against all of these pictures. A model that ignores its picture finds none. A bidirectional
// decoder ranks twice: by its forward direction, as all decoders do, and by the sum of both directions' log-probabilities.
func (e *experiment) retrieve(ctx context.Context) error {
	pictures := e.data.Splits[dataset.Validation]
	pictures = pictures[:min(len(pictures), e.config.Evaluation.Retrieval)]
	if len(pictures) < 2 {
		return nil
	}
	if e.config.Training.CountsPadding() {
		e.say("retrieval: left out, since training.padding = \"counted\" makes a caption's likelihood that of its padding, too")
		return nil
	}
	captions, time := make([][]int32, len(pictures)), 1
	for n, at := range pictures {
		captions[n] = e.tokenizer.Encode(e.data.Examples[at].Captions[0].Text)
		time = max(time, len(captions[n]))
	}
	var items []batch.Item
	for _, caption := range captions {
		for _, at := range pictures {
			items = append(items, batch.Item{Picture: e.rows[e.data.Examples[at].ID], Tokens: caption})
		}
	}
	data, err := batch.New(items, batch.Features{Size: e.size, Values: e.values},
		batch.Options{Name: "retrieval", Size: e.config.Training.Batch, Time: time})
	if err != nil {
		return err
	}
	figures := map[string]float64{"retrieval_pictures": float64(len(pictures))}
	rank := func(prefix string, logs []float64) *score.Retrieval {
		r := score.NewRetrieval(score.Places(logs, len(pictures)))
		figures[prefix+"recall_at_1"], figures[prefix+"recall_at_5"] = r.RecallAt1, r.RecallAt5
		figures[prefix+"recall_at_10"], figures[prefix+"median_rank"] = r.RecallAt10, r.MedianRank
		return &r
	}
	logs, err := e.logProbabilities(ctx, "retrieval", e.trainer, data)
	if err != nil {
		return err
	}
	e.retrieval = rank("retrieval_", logs)
	if d, ok := e.decoder.(model.Bidirectional); ok {
		backward, err := e.trainer.WithDecoder(d.Backward())
		if err != nil {
			return err
		}
		others, err := e.logProbabilities(ctx, "retrieval, backward", backward, data)
		if err != nil {
			return err
		}
		for n, p := range others {
			logs[n] += p
		}
		e.bothWays = rank("retrieval_both_directions_", logs)
	}
	return e.figures(figures)
}

// logProbabilities are those of all captions of data, behind a progress bar.
func (e *experiment) logProbabilities(ctx context.Context, label string, t *train.Trainer, data *batch.Set) ([]float64, error) {
	bar := progress.New(e.term, label, "captions", int64(data.Len()))
	logs, err := t.LogProbabilities(ctx, data, func(n int) { bar.Add(int64(n)) })
	bar.Finish()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return logs, nil
}
