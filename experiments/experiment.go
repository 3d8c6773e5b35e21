package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/features"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/profile"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// experiment is one run on its way through the stages. Each stage fills in what the later ones need.
type experiment struct {
	folder *runfolder.Folder
	config config.Config
	loaded *config.Loaded // what config is of
	moved  []string       // overrides of Resume
	cache  string
	log    io.WriteCloser // log.txt
	out    io.Writer      // messages, to the terminal and log.txt
	term   io.Writer      // progress bars, to the terminal alone
	epoch  func(Epoch)    // the caller's, or nil

	profile     *profile.Recorder // nil where none was asked for
	profilePage string            // "" until it is written

	data      *dataset.Dataset
	splits    []string // the splits that have pictures: train, validation and perhaps test
	tokenizer token.Tokenizer
	tokens    []report.TokenRow // of the training and the validation split
	vectors   *token.Vectors    // nil where the config names none
	maxTokens int               // the longest training caption

	accel    *accel.Accel
	encoder  *encoder.Encoder
	front    *features.Front // its layers that are trained with the decoder; nil for none
	features *features.Table
	rows     map[string]int // picture id -> row of values
	size     int            // values a row
	values   []float32      // scaled features of all pictures, row after row; until the front is trained, what it reads
	// freeValues gives their memory back.
	freeValues func()

	wordVectors *report.WordVectors
	decoder     model.Decoder
	trainer     *train.Trainer
	events      *events // nil before training, and where the config wants none
	generator   *decode.Generator
	controls    []report.Control
	confusions  []report.Confusion
	retrieval   *score.Retrieval
	bothWays    *score.Retrieval // by both directions of a bidirectional decoder; nil for others
	systems     []report.System
	collapse    *report.Collapse
	accuracies  []report.Accuracy
	noMETEOR    string // why METEOR, which was asked for, is absent
	emoji       *report.Emoji
	captions    map[string][]runfolder.Prediction // by split
	generated   map[string][]decode.Caption       // by split, in the same order
	attention   *report.Attention                 // nil for a decoder without
}

func newExperiment(folder *runfolder.Folder, c *config.Loaded, o Options) (*experiment, error) {
	log, err := folder.LogWriter()
	if err != nil {
		return nil, err
	}
	e := &experiment{folder: folder, config: c.Config, loaded: c, cache: checkout.At(c.Config.Runtime.Cache), log: log, term: o.Stderr, epoch: o.Epoch,
		captions: map[string][]runfolder.Prediction{}, generated: map[string][]decode.Caption{}}
	e.out = log
	if o.Stderr != nil && !o.Quiet {
		e.out = io.MultiWriter(log, o.Stderr) // where the second fails, the first has it
	}
	err = folder.Update(func(i *runfolder.Info) {
		if i.Status != runfolder.Done { // what a run has finished, no resumption takes back
			i.Status, i.Error, i.Finished = runfolder.Running, "", time.Time{}
			stamp(i)
		}
		i.Description = c.Config.Experiment.Description
		i.Seeds["training"], i.Seeds["split"] = c.Config.Training.Seed, c.Config.Data.SplitSeed
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	e.say("%s -> %s", c.Path, folder.Dir)
	for _, n := range c.Notes {
		e.say("note: %s", n)
	}
	return e, nil
}

// stamp says that this process works on the run from now on.
func stamp(i *runfolder.Info) {
	if i.Stages != nil {
		i.Resumed = append(i.Resumed, time.Now())
	}
	i.Stamp(runfolder.Provenance(context.Background()))
}

// stampFinished does that for a run which was done before this process; others were stamped as they began.
func (e *experiment) stampFinished() error {
	return e.folder.Update(func(i *runfolder.Info) {
		if i.Status == runfolder.Done {
			stamp(i)
		}
	})
}

func (e *experiment) close() {
	e.events.close()
	if e.features != nil {
		e.features.Close()
	}
	if e.freeValues != nil {
		e.freeValues()
	}
	if e.accel != nil {
		e.accel.Close()
	}
	e.log.Close()
}

// say writes one message.
func (e *experiment) say(format string, args ...any) { fmt.Fprintf(e.out, format+"\n", args...) }

// timed runs one stage and adds its time to run.json.
func (e *experiment) timed(ctx context.Context, name string, stage func(context.Context) error) error {
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	began := time.Now()
	err := e.profile.Stage(ctx, name, stage)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrInterrupted) {
		if errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)) {
			err = fmt.Errorf("%w during %s", ErrInterrupted, name)
		} else { // perhaps because it was stopped, perhaps not, as on a full disk
			err = fmt.Errorf("%w during %s: %w", ErrInterrupted, name, err)
		}
	}
	seconds := time.Since(began).Seconds()
	update := e.folder.Update(func(i *runfolder.Info) {
		i.PeakMemoryBytes = max(i.PeakMemoryBytes, runfolder.PeakMemory())
		at := slices.IndexFunc(i.Stages, func(s runfolder.Stage) bool { return s.Name == name })
		if at < 0 {
			i.Stages = append(i.Stages, runfolder.Stage{Name: name, Seconds: seconds})
			return
		}
		i.Stages[at].Seconds += seconds // parts of a stage that was resumed add up
	})
	return errors.Join(err, update)
}

// finish records how the run ended. One that was done before stays done.
func (e *experiment) finish(err error) error {
	update := e.folder.Update(func(i *runfolder.Info) {
		i.PeakMemoryBytes = max(i.PeakMemoryBytes, runfolder.PeakMemory())
		if err != nil && i.Status == runfolder.Done {
			return
		}
		i.Finished = time.Now()
		switch {
		case err == nil:
			i.Status = runfolder.Done
		case errors.Is(err, ErrInterrupted):
			i.Status, i.Error = runfolder.Interrupted, err.Error()
		default:
			i.Status, i.Error = runfolder.Failed, err.Error()
		}
	})
	if err == nil && update == nil {
		// The report shows the run's final status, so it is written again now that the run is done.
		update = e.report(context.Background())
	}
	if err != nil {
		fmt.Fprintf(e.log, "ended: %v\n", err)
		e.reportSoFar()
	}
	return update
}

// reportSoFar shows the epochs of a run that ended early. What goes wrong here is told in the log alone: the run has an error already.
func (e *experiment) reportSoFar() {
	info, err := e.folder.Info()
	if err != nil || info.Status == runfolder.Done || e.decoder == nil { // a finished run keeps its report
		return
	}
	epochs, err := e.folder.Epochs()
	if err == nil && len(epochs) > 0 {
		if err = recovered(func() error { return e.report(context.Background()) }); err == nil {
			e.say("report of %s so far: %s", english.Plural(len(epochs), "epoch", ""), e.folder.Path("report.html"))
		}
	}
	if err != nil {
		fmt.Fprintf(e.log, "no report: %v\n", err)
	}
}

func (e *experiment) result() (*Result, error) {
	info, err := e.folder.Info()
	if err != nil {
		return nil, err
	}
	r := &Result{Dir: e.folder.Dir, ReportHTML: e.folder.Path("report.html"), Profile: e.profilePage, Figures: info.Results, PeakMemoryBytes: info.PeakMemoryBytes}
	for _, s := range info.Stages {
		r.Seconds += s.Seconds
	}
	return r, nil
}

// figures adds results to run.json.
func (e *experiment) figures(values map[string]float64) error {
	return e.folder.Update(func(i *runfolder.Info) {
		for name, value := range values {
			i.Results[name] = value
		}
	})
}
