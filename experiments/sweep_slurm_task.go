package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
)

// sharedCell is the name of the work that the cells of a submission share.
const sharedCell = "shared"

// RunCell is what a Slurm task of a study does. dir is the folder of a submission, slurm/<n> in the study's folder; cell
// is a cell's number, or "shared": what the submission's cells share is then done once.
//
// A cell goes on with the run of its config that is there, as Resume does, or begins one as Sweep would. One that is done
// is left as it is, so a task may be started again at any time.
func RunCell(ctx context.Context, dir, cell string, o Options) error {
	sub, err := readSubmission(dir)
	if err != nil {
		return fmt.Errorf("%s is no folder of a submission: %w", dir, err)
	}
	host, _ := os.Hostname()
	record := taskRecord{Task: slurmTaskName(), Host: host, Started: now()}
	path := filepath.Join(sub.dir, "tasks", cell+".json")
	note := func(change func(*taskRecord)) error {
		change(&record)
		return writeRecord(path, record)
	}
	do := sub.runCell
	if cell == sharedCell {
		do = sub.runShared
	}
	err = note(func(*taskRecord) {})
	if err == nil {
		err = do(ctx, cell, o, note)
	}
	return errors.Join(err, note(func(r *taskRecord) {
		r.Ended = now()
		if err != nil {
			r.Error = cause(err).Error()
		}
	}))
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// slurmTaskName is the task's name as Slurm's commands have it; "" outside of Slurm.
func slurmTaskName() string {
	if index, err := strconv.Atoi(os.Getenv("SLURM_ARRAY_TASK_ID")); err == nil {
		return slurm.Task(os.Getenv("SLURM_ARRAY_JOB_ID"), index)
	}
	return os.Getenv("SLURM_JOB_ID")
}

// runCell makes or finds the cell's run folder, says which it is, and goes on with it.
func (sub *submission) runCell(ctx context.Context, cell string, o Options, note func(func(*taskRecord)) error) error {
	number, err := strconv.Atoi(cell)
	if err != nil {
		return fmt.Errorf("expected a cell's number, or %q, got %q", sharedCell, cell)
	}
	want, ok := sub.find(number)
	if !ok {
		return fmt.Errorf("%s has no cell %d", sub.dir, number)
	}
	c, err := sub.readCell(number)
	if err != nil {
		return err
	}
	if c.Hash != want.Hash {
		return fmt.Errorf("cell %s: captionlab has changed since it was submitted: cancel the study and submit it again", want.ID)
	}
	s := &sweep{options: SweepOptions{Options: o}, results: sub.Results, vocabs: map[string]string{}}
	if s.runs, err = indexRuns(sub.Results); err != nil {
		return err
	}
	shared := sharedFolder(filepath.Dir(filepath.Dir(sub.dir)), c)
	if _, err := os.Stat(filepath.Join(shared, runfolder.VocabularyFile)); err == nil {
		s.vocabs[corpus(c)] = shared
	}
	j := &job{config: c}
	if done := s.runs.done[c.Hash]; done != nil {
		return note(func(r *taskRecord) { r.Run = s.relative(done.dir) })
	}
	if open := s.runs.open[c.Hash]; open != nil {
		if err := untilFree(ctx, open.dir); err != nil {
			return err
		}
		j.dir = open.dir
	}
	folder, err := s.prepare(j)
	if err != nil {
		return err
	}
	if err := note(func(r *taskRecord) { r.Run = s.relative(folder) }); err != nil {
		return err
	}
	return s.resume(ctx, folder, o)
}

// busyLimit is how long a task waits for another process to leave its run: that of a task that was cancelled, which Slurm
// lets write its checkpoint.
const busyLimit = 2 * time.Minute

// untilFree waits until no other process works on a run.
func untilFree(ctx context.Context, dir string) error {
	for began := time.Now(); ; {
		info, err := (&runfolder.Folder{Dir: dir}).Info()
		if err != nil || info.Status != runfolder.Running {
			return err
		}
		if time.Since(began) > busyLimit {
			return fmt.Errorf("the run %s is %s", dir, planBusy)
		}
		select {
		case <-ctx.Done():
			return ErrInterrupted
		case <-time.After(time.Second):
		}
	}
}

// lockWhenFree locks a folder as soon as no other process has it.
func lockWhenFree(ctx context.Context, folder *runfolder.Folder) (unlock func(), err error) {
	for began := time.Now(); ; {
		unlock, err = folder.Lock() // which waits a little itself
		if !errors.Is(err, runfolder.ErrInProgress) || time.Since(began) > busyLimit {
			return unlock, err
		}
		if ctx.Err() != nil {
			return nil, ErrInterrupted
		}
	}
}

// runShared does once what cells share: it reads or draws the pictures, computes their features into the cache, and makes
// the vocabularies. Where it fails, the cells of that config say why themselves; only when nothing succeeds is it an error.
func (sub *submission) runShared(ctx context.Context, _ string, o Options, _ func(func(*taskRecord)) error) error {
	studyDir := filepath.Dir(filepath.Dir(sub.dir))
	tried := map[string]bool{}
	var failed error
	succeeded := 0
	for _, cell := range sub.Cells {
		c, err := sub.readCell(cell.Number)
		if err != nil {
			return err
		}
		dir := sharedFolder(studyDir, c)
		if tried[dir] {
			continue
		}
		tried[dir] = true
		record := taskRecord{Task: slurmTaskName(), Started: now()}
		err = shareWork(ctx, dir, c, o)
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if record.Ended = now(); err != nil {
			record.Error = err.Error()
			failed = errors.Join(failed, err)
			if o.Stderr != nil {
				fmt.Fprintf(o.Stderr, "the cell %s and others like it: %v\n", cell.ID, err)
			}
		} else {
			succeeded++
		}
		if err := writeRecord(filepath.Join(dir, "shared.json"), record); err != nil {
			return err
		}
	}
	if succeeded == 0 {
		return failed
	}
	return nil
}

// shareWork runs an experiment's first stages in a folder of their own.
func shareWork(ctx context.Context, dir string, c *config.Loaded, o Options) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	folder := &runfolder.Folder{Dir: dir}
	unlock, err := lockWhenFree(ctx, folder)
	if err != nil {
		return err
	}
	defer unlock()
	e, err := newExperiment(folder, c, o)
	if err != nil {
		return err
	}
	defer e.close()
	return recovered(func() error {
		for _, stage := range []func(context.Context) error{e.loadData, e.tokenize, e.openBackend, e.encodePictures} {
			if err := stage(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
