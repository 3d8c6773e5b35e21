package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/study"
)

// SweepOptions say how a study is carried out.
type SweepOptions struct {
	Options
	DryRun      bool   // plan alone: nothing is run or written
	RetryFailed bool   // try again cells that failed before
	Engine      string // where cells run: "local" (the default), this process; or "slurm", job arrays

	// Cell is called when a cell begins in this process (its Status is running), and when it has ended; may be nil. For cells
	// that Slurm runs it isn't called.
	Cell func(StudyCell)

	// For Slurm.
	Detach  bool   // return when the cells are submitted
	Command string // the captionlab command that tasks run; "": the one on PATH, else the checkout's bin/captionlab
}

// Study is a study as far as it came.
type Study struct {
	Dir         string // the study folder; "" for a dry run of a new study
	Name        string
	Description string
	Config      string // the study file's path
	Axes        []StudyAxis
	Seeds       []int64
	Cells       []StudyCell
	Skipped     []SkippedCells // what the study's rules left out; known to Sweep, not to OpenStudy
	Notes       []string       // axes that change nothing in some cells, other keys given in vain in every one; known to Sweep, not to OpenStudy
	Warnings    []string       // finished cells whose settings name the same data, which have changed between them
}

// StudyAxis is what varies between cells: a config key, or a named axis whose values are named cases.
type StudyAxis = study.Axis

// StudyGroup is the cells that differ in their seed alone, with their figures' means and deviations.
type StudyGroup = study.Group

// FigureSummary is a figure over the seeds of a group.
type FigureSummary = study.Summary

// SkippedCells says how many cells a rule of the study left out.
type SkippedCells = config.Skipped

// StudyCell is one run of a study.
type StudyCell struct {
	ID       string
	Settings map[string]any // by axis key: string, bool, int64, float64, or []any of them
	Seed     int64
	Hash     string // of the resolved config
	Dir      string // its run folder; "" before it began
	Status   string // pending, running, done, failed or interrupted
	Error    string
	Seconds  float64            // of all the run's stages
	Figures  map[string]float64 // of run.json, by name, once it is done
	Plan     string             // what Sweep does, or did, with it: "done already", "resume", "compute", …
	Estimate time.Duration      // of what Sweep has to compute, by finished runs of the same size; 0: unknown
}

// FailedCells is the error of a study whose cells were all tried, and some failed.
type FailedCells struct {
	Study     *Study
	Cells     []StudyCell
	Engine    string   // that Sweep was given
	Overrides []string // that Sweep was given
}

// Error lists the cells.
func (e *FailedCells) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d cells are not done", len(e.Cells), len(e.Study.Cells))
	for _, c := range e.Cells {
		first, _, _ := strings.Cut(c.Error, "\n")
		fmt.Fprintf(&b, "\n  %s: %s", c.ID, first)
	}
	return b.String()
}

// IsStudy reports whether a config, found as Run finds it, is a study of several runs.
func IsStudy(configPath string) bool {
	path, err := ConfigPath(configPath)
	return err == nil && config.IsStudy(path)
}

