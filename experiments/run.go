// Package experiments runs captioning experiments: it is the public API that the command, notebooks and other
// programs call. Run is one experiment from top to bottom.
//
// Names of configs, and the folders .cache and results, are those of captionlab's checkout where the working folder lies in one (see
// Root), else of the working folder. The keys runtime.cache and runtime.results name others; files that a config names are looked for
// in the working folder first.
//
// Types such as Epoch are those of the packages that make them, which go doc names. Their fields are theirs to show, in the
// checkout: go doc ./internal/runfolder Epoch.
package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/profile"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/train"
)

// ErrInterrupted is wrapped by the error of a run or study that was stopped by its context, beside the context's own error
// and its cause. Resume goes on with the run: from a checkpoint, if training had begun.
var ErrInterrupted = train.ErrInterrupted

// ErrOverride is wrapped by the errors of overrides that Resume, Decode, Ensemble and OpenCaptioner don't take.
var ErrOverride = errors.New("not to be overridden")

// also is an error that is others, too, of which its message doesn't speak.
type also struct {
	error
	others []error
}

// Unwrap gives all of them.
func (e *also) Unwrap() []error { return append([]error{e.error}, e.others...) }

// withContext adds the context's own error to ErrInterrupted.
func withContext(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ErrInterrupted) {
		return err
	}
	return &also{err, []error{ctx.Err(), context.Cause(ctx)}}
}

// RunError is the error of a run that began: its folder says how far it came.
type RunError struct {
	Dir string // the run folder, which Resume takes
	Err error
}

// Error is the cause and the folder.
func (e *RunError) Error() string { return fmt.Sprintf("%v\nrun folder: %s", e.Err, e.Dir) }

// Unwrap gives the cause.
func (e *RunError) Unwrap() error { return e.Err }

// Options say where a run reports to. OpenCaptioner, CaptionFiles, AttendFiles, LoadDataset and FetchStamps use Stderr alone,
// ExportInputs Stderr and Quiet.
type Options struct {
	Stderr io.Writer // progress and messages; nil is silent
	Quiet  bool      // messages go to the run's log.txt alone; progress bars stay. Sweep sets it for its cells
	// Epoch is called at the end of each epoch of the decoder's training; may be nil. Resume calls it for the epochs that it
	// trains itself; those before are RunFolder.Curve. In a study it gets the epochs of one cell after the other, which
	// SweepOptions.Cell tells apart; for cells that Slurm runs it isn't called. A panic in it ends the run, as an error.
	Epoch func(Epoch)
	// Profile writes Go's CPU and heap profiles, and where the time went, to the folder's profiles, also where the run fails
	// or is stopped. A process can take one at a time: where another is taken, a run is refused before it begins.
	Profile bool
}

// Result is a finished run.
type Result struct {
	Dir             string             // the run folder
	ReportHTML      string             // its report
	Profile         string             // its profile's page, "" without Options.Profile
	Figures         map[string]float64 // the figures of run.json, by name
	PeakMemoryBytes int64              // the most that the process used while it carried out the run and those beside it, where the system can tell; else since it began
	Seconds         float64
}

// Run carries out the experiment of a config file in a new run folder. configPath may be a path, or a name in
// configs; overrides are of the form section.key=value. A config that can't be run is refused before any work: the error is
// ConfigProblems. Once the folder is there, it is *RunError, which wraps ErrInterrupted where ctx ended the run; a nil ctx never does.
func Run(ctx context.Context, configPath string, overrides []string, o Options) (*Result, error) {
	c, err := loadConfig(configPath, overrides)
	if err != nil {
		return nil, err
	}
	if err := canProfile(o); err != nil {
		return nil, err
	}
	folder, err := createFolder(c)
	if err != nil {
		return nil, err
	}
	return carryOut(ctx, folder, c, o)
}

// createFolder makes a config's run folder, if its data are there.
func createFolder(c *config.Loaded) (*runfolder.Folder, error) {
	if err := dataset.Present(dataSettings(c.Config)); err != nil {
		return nil, err
	}
	return runfolder.Create(checkout.At(c.Config.Runtime.Results), c.Config.Experiment.Name, c.Hash, c.Given, c.Resolved)
}

// Resume goes on with a run that was interrupted, failed or killed, from its last checkpoint. What it computes
// is bit for bit what the run would have computed had it not been stopped (on the CPU); another config, other captions, pictures, word
// vectors or encoder weights, another vocabulary, or runs of an ensemble with other weights than the run began with are refused, and a
// run in progress is (ErrInProgress). A finished run stays finished, also where resuming it ends with an error.
//
// Overrides say where things are now that have moved since, as data.root=/mnt/flickr8k: they are keys that change nothing of what is
// computed; others are ErrOverride. The run's resolved config takes them over once all that it names has turned out to be what the run began with.
func Resume(ctx context.Context, run string, overrides []string, o Options) (*Result, error) {
	if err := onlyMoved(overrides); err != nil {
		return nil, err
	}
	r, err := OpenRun("", run)
	if err != nil {
		return nil, err
	}
	c, err := ownConfig(r.folder, overrides...)
	if err != nil {
		return nil, err
	}
	if err := dataset.Present(dataSettings(c.Config)); err != nil {
		return nil, err
	}
	if err := asItBegan(r, c); err != nil {
		return nil, err
	}
	if err := canProfile(o); err != nil {
		return nil, err
	}
	return carryOut(ctx, r.folder, c, o, overrides...)
}

