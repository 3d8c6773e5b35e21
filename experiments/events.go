package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/tensorboard"
)

// A run's TensorBoard files. TensorBoard takes each folder with event files for a run of its own: tensorboard has the curves
// by training step (batches) and what stands at the end, tensorboard/by_epoch the same curves by epoch.
const (
	eventsDir      = "tensorboard"
	epochEventsDir = eventsDir + "/by_epoch"
	eventsEnd      = ".end" // ends the name of the file that is written whole when the run is done
)

// events are the event files of a run in training; nil writes none.
type events struct {
	steps, epochs *tensorboard.File
	failed        error // the first of a step, which has no way to fail
}

// beginEvents opens new event files for a training that goes on after so many epochs and steps.
func (e *experiment) beginEvents(epochs, step int) (err error) {
	if !e.config.Runtime.TensorBoard {
		return nil
	}
	if err := tensorboard.Remove(e.folder.Path(eventsDir), eventsEnd); err != nil {
		return err
	}
	e.events = &events{}
	var before []Epoch
	if before, err = e.folder.Epochs(); err != nil {
		return err
	}
	// An epoch that is in the metrics and in no checkpoint comes again.
	before = slices.DeleteFunc(before, func(row Epoch) bool { return row.Epoch > epochs })
	info, err := e.folder.Info()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		dir  string
		file **tensorboard.File
		next int // what comes first now
		tell func(*tensorboard.Writer) error
	}{
		{eventsDir, &e.events.steps, step + 1, func(w *tensorboard.Writer) error {
			return errors.Join(writeStart(w, e.folder, info), writeCurves(w, info, before, stepValues))
		}},
		{epochEventsDir, &e.events.epochs, epochs + 1, func(w *tensorboard.Writer) error {
			return writeCurves(w, info, before, epochValues)
		}},
	} {
		now := time.Now()
		file, earlier, err := tensorboard.Append(e.folder.Path(part.dir), now)
		if err != nil {
			return err
		}
		*part.file = file
		err = file.Purge(now, part.next) // the first part says so too: TensorBoard takes a run's first for its beginning
		if !earlier && err == nil {
			err = part.tell(file.Writer) // what a shorter run's training gave to this one has no events yet
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step writes the loss of one batch.
func (v *events) step(step int, loss float64) {
	if v == nil || v.failed != nil {
		return
	}
	v.failed = v.steps.Write(time.Now(), step, tensorboard.Scalar("train/batch_loss", loss))
}

// epoch writes the metrics of an epoch as metrics.jsonl has them: an epoch that is done again keeps its first row there. It
// comes before the epoch's checkpoint, and so do the files' contents on disk: after a crash nothing is missing.
func (v *events) epoch(f *runfolder.Folder, epoch int) error {
	if v == nil {
		return nil
	}
	rows, err := f.Epochs()
	if err != nil {
		return err
	}
	n := slices.IndexFunc(rows, func(row Epoch) bool { return row.Epoch == epoch })
	if n < 0 {
		return fmt.Errorf("TensorBoard events: epoch %d is not in %s", epoch, runfolder.MetricsFile)
	}
	step, values, err := stepValues(rows[n])
	if err != nil {
		return err
	}
	_, byEpoch, err := epochValues(rows[n])
	if err != nil {
		return err
	}
	now := time.Now()
	return errors.Join(v.failed, v.steps.Write(now, step, values...), v.epochs.Write(now, epoch, byEpoch...), v.steps.Sync(), v.epochs.Sync())
}

func (v *events) close() {
	if v == nil {
		return
	}
	for _, file := range []*tensorboard.File{v.steps, v.epochs} {
		if file != nil {
			file.Close() // synced at the end of each epoch
		}
	}
}

// epochFigures are the numbers of a line of metrics.jsonl by their names there. What is not a number is left out.
func epochFigures(row Epoch) (map[string]float64, error) {
	line, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(line, &all); err != nil {
		return nil, err
	}
	figures := map[string]float64{}
	for name, value := range all {
		if x, ok := value.(float64); ok && name != "epoch" && name != "step" {
			figures[name] = x
		}
	}
	return figures, nil
}

// stepValues are an epoch's figures at its step, in groups: train/…, validation/…, and run/… for times and the learning rate.
func stepValues(row Epoch) (at int, values []tensorboard.Value, err error) {
	values, err = tagged(row, stepTag)
	return row.Step, values, err
}

// stepTag is the tag of a figure of metrics.jsonl.
func stepTag(name string) string {
	group, rest, _ := strings.Cut(name, "_")
	if group == "train" || group == "validation" {
		return group + "/" + rest
	}
	return "run/" + name
}

// epochValues are an epoch's figures at its number.
func epochValues(row Epoch) (at int, values []tensorboard.Value, err error) {
	values, err = tagged(row, func(name string) string { return "by_epoch/" + name })
	return row.Epoch, values, err
}

func tagged(row Epoch, tag func(name string) string) (values []tensorboard.Value, err error) {
	figures, err := epochFigures(row)
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		values = append(values, tensorboard.Scalar(tag(name), figures[name]))
	}
	return values, err
}

// writeCurves writes epochs of the past at the time at which they ended, about.
func writeCurves(w *tensorboard.Writer, info RunInfo, rows []Epoch, values func(Epoch) (int, []tensorboard.Value, error)) error {
	for _, row := range rows {
		step, all, err := values(row)
		if err == nil {
			err = w.Write(epochTime(info, row), step, all...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// epochTime is about when an epoch of a run that was never interrupted ended: the stages before training, and its seconds.
func epochTime(info RunInfo, row Epoch) time.Time {
	seconds := row.TotalSeconds
	for _, s := range info.Stages {
		if s.Name == "training" {
			break
		}
		seconds += s.Seconds
	}
	return info.Started.Add(time.Duration(seconds * float64(time.Second)))
}

// writeStart writes what a run is: its config as text, and as the hyperparameters of a row in the HPARAMS tab.
func writeStart(w *tensorboard.Writer, f *runfolder.Folder, info RunInfo) error {
	resolved, err := os.ReadFile(f.Path(runfolder.ResolvedFile))
	if err != nil {
		return err
	}
	params, err := hyperparameters(f)
	if err != nil {
		return err
	}
	values := []tensorboard.Value{tensorboard.SessionStart(params, info.Started), tensorboard.Text("config", "```toml\n"+string(resolved)+"\n```")}
	if info.Description != "" {
		values = append(values, tensorboard.Text("description", plainText(info.Description)))
	}
	return w.Write(info.Started, 0, values...)
}