// Sweep carries out the study of a study file, found as Run finds a config; overrides hold for all cells.
//
// A cell is known by the hash of its resolved config. A finished run with that hash, from whatever study, is taken as
// it is; an interrupted or killed one goes on; so the same call after a crash finishes the study and repeats no
// finished cell. Where cells differ in training.epochs alone, the longer one goes on from the shorter one's last
// checkpoint. One cell's failure does not stop the others: the error is then *FailedCells, beside the study; another one says which
// cells are not done where none failed, as when another process has them. Where ctx ends it first, the error wraps ErrInterrupted,
// beside the study as well, which a nil ctx never does; a study file that can't be carried out is ConfigProblems.
func Sweep(ctx context.Context, studyPath string, overrides []string, o SweepOptions) (*Study, error) {
	if ctx == nil { // refused below, it would leave a study folder that nothing began in
		ctx = context.Background()
	}
	carryOut, ok := engines[o.Engine]
	if !ok {
		return nil, fmt.Errorf("no engine %q; there are %s", o.Engine, strings.Join(Engines(), ", "))
	}
	s, err := loadSweep(studyPath, overrides, o)
	if err != nil {
		return nil, err
	}
	if !o.DryRun {
		unlock, err := s.open()
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	if err := s.planCells(ctx); err != nil { // not before: what another call did until it left the study is known now
		return nil, err
	}
	if o.DryRun {
		return s.result(), nil
	}
	if err := s.save(); err != nil {
		return nil, err
	}
	s.announce()
	err = carryOut(ctx, s.waves(), s)
	saved := errors.Join(s.save(), s.writeTables())
	r := s.result()
	if err != nil {
		err = withContext(ctx, err)
		return r, errors.Join(fmt.Errorf("%w: %d of %d cells are done; the same command goes on", err, s.count(runfolder.Done), len(r.Cells)), saved)
	}
	if saved != nil {
		return r, saved
	}
	if o.Detach && o.Engine == slurmEngineName {
		return r, nil
	}
	return r, r.failure(o.Engine, overrides)
}

// Studies lists the studies in a results folder as they stand, oldest first; "" is results in the checkout. One that can't be
// read is left out, and the error, beside the others, names it.
func Studies(results string) ([]*Study, error) {
	dirs, err := study.List(ResultsFolder(results))
	if err != nil {
		return nil, err
	}
	var studies []*Study
	var unreadable error
	for _, dir := range dirs {
		s, err := OpenStudy(dir)
		if err != nil {
			unreadable = errors.Join(unreadable, err)
			continue
		}
		studies = append(studies, s)
	}
	return studies, unreadable
}

// OpenStudy reads a study as it stands. It is found by the path of its folder, or by its name in results in the checkout, as
// OpenRun finds runs; the error is fs.ErrNotExist where there is no such study.
func OpenStudy(dir string) (*Study, error) {
	if _, err := os.Stat(dir); err != nil {
		if dir, err = findStudy("", dir); err != nil {
			return nil, err
		}
	}
	l, err := study.Read(dir)
	if err != nil {
		return nil, err
	}
	r := studyOf(dir, l)
	finished := map[string]*knownRun{}
	for n := range r.Cells {
		c := &r.Cells[n]
		if folder, err := runfolder.Open(c.Dir); c.Dir != "" && err == nil {
			info, err := folder.Info()
			if err != nil {
				continue
			}
			if c.Status == string(runfolder.Running) || info.Status == runfolder.Done { // whoever kept the ledger may be gone
				c.Status, c.Error, c.Seconds = string(info.Status), info.Error, info.Seconds()
			}
			if info.Status == runfolder.Done {
				c.Figures = info.Results
				if loaded, err := config.Load(folder.Path(runfolder.ResolvedFile), nil); err == nil {
					finished[c.ID] = &knownRun{dir: c.Dir, info: info, config: loaded}
				}
			}
		}
	}
	r.Warnings = changedData(r.Cells, finished)
	return r, nil
}

// Groups puts cells together that differ in their seed alone.
func (r *Study) Groups() []StudyGroup { return study.Groups(r.rows()) }

// WriteTable writes the main figures as a table, a line a group of cells that differ in their seed alone, and the warnings.
func (r *Study) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintln(w, study.Table(r.Axes, r.rows()).Render())
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	return err
}

func (r *Study) rows() []study.Row {
	rows := make([]study.Row, len(r.Cells))
	for n, c := range r.Cells {
		run := ""
		if c.Dir != "" {
			run = filepath.Base(c.Dir)
		}
		rows[n] = study.Row{Figures: c.Figures, Cell: study.Cell{ID: c.ID, Settings: c.Settings, Seed: c.Seed, Hash: c.Hash, Run: run,
			Status: study.Status(c.Status), Error: c.Error, Seconds: c.Seconds}}
	}
	return rows
}

func (r *Study) failure(engine string, overrides []string) error {
	e := &FailedCells{Study: r, Engine: engine, Overrides: overrides}
	failed := false
	for _, c := range r.Cells {
		if c.Status != string(runfolder.Done) {
			e.Cells = append(e.Cells, c)
			failed = failed || c.Status == string(runfolder.Failed)
		}
	}
	switch {
	case len(e.Cells) == 0:
		return nil
	case !failed: // they were interrupted, or another process has them
		return fmt.Errorf("%v\nthe same command goes on", e)
	}
	return e
}

