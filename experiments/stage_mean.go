package experiments

import (
	"math"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/train"
)

// sayMean tells how the mean of the last epochs' weights did, and whether it is kept.
func (e *experiment) sayMean(label string, row train.Epoch) {
	kept := "the best epoch is better, and is kept"
	if row.Best {
		kept = "better than any epoch, and kept"
	}
	e.say("%s, mean of the last %d epochs' weights: teacher-forced loss %.4f validation nats a token, accuracy %.4f%s; %s",
		label, row.MeanOf, row.Validation.Loss(), row.Validation.Accuracy(), e.selectedBy(row), kept)
}

// meanRow is the row of metrics.jsonl of such a mean: nothing was trained for it.
func meanRow(e runfolder.Epoch, of int) runfolder.Epoch {
	e.MeanOf = of
	e.TrainLoss, e.TrainAccuracy, e.LearningRate, e.ExamplesPerSecond = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	return e
}
