package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// RunInfo is run.json: what a run is, how it stands, what it was made with, and its figures by name in Results.
type RunInfo = runfolder.Info

// RunProcess is a program that worked on a run, and where.
type RunProcess = runfolder.Process

// RunStatus is how a run stands.
type RunStatus = runfolder.Status

// The statuses of a run. A run whose process ended without a word is RunFailed.
const (
	RunRunning     = runfolder.Running
	RunInterrupted = runfolder.Interrupted
	RunFailed      = runfolder.Failed
	RunDone        = runfolder.Done
)

// Stage is a part of a run and the seconds that it took; RunHost is the machine that it ran on.
type (
	Stage   = runfolder.Stage
	RunHost = runfolder.Host
)

// Epoch is what was measured at the end of an epoch: a point of every curve.
type Epoch = runfolder.Epoch

// Prediction is what a model says of a picture, with the references.
type Prediction = runfolder.Prediction

// RunFolder is a run that was made before, as its folder has it.
type RunFolder struct {
	Dir     string // its path
	Folder  string // the folder's name: the time, the run's name, the first digits of its config's hash
	RunInfo        // as it was when the run was opened; the methods and the exports read the folder anew

	folder *runfolder.Folder
}

// ResultsFolder is where runs are found when no other folder is named: results in the checkout.
func ResultsFolder(results string) string {
	if results == "" {
		return nearPath(checkout.At("results"))
	}
	return results
}

// Runs lists the runs in a results folder, oldest first; "" is results in the checkout.
func Runs(results string) ([]*RunFolder, error) {
	folders, err := runfolder.List(ResultsFolder(results))
	if err != nil {
		return nil, err
	}
	var runs []*RunFolder
	for _, f := range folders {
		r, err := newRunFolder(f)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// BrokenRuns says of each folder in a results folder that has a run's files and can't be opened, which Runs leaves out, why it
// can't; "" is results in the checkout.
func BrokenRuns(results string) ([]error, error) { return runfolder.Broken(ResultsFolder(results)) }

func newRunFolder(f *runfolder.Folder) (*RunFolder, error) {
	info, err := f.Info()
	if err != nil {
		return nil, err
	}
	return &RunFolder{Dir: f.Dir, Folder: filepath.Base(f.Dir), RunInfo: info, folder: f}, nil
}

// now is the run as it stands: it may have gone on since it was opened.
func (r *RunFolder) now() (*RunFolder, error) { return newRunFolder(r.folder) }

// named is a folder's path that ends in its name, which ".", ".." and "a/" don't.
func named(dir string) string {
	dir = filepath.Clean(dir)
	if absolute, err := filepath.Abs(dir); err == nil && filepath.Base(dir) != filepath.Base(absolute) {
		return absolute
	}
	return dir
}

// ErrInProgress is wrapped by the errors of what can't be done with a run that is worked on, as Resume and RemoveRun.
var ErrInProgress = runfolder.ErrInProgress

// OpenRun finds a run: by the path of its folder, or in a results folder ("": results in the checkout) by the beginning
// of its folder's name, or by a part of it, where only one has it; "last" is the newest. The error is fs.ErrNotExist where
// there is no such run. All functions of this package that take a run without a results folder find it as OpenRun("", run).
func OpenRun(results, run string) (*RunFolder, error) {
	if _, err := os.Stat(run); err == nil || strings.ContainsRune(run, filepath.Separator) {
		f, err := runfolder.Open(named(run))
		if err != nil {
			return nil, err
		}
		return newRunFolder(f)
	}
	runs, err := Runs(results)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(runs))
	for n, r := range runs {
		names[n] = r.Folder
	}
	n, err := findFolder("run", ResultsFolder(results), run, names)
	if err != nil {
		if len(runs) > 0 && errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; captionlab ls lists the runs", err)
			if near := nearestRun(run, runs); near != "" && run != "" {
				err = fmt.Errorf("%w (did you mean %s?)", err, near)
			}
		}
		return nil, err
	}
	return runs[n], nil
}

