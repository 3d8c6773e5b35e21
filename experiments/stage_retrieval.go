package experiments

import (
	"context"
	"fmt"
	"math"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/score"
)

// retrieve ranks pictures by how probable they make a caption, the protocol of Tanti et al. (2018): the first caption of
// each of some validation pictures against all of these pictures. A model that ignores its picture finds none.
func (e *experiment) retrieve(ctx context.Context) error {
	pictures := e.data.Splits[dataset.Validation]
	pictures = pictures[:min(len(pictures), e.config.Evaluation.Retrieval)]
	if len(pictures) < 2 || e.config.Training.Padding == "counted" {
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
	bar := progress.New(e.term, "retrieval", "captions", int64(len(items)))
	logs, err := e.trainer.LogProbabilities(ctx, data, func(n int) { bar.Add(int64(n)) })
	bar.Finish()
	if err != nil {
		return fmt.Errorf("retrieval: %w", err)
	}
	r := score.NewRetrieval(score.Ranks(logs, len(pictures)))
	e.retrieval = &r
	return e.figures(map[string]float64{
		"validation_perplexity": math.Exp(e.controls[0].Loss),
		"retrieval_pictures":    float64(len(pictures)), "retrieval_recall_at_1": r.RecallAt1, "retrieval_recall_at_5": r.RecallAt5,
		"retrieval_recall_at_10": r.RecallAt10, "retrieval_median_rank": r.MedianRank,
	})
}
