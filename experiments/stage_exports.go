package experiments

import (
	"context"
	"errors"
	"time"

	"github.com/captionlab/captionlab/internal/tensorboard"
)

// export writes what other tools read at a run's end: DVC's files, and TensorBoard's last event file. That one is written
// whole, in place of the one before, so that a run that is carried out again from here shows nothing twice.
func (e *experiment) export(context.Context) error {
	info, err := e.folder.Info()
	if err != nil {
		return err
	}
	err = writeDVC(e.folder, info)
	if err != nil || e.events == nil {
		return err
	}
	now := time.Now()
	return errors.Join(e.events.failed, writeEventFile(e.folder, eventsDir, now, func(w *tensorboard.Writer) error {
		return writeEnd(w, e.folder, info, now)
	}))
}