// findFolder finds the name that is meant, among names that begin with a time, oldest first. Its error is fs.ErrNotExist where none is like it.
func findFolder(what, results, wanted string, names []string) (int, error) {
	if wanted == "last" && len(names) > 0 {
		return len(names) - 1, nil
	}
	for _, fits := range []func(name string) bool{
		func(name string) bool { return name == wanted },
		func(name string) bool { return strings.HasPrefix(name, wanted) },
		func(name string) bool { return strings.Contains(name, wanted) },
	} {
		var found []int
		for n, name := range names {
			if wanted != "" && fits(name) {
				found = append(found, n)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			slices.Reverse(found)
			text := ""
			for k, n := range found {
				if k == 5 {
					text += fmt.Sprintf("\n  … and %d more", len(found)-k)
					break
				}
				text += "\n  " + names[n]
			}
			return 0, fmt.Errorf("%q stands for %d %ss in %s:%s", wanted, len(found), what, results, text)
		}
	}
	if len(names) == 0 {
		return 0, &also{fmt.Errorf("no %s %q: %s has none", what, wanted, results), []error{fs.ErrNotExist}}
	}
	return 0, &also{fmt.Errorf("no %s like %q in %s", what, wanted, results), []error{fs.ErrNotExist}}
}

// nearestRun is a run's name like the wanted one: the folder's, or that of the experiment.
func nearestRun(wanted string, runs []*RunFolder) string {
	var names []string
	for _, r := range runs {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	for _, r := range runs {
		names = append(names, r.Folder)
	}
	near := config.Nearest(wanted, names)
	if near == wanted {
		return ""
	}
	return near
}

// Report is the path of the run's report; "" where it has none yet.
func (r *RunFolder) Report() string {
	path := filepath.Join(r.Dir, "report.html")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// ended is when the run ended, or, if that was not written, about when.
func (r *RunFolder) ended() time.Time {
	if !r.Finished.IsZero() {
		return r.Finished
	}
	return r.Started.Add(time.Duration(r.Seconds() * float64(time.Second)))
}

// Bytes is the size of all files in the folder, without those that the run removes meanwhile, as it does checkpoints.
func (r *RunFolder) Bytes() (total int64, err error) {
	dir, err := filepath.EvalSymlinks(r.Dir) // WalkDir doesn't enter a link
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var stat fs.FileInfo
			if stat, err = d.Info(); err == nil {
				total += stat.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return total, err
}

// Curve reads the epochs that the run has finished.
func (r *RunFolder) Curve() ([]Epoch, error) { return r.folder.Epochs() }

// Mean reads how the mean of the last epochs' weights was validated, and whether it is the model that was kept (Epoch.Best);
// found is false for a run without training.average_last, or still in training.
func (r *RunFolder) Mean() (mean Epoch, found bool, err error) { return r.folder.Mean() }

// Predictions reads a split's captions; the error is fs.ErrNotExist where the split was not captioned. Pictures' paths are
// absolute; those of a run of an earlier version may start at the working folder instead.
func (r *RunFolder) Predictions(split string) ([]Prediction, error) {
	return r.folder.ReadPredictions(split)
}

// Config reads the resolved config: sections as maps, values as TOML has them.
func (r *RunFolder) Config() (map[string]any, error) {
	var values map[string]any
	if _, err := toml.DecodeFile(r.folder.Path(runfolder.ResolvedFile), &values); err != nil {
		return nil, fmt.Errorf("%s: %w", r.folder.Path(runfolder.ResolvedFile), err)
	}
	return values, nil
}

// Settings reads the resolved config as one map: training.epochs to its value as TOML writes it. Keys that the run's
// version did not have yet have their defaults.
func (r *RunFolder) Settings() (map[string]string, error) {
	settings, err := r.folder.Settings()
	if err != nil {
		return nil, err
	}
	defaults, err := defaultSettings()
	if err != nil {
		return nil, err
	}
	for key, value := range defaults {
		if _, ok := settings[key]; !ok {
			settings[key] = value
		}
	}
	return settings, nil
}

// defaultSettings are the defaults of all keys, as TOML.
func defaultSettings() (map[string]string, error) {
	keys, err := config.Keys()
	if err != nil {
		return nil, err
	}
	defaults := map[string]string{}
	for _, k := range keys {
		defaults[k.Path()] = k.Default
	}
	delete(defaults, "extends") // resolved configs don't have it
	return defaults, nil
}

// MetricScores are a metric's score of a split and of its pictures.
type MetricScores struct {
	Score     float64   `json:"score"`
	Low       float64   `json:"low"` // of the 95 % interval by bootstrap over the pictures
	High      float64   `json:"high"`
	Signature string    `json:"signature"`
	Images    []float64 `json:"images"` // in the order of SplitScores.IDs
}

// SplitScores are the scores of a split's captions, by metric.
type SplitScores struct {
	Split      string                  `json:"split"`
	References string                  `json:"references"` // evaluation.references: cleaned or raw
	IDs        []string                `json:"image_ids"`
	Metrics    map[string]MetricScores `json:"metrics"`
}

// Scores reads scores/<split>.json; the error is fs.ErrNotExist where the split was not scored. Runs score the captions of the
// "validation" split alone; those of others, where they were captioned, are Predictions.
func (r *RunFolder) Scores(split string) (*SplitScores, error) {
	path := r.folder.Path("scores", split+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scores: %w", err)
	}
	s := &SplitScores{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// RemoveRun removes the folder of a run in a results folder ("": results in the checkout). It refuses a run in progress
// (ErrInProgress), and any folder that is no run's, lies elsewhere, or is a link.
func RemoveRun(results, dir string) error { return runfolder.Remove(ResultsFolder(results), dir) }

// CanRemoveRun says what RemoveRun would refuse; it removes nothing.
func CanRemoveRun(results, dir string) error { return runfolder.Removable(ResultsFolder(results), dir) }
