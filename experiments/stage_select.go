package experiments

import (
	"context"
	"fmt"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/train"
)

// selection scores greedy captions of the validation split by the metric that training.select names: what an epoch's
// weights say by themselves. It is nil where the loss selects. blind takes the picture away.
func (e *experiment) selection(t *train.Trainer, read reader, blind bool) func(context.Context) (float64, error) {
	metric := e.config.Training.Select
	if metric == "loss" {
		return nil
	}
	rows := e.seenRows(dataset.Validation, blind)
	references := e.validationReferences()
	var greedy *decode.Generator // compiled once, at the first epoch's end
	return func(ctx context.Context) (float64, error) {
		if greedy == nil {
			var err error
			s := decode.Settings{Method: "greedy", Batch: e.config.Decoding.Batch}
			if greedy, err = decode.New(e.accel.Backend, t.Store(), e.decoder, s, e.maxTokens); err != nil {
				return 0, err
			}
		}
		features, free, err := read(ctx, rows)
		if err != nil {
			return 0, fmt.Errorf("features for training.select: %w", err)
		}
		defer free()
		texts, err := e.generate(ctx, greedy, features)
		if err != nil {
			return 0, fmt.Errorf("captions for training.select: %w", err)
		}
		scores, err := e.scored(ctx, texts, references, score.Options{Metrics: []string{metric}})
		if err != nil {
			return 0, fmt.Errorf("score for training.select: %w", err)
		}
		m, ok := scores.Get(metric)
		if !ok {
			return 0, fmt.Errorf("training.select: no metric %q", metric)
		}
		return m.Corpus, nil
	}
}

// selectedBy tells a row's score by the metric that training.select names; "" where the loss selects.
func (e *experiment) selectedBy(row train.Epoch) string {
	by := e.config.Training.Select
	if by == "loss" {
		return ""
	}
	return fmt.Sprintf("; greedy captions' %s %.2f %%", by, 100*row.Metric)
}
