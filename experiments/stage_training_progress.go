package experiments

import (
	"fmt"

	"github.com/captionlab/captionlab/internal/profile"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/train"
)

// watched tells of one training while it goes on: a progress bar an epoch, a line at its end, and the figures.
type watched struct {
	e        *experiment
	label    string
	blind    bool
	trainer  *train.Trainer
	critical *rewarded // nil without self-critical training
	steps    *profile.Steps
	onEpoch  func(train.Epoch) error

	bar  *progress.Bar // of the epoch in progress
	last int           // the epoch of bar
}

func (w *watched) name(epoch int) string {
	return fmt.Sprintf("%s, epoch %d/%d", w.label, epoch, w.e.config.Training.TotalEpochs())
}

func (w *watched) step(epoch, done, batches int, loss float64) {
	if epoch != w.last {
		w.bar.Finish()
		w.bar, w.last = progress.New(w.e.term, w.name(epoch), "steps", int64(batches)), epoch
		w.bar.Skip(int64(done - 1)) // what a resumed epoch had done
	}
	w.steps.Done(epoch)
	w.bar.Note(fmt.Sprintf("loss %.3f", loss))
	w.bar.Add(1)
	if !w.blind {
		w.e.events.step(w.trainer.Steps(), loss)
	}
}

func (w *watched) epoch(row train.Epoch) error {
	w.bar.Finish()
	w.bar, w.last = nil, 0
	selected := w.e.selectedBy(row)
	if selected != "" {
		selected += w.critical.note()
	}
	name := w.name(row.Epoch)
	if row.Critical {
		w.e.say("%s, self-critical: teacher-forced loss %.4f validation nats a token; accuracy %.4f%s; %.0f s",
			name, row.Validation.Loss(), row.Validation.Accuracy(), selected, row.Seconds)
	} else {
		w.e.say("%s: teacher-forced loss %.4f train, %.4f validation nats a token; accuracy %.4f, %.4f%s; %.0f s",
			name, row.Train.Loss(), row.Validation.Loss(), row.Train.Accuracy(), row.Validation.Accuracy(), selected, row.Seconds)
	}
	return w.onEpoch(row)
}

func (w *watched) mean(row train.Epoch) error {
	w.e.sayMean(w.label, row)
	return w.onEpoch(row)
}
