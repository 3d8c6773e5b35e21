package experiments

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

// What a comparison holds. A group is the runs of one config, which differ in seeds alone.
type (
	ComparedGroup      = compare.Group
	ComparedRun        = compare.Run
	ComparedFigure     = compare.Figure
	ComparedColumn     = compare.Column
	ComparedDifference = compare.Difference
	ColumnKind         = compare.Kind
	LeftOutRun         = compare.LeftOut
	SizeCurve          = compare.SizeCurve
	SizePoint          = compare.SizePoint
	PowerLaw           = compare.PowerLaw
)

// The kinds of columns, which say between which groups a figure can be compared.
const (
	MetricColumn       = compare.Metric
	PerCharacterColumn = compare.PerCharacter
	PerTokenColumn     = compare.PerToken
	CostColumn         = compare.Cost
)

// ErrNothingToCompare is wrapped by Compare's error where fewer than two runs can be compared.
var ErrNothingToCompare = compare.ErrNothing

// ErrNoPowerLaw is wrapped by FitPowerLaw's error.
var ErrNoPowerLaw = compare.ErrNoPowerLaw

// FitPowerLaw fits y = a·n^(-b) + c to a learning curve: y[i] was measured with n[i] pictures. The error is ErrNoPowerLaw where
// the points don't determine a law: it takes at least three different sizes.
func FitPowerLaw(n, y []float64) (*PowerLaw, error) { return compare.FitPowerLaw(n, y) }

// CompareOptions say what Compare compares; each may be left out.
type CompareOptions struct {
	Results   string // where runs and studies are looked for; "": results in the checkout
	Split     string // whose captions are compared; "": validation
	Baseline  string // a run of the group that the others are measured against; "": the first run's
	Resamples int    // of the bootstrap; 0: 1,000
}

// asked is what makes another page of the same runs; "" for nothing.
func (o CompareOptions) asked() (asked string) {
	if o.Split != "" && o.Split != dataset.Validation {
		asked += "-" + o.Split
	}
	if o.Baseline != "" {
		asked += "-against-" + o.Baseline
	}
	if o.Resamples != 0 && o.Resamples != defaultResamples {
		asked += fmt.Sprintf("-%d-resamples", o.Resamples)
	}
	return asked
}

// Comparison is runs beside each other: groups, figures, differences, learning curves.
type Comparison struct {
	*compare.Comparison
	Title, Description string

	dir     string // where Write writes when it is not told
	missing []compare.LeftOut
}

// Compare compares runs, and the runs of studies: each path is the folder of a run or of a study, or a name that
// OpenRun finds; alone, a name that fits a study, too, is the study. Runs that can't be compared with the others are left out, with the reason in LeftOut.
func Compare(ctx context.Context, paths []string, o CompareOptions) (*Comparison, error) {
	if o.Resamples < 0 {
		return nil, fmt.Errorf("bootstrap: Resamples is %d; expected at least 1, or 0 for 1,000", o.Resamples)
	}
	c := &Comparison{}
	var folders []*runfolder.Folder
	for _, path := range paths {
		found, err := c.find(path, o.Results, len(paths) == 1)
		if err != nil {
			return nil, err
		}
		folders = append(folders, found...)
	}
	if len(folders) == 0 {
		err := fmt.Errorf("%w: no run", ErrNothingToCompare)
		if len(c.missing) > 0 {
			err = fmt.Errorf("%w is left; %s", err, c.missing[0].Reason)
		}
		return nil, err
	}
	options := compare.Options{Split: o.Split, Resamples: o.Resamples, LeftOut: c.missing}
	if o.Split == "" {
		options.Split = dataset.Validation
	}
	if o.Baseline != "" {
		base, err := OpenRun(o.Results, o.Baseline)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		n := slices.IndexFunc(folders, func(f *runfolder.Folder) bool { return filepath.Base(f.Dir) == base.Folder })
		if n < 0 {
			return nil, fmt.Errorf("baseline: %s is not among the runs that are compared", base.Folder)
		}
		options.Baseline, o.Baseline = folders[n].Dir, base.Folder
	}
	var err error
	if options.Defaults, err = defaultSettings(); err != nil {
		return nil, err
	}
	if c.Comparison, err = compare.Runs(ctx, folders, options); err != nil {
		return nil, err
	}
	ofStudy := c.dir != "" && len(paths) == 1
	if !ofStudy {
		c.Title, c.Description = "", ""
	}
	if asked := o.asked(); !ofStudy || asked != "" { // the study's own page, which Sweep writes, stays
		c.dir = filepath.Join(filepath.Dir(folders[0].Dir), comparisonName(folders, asked))
	}
	if c.Title == "" {
		c.Title = comparisonTitle(c.Comparison)
	}
	return c, nil
}

