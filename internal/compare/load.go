package compare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

// Run is one run, as its folder has it.
type Run struct {
	Dir           string
	Name          string // the folder's
	Info          runfolder.Info
	Settings      map[string]string // every key of the resolved config, as TOML
	Epochs        []runfolder.Epoch
	TrainPictures int
	Predictions   []runfolder.Prediction // of the split, by image ID
	Scores        *score.Scores          // of the captions
	Figures       map[string]float64     // by Column.Name

	unknown float64 // share of the split's tokens that its vocabulary lacks
	cleaned string  // hash of all pictures and their cleaned references
	tested  string  // the same of the references that captions are scored against
	draws   *score.Draws
}

// Whole says whether the run kept the references that it was scored against.
func (r *Run) Whole() bool {
	return !slices.ContainsFunc(r.Predictions, func(p runfolder.Prediction) bool {
		_, whole := p.Scored()
		return !whole
	})
}

// load reads the runs that are done and have captions of the split. One whose files can't be read is left out as well: a damaged
// run must not keep the others from being compared.
func (c *Comparison) load(ctx context.Context, folders []*runfolder.Folder, o Options) ([]*Run, error) {
	var runs []*Run
	for _, f := range folders {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(runs, func(known *Run) bool { return SameFolder(known.Dir, f.Dir) }) {
			continue
		}
		r, err := readRun(f, o)
		switch {
		case err != nil:
			c.leaveOut(r, fmt.Sprintf("it can't be read: %v", err))
		case r.Info.Status != runfolder.Done:
			c.leaveOut(r, fmt.Sprintf("it is not done: %s", r.Info.Status))
		case len(r.Predictions) < 2:
			c.leaveOut(r, fmt.Sprintf("it has no captions of the %s split (decoding.splits)", o.Split))
		default:
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// SameFolder is whether two paths, which may be spelled differently, are one folder.
func SameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func (c *Comparison) leaveOut(r *Run, reason string) {
	c.LeftOut = append(c.LeftOut, LeftOut{r.Dir, r.Name, reason})
}

// readRun reads a run, of one that isn't done run.json alone. Beside an error the run has its folder and name.
func readRun(f *runfolder.Folder, o Options) (*Run, error) {
	r := &Run{Dir: f.Dir, Name: filepath.Base(f.Dir), Figures: map[string]float64{}}
	var err error
	if r.Info, err = f.Info(); err != nil || r.Info.Status != runfolder.Done {
		return r, err
	}
	if r.Epochs, err = f.Epochs(); err != nil {
		return r, err
	}
	if r.Settings, err = f.Settings(); err != nil {
		return r, err
	}
	for key, value := range o.Defaults {
		if _, ok := r.Settings[key]; !ok {
			r.Settings[key] = value
		}
	}
	unknown, ok := r.Info.Results[o.Split+"_unknown_rate"]
	if !ok { // versions before this one measured it on the validation split alone
		unknown = r.Info.Results["validation_unknown_rate"]
	}
	r.unknown = unknown
	r.Predictions, err = f.ReadPredictions(o.Split)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	slices.SortFunc(r.Predictions, func(a, b runfolder.Prediction) int { return strings.Compare(a.ImageID, b.ImageID) })
	r.cleaned = r.fingerprint(func(p runfolder.Prediction) []string { return p.References })
	if r.TrainPictures, err = trainPictures(f); err != nil {
		return r, err
	}
	for _, col := range columns {
		if v, ok := r.Info.Results[o.Split+"_"+col.Name]; ok {
			r.Figures[col.Name] = v
		}
	}
	for _, s := range r.Info.Stages {
		if s.Name == "training" && len(r.Epochs) > 0 { // a run that decodes others' models has none
			r.Figures[TrainingSeconds] = s.Seconds
		}
	}
	if n := len(r.Epochs); n > 0 && r.Info.Continues != "" { // the stage is only what it trained itself
		r.Figures[TrainingSeconds] = r.Epochs[n-1].TotalSeconds
	}
	return r, nil
}

// fingerprint identifies the pictures and their references.
func (r *Run) fingerprint(references func(runfolder.Prediction) []string) string {
	h := sha256.New()
	for _, p := range r.Predictions {
		fmt.Fprintf(h, "%q %q\n", p.ImageID, references(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// trainPictures counts the training pictures in split.json; 0 where there is none.
func trainPictures(f *runfolder.Folder) (int, error) {
	split, err := f.ReadSplit()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return len(split.Splits["train"]), err
}