// canProfile says, before a run begins or goes on, whether the profile that is wanted can be taken.
func canProfile(o Options) error {
	if !o.Profile {
		return nil
	}
	return profile.Available()
}

// carryOut runs all stages and leaves the folder marked done, interrupted or failed (see finish). moved are the overrides of Resume.
func carryOut(ctx context.Context, folder *runfolder.Folder, c *config.Loaded, o Options, moved ...string) (*Result, error) {
	if ctx == nil { // refused below, it would leave a folder that nothing began in
		ctx = context.Background()
	}
	o.Epoch = callersOwn(o.Epoch)
	defer countMemory()()
	r, err := lockedStages(ctx, folder, c, o, moved)
	if err != nil {
		return nil, &RunError{Dir: folder.Dir, Err: err}
	}
	return r, nil
}

// lockedStages runs the stages while no other process works on the folder.
func lockedStages(ctx context.Context, folder *runfolder.Folder, c *config.Loaded, o Options, moved []string) (*Result, error) {
	unlock, err := folder.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	e, err := newExperiment(folder, c, o)
	if err != nil {
		return nil, err
	}
	defer e.close()
	e.moved = moved
	err = e.profiled(o.Profile, func() error { return recovered(func() error { return e.stages(ctx) }) })
	err = withContext(ctx, err)
	if err := errors.Join(err, e.finish(err)); err != nil {
		return nil, err
	}
	return e.result()
}

// underWay is how many runs this process carries out.
var underWay struct {
	sync.Mutex
	runs int
}

// countMemory lets the peak memory begin anew, unless other runs are counting; the result ends that.
func countMemory() (end func()) {
	add := func(n int) {
		underWay.Lock()
		defer underWay.Unlock()
		if underWay.runs == 0 {
			runfolder.ResetPeakMemory()
		}
		underWay.runs += n
	}
	add(1)
	return func() { add(-1) }
}

// stages is the whole experiment, a call a stage. Each stage finds what an earlier, interrupted run of the same
// folder finished, in the caches or in the folder.
func (e *experiment) stages(ctx context.Context) error {
	for _, stage := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"data", e.loadData},           // pictures, captions, splits, cleaning
		{"vocabulary", e.tokenize},     // captions to token ids
		{"vectors", e.readVectors},     // word vectors for the token embedding, where the config names some
		{"backend", e.openBackend},     // XLA or pure Go
		{"features", e.encodePictures}, // pictures to feature vectors, cached
		{"training", e.train},          // the decoder, by teacher forcing
		{"controls", e.evaluate},       // the best epoch's weights, and the same without the picture
		{"captions", e.caption},        // free-running captions of the held-out splits
		{"attention", e.attend},        // where a decoder with attention looked while it said them
		{"scores", e.score},            // confusion matrices, teacher-forced and free-running
		{"metrics", e.measure},         // BLEU and the others, beside captions without model or picture
		{"emoji", e.measureEmoji},      // coverage, fragments, precision and recall, where the references have emoji
		{"retrieval", e.retrieve},      // captions look for their pictures by likelihood
		{"report", e.report},           // plots, report.md, report.html
		{"exports", e.export},          // what TensorBoard and DVC read
	} {
		if err := e.timed(ctx, stage.name, stage.do); err != nil {
			return err
		}
		if stage.name == "features" { // all that the run is made from is what it began with
			if err := errors.Join(e.keepMoved(), e.stampFinished()); err != nil {
				return err
			}
		}
	}
	return nil
}

// callersPanic is what a function of the caller's panicked with.
type callersPanic struct{ value any }

// callersOwn marks panics of Options.Epoch, which are no faults of this project.
func callersOwn(epoch func(Epoch)) func(Epoch) {
	if epoch == nil {
		return nil
	}
	return func(row Epoch) {
		defer func() {
			if r := recover(); r != nil {
				panic(callersPanic{r})
			}
		}()
		epoch(row)
	}
}

// recovered turns a panic, which only graph-building code and the caller's Options.Epoch may raise, into an error.
func recovered(fn func() error) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		who := "internal error, please report it with the run's log.txt"
		if own, ok := r.(callersPanic); ok {
			who, r = "Options.Epoch panicked", own.value
		}
		if cause, ok := r.(error); ok {
			err = fmt.Errorf("%s: %w", who, cause)
		} else {
			err = fmt.Errorf("%s: %v", who, r)
		}
	}()
	return fn()
}