// find opens what a path stands for: a run, or the runs of a study. Where it stands alone and a name fits both, as "last"
// does, it is the study: one run has nothing to be compared with.
func (c *Comparison) find(path, results string, alone bool) ([]*runfolder.Folder, error) {
	dir := path
	if _, err := os.Stat(filepath.Join(dir, study.File)); err != nil {
		r, runErr := OpenRun(results, path)
		if runErr == nil && !alone {
			return []*runfolder.Folder{r.folder}, nil
		}
		if dir, err = findStudy(results, path); err != nil {
			if runErr != nil {
				return nil, runErr
			}
			return []*runfolder.Folder{r.folder}, nil
		}
	}
	dir = named(dir)
	ledger, err := study.Read(dir)
	if err != nil {
		return nil, err
	}
	c.Title, c.Description, c.dir = ledger.Name, ledger.Description, dir
	var folders []*runfolder.Folder
	gone := 0
	for _, cell := range ledger.Cells {
		if cell.Run == "" {
			continue
		}
		run := filepath.Join(filepath.Dir(dir), filepath.FromSlash(cell.Run))
		f, err := runfolder.Open(run)
		if err != nil { // removed since
			gone++
			c.missing = append(c.missing, compare.LeftOut{Dir: run, Name: filepath.Base(run), Reason: fmt.Sprintf("study %s, cell %s: %v", ledger.Name, cell.ID, err)})
			continue
		}
		folders = append(folders, f)
	}
	if len(folders)+gone == 0 {
		return nil, fmt.Errorf("%w: study %s has no run yet", ErrNothingToCompare, ledger.Name)
	}
	return folders, nil
}

// findStudy finds a study folder by its name as OpenRun finds runs.
func findStudy(results, wanted string) (string, error) {
	if strings.ContainsRune(wanted, filepath.Separator) {
		return "", &also{fmt.Errorf("study folder %s does not exist", wanted), []error{fs.ErrNotExist}}
	}
	dirs, err := study.List(ResultsFolder(results))
	if err != nil {
		return "", err
	}
	names := make([]string, len(dirs))
	for n, dir := range dirs {
		names[n] = filepath.Base(dir)
	}
	n, err := findFolder("study", ResultsFolder(results), wanted, names)
	if err != nil {
		return "", err
	}
	return dirs[n], nil
}

// comparisonName is the same for the same runs and options, so that comparing them again replaces what was written.
func comparisonName(folders []*runfolder.Folder, asked string) string {
	var names []string
	for _, f := range folders {
		names = append(names, filepath.Base(f.Dir))
	}
	slices.Sort(names)
	names = slices.Compact(names) // a run may be named twice
	return fmt.Sprintf("comparison-%.4x%s", sha256.Sum256([]byte(strings.Join(names, "\n"))), asked)
}

// comparisonTitle names the experiments.
func comparisonTitle(c *compare.Comparison) string {
	var names []string
	for _, r := range c.Runs() {
		if !slices.Contains(names, r.Info.Name) {
			names = append(names, r.Info.Name)
		}
	}
	if len(names) > 4 {
		names = append(names[:4], fmt.Sprintf("%d more", len(names)-4))
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// comparedPictures is how many pictures a comparison shows with all captions.
const comparedPictures = 12

// Write writes comparison.html, .md, .csv and .json, and the plots, into a folder ("": the study's own where a study is compared
// as Sweep does, on the validation split and against the first group, else comparison-… beside the runs), and returns the page's path.
func (c *Comparison) Write(dir string) (page string, err error) {
	if dir == "" {
		dir = c.dir
	}
	err = report.WriteComparison(dir, report.ComparisonData{Title: c.Title, Description: c.Description, Comparison: c.Comparison, Pictures: comparedPictures})
	return filepath.Join(dir, report.ComparisonFile), err
}

// orNaN is a figure, or NaN where there is none.
func orNaN(figures map[string]float64, name string) float64 {
	if x, ok := figures[name]; ok {
		return x
	}
	return math.NaN()
}