func studyOf(dir string, l *study.Ledger) *Study {
	r := &Study{Dir: dir, Name: l.Name, Description: l.Description, Config: l.Config, Axes: l.Axes, Seeds: l.Seeds}
	for _, c := range l.Cells {
		cell := StudyCell{ID: c.ID, Settings: maps.Clone(c.Settings), Seed: c.Seed, Hash: c.Hash, Status: string(c.Status), Error: c.Error, Seconds: c.Seconds}
		if c.Run != "" {
			cell.Dir = filepath.Join(filepath.Dir(named(dir)), c.Run)
		}
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// sweep is a study on its way.
type sweep struct {
	options SweepOptions
	study   *config.Study // its ledger is kept up to date
	results string
	dir     string // "" until the study folder is there
	runs    *runIndex
	jobs    []*job            // one a cell
	vocabs  map[string]string // hash of data and text keys -> folder with their vocab.json

	slurm slurm.Client
	tasks map[string]*slurmTask // by the cell's hash: what was submitted to Slurm
}

// newSweep loads the study file and plans every cell.
func newSweep(ctx context.Context, studyPath string, overrides []string, o SweepOptions) (*sweep, error) {
	s, err := loadSweep(studyPath, overrides, o)
	if err == nil {
		err = s.planCells(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// loadSweep loads the study file.
func loadSweep(studyPath string, overrides []string, o SweepOptions) (*sweep, error) {
	path, err := ConfigPath(studyPath)
	if err != nil {
		return nil, err
	}
	loaded, err := config.LoadStudy(path, overrides)
	if err != nil {
		return nil, err
	}
	present := map[string]bool{}
	for _, c := range loaded.Configs {
		if key := c.HashOf(isDataKey); !present[key] {
			present[key] = true
			if err := dataset.Present(dataSettings(c.Config)); err != nil {
				return nil, err
			}
		}
	}
	return &sweep{options: o, study: loaded, results: checkout.At(loaded.Configs[0].Config.Runtime.Results), vocabs: map[string]string{}}, nil
}

// planCells looks at what is there, runs, the study's ledger and its tasks, and plans every cell.
func (s *sweep) planCells(ctx context.Context) (err error) {
	if s.runs, err = indexRuns(s.results); err != nil {
		return err
	}
	before, err := s.find()
	if err != nil {
		return err
	}
	if s.options.Engine == slurmEngineName && before != nil {
		if err := s.findTasks(ctx, before); err != nil {
			return err
		}
	}
	s.plan(before)
	return nil
}

func isDataKey(key string) bool { return strings.HasPrefix(key, "data.") }

// find looks for the study's folder, the newest one of its name and cells, and reads its ledger. Where that one can't be read it is an
// error: begun anew, the study would forget what failed and what it has in Slurm's queue.
func (s *sweep) find() (*study.Ledger, error) {
	dirs, err := study.List(s.results)
	if err != nil {
		return nil, err
	}
	for _, dir := range slices.Backward(dirs) {
		l, err := study.Read(dir)
		switch {
		case err != nil && study.IsOf(dir, &s.study.Ledger):
			return nil, fmt.Errorf("%w; mend it, or move the folder away to begin the study anew", err)
		case err == nil && l.Hash == s.study.Hash && l.Name == s.study.Name:
			s.dir = dir
			return l, nil
		}
	}
	return nil, nil
}

// open locks the study's folder, which it makes where there is none.
func (s *sweep) open() (unlock func(), err error) {
	if err := os.MkdirAll(s.results, 0o755); err != nil {
		return nil, fmt.Errorf("results folder: %w", err)
	}
	alone := flock.New(filepath.Join(s.results, ".study.lock"), flock.SetPermissions(0o644)) // two calls at once make one folder
	if err := alone.Lock(); err != nil {
		return nil, fmt.Errorf("results folder: %w", err)
	}
	defer alone.Unlock()
	if _, err := s.find(); err != nil {
		return nil, err
	}
	if s.dir == "" {
		if s.dir, err = study.Create(s.results, &s.study.Ledger); err != nil {
			return nil, err
		}
	}
	return study.Lock(s.dir)
}

func (s *sweep) save() error { return study.Write(s.dir, &s.study.Ledger) }

// writeTables writes study.csv and study.md.
func (s *sweep) writeTables() error {
	r := s.result()
	rows := r.rows()
	var b bytes.Buffer
	if err := study.WriteCSV(&b, s.study.Axes, rows); err != nil {
		return err
	}
	folder := &runfolder.Folder{Dir: s.dir}
	return errors.Join(folder.WriteFile(study.CSVFile, b.Bytes()), folder.WriteFile(study.MarkdownFile, study.Markdown(&s.study.Ledger, rows, r.Warnings)))
}

func (s *sweep) result() *Study {
	dir := s.dir
	if dir == "" {
		dir = filepath.Join(s.results, "none")
	}
	r := studyOf(dir, &s.study.Ledger)
	r.Dir, r.Skipped, r.Notes = s.dir, s.study.Skipped, s.study.Notes()
	finished := map[string]*knownRun{}
	for n, j := range s.jobs {
		c := &r.Cells[n]
		c.Plan, c.Estimate = j.plan, j.estimate
		if run := s.runs.done[j.config.Hash]; run != nil && c.Status == string(runfolder.Done) {
			c.Figures = maps.Clone(run.info.Results) // the caller's to change
			finished[c.ID] = run
		}
	}
	r.Warnings = changedData(r.Cells, finished)
	return r
}

func (s *sweep) count(status study.Status) (n int) {
	for _, c := range s.study.Cells {
		if c.Status == status {
			n++
		}
	}
	return n
}
