package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/study"
)

// How often the queue is looked at: at first often, then seldom, since it is asked of a controller that all users share.
const (
	firstLook = time.Second
	lastLook  = 15 * time.Second
)

// How long a task's own word may take to be seen on a network file system after Slurm said that it ended.
const (
	lateDone  = time.Minute     // of one that succeeded
	lateError = 5 * time.Second // of one that failed: there may be none
)

// watch waits until all tasks have ended, and keeps the ledger.
func (s *sweep) watch(ctx context.Context, tasks map[*job]*slurmTask) error {
	var open []*job // in the order of the cells
	for _, j := range s.jobs {
		if tasks[j] != nil {
			open = append(open, j)
		}
	}
	quiet := false // that Slurm does not answer was said
	for pause := firstLook; ; {
		byName := map[string]*slurmTask{}
		for _, j := range open {
			byName[tasks[j].name] = tasks[j]
		}
		err := s.ask(ctx, byName)
		switch {
		case err != nil && ctx.Err() == nil && !quiet:
			s.say("%v; asking again until it answers", err)
			quiet = true
		case err == nil:
			quiet = false
		}
		before := len(open)
		var failed error
		open = slices.DeleteFunc(open, func(j *job) bool {
			if failed != nil {
				return false
			}
			over, err := s.look(j, tasks[j], err == nil)
			failed = err
			return over
		})
		if failed != nil {
			return failed
		}
		if len(open) == 0 {
			return nil
		}
		if len(open) < before {
			pause = firstLook
		}
		select {
		case <-ctx.Done():
			left := &StillQueued{Tasks: len(open)}
			for _, j := range open {
				if id := tasks[j].job; !slices.Contains(left.Jobs, id) {
					left.Jobs = append(left.Jobs, id)
				}
			}
			slices.Sort(left.Jobs)
			return left
		case <-time.After(pause):
		}
		pause = min(pause*3/2, lastLook)
	}
}

// look tells the beginning and the end of a task. over: it has ended. fresh: its state is Slurm's answer of now.
func (s *sweep) look(j *job, t *slurmTask, fresh bool) (over bool, err error) {
	record, err := t.record()
	if err != nil {
		return false, err
	}
	if record.Run != "" && !t.begun {
		t.begun = true
		j.where = fmt.Sprintf("Slurm task %s on %s", t.name, record.Host)
		if err := s.begun(j, s.absolute(record.Run)); err != nil {
			return false, err
		}
	}
	dir, status, message, err := s.verdict(t)
	if err != nil {
		return false, err
	}
	switch {
	case status == runfolder.Done && !record.Ended.IsZero():
	case !fresh || t.alive():
		t.since = time.Time{}
		return false, nil
	case t.since.IsZero():
		t.since = time.Now()
		return false, nil
	case record.Ended.IsZero() && time.Since(t.since) < lateness(t):
		return false, nil
	}
	if status == runfolder.Done {
		return true, s.ended(j, dir, nil)
	}
	return true, s.stopped(j, dir, status, message)
}

func lateness(t *slurmTask) time.Duration {
	if t.state.Name == slurm.Completed {
		return lateDone
	}
	return lateError
}

// stopped enters a cell whose task ended before its run was done.
func (s *sweep) stopped(j *job, dir string, status study.Status, message string) error {
	c := &s.study.Cells[j.at]
	j.todo = false
	if dir != "" {
		info, err := (&runfolder.Folder{Dir: dir}).Info()
		if err != nil {
			return err
		}
		run := &knownRun{dir: dir, info: info, config: j.config}
		s.record(c, run)
		s.runs.add(run)
	}
	c.Status, c.Error = status, message
	s.say("cell %s: %s: %s", c.ID, c.Status, c.Error)
	return s.save()
}

// verdict says how a task that isn't alive stands: its run's folder ("" for none), the cell's status, and what went wrong,
// with the log's path.
func (s *sweep) verdict(t *slurmTask) (dir string, status study.Status, message string, err error) {
	record, err := t.record()
	if err != nil {
		return "", "", "", err
	}
	var info runfolder.Info
	if record.Run != "" {
		dir = s.absolute(record.Run)
		info, err = (&runfolder.Folder{Dir: dir}).Info()
		if errors.Is(err, fs.ErrNotExist) {
			return "", runfolder.Interrupted, "its run folder was removed", nil
		}
		if err != nil {
			return "", "", "", err
		}
		if info.Status == runfolder.Done {
			return dir, runfolder.Done, "", nil
		}
	}
	own := record.Error // what captionlab itself said
	if info.Status == runfolder.Failed && info.Error != runfolder.Killed {
		own = info.Error
	}
	at := fmt.Sprintf(" (Slurm task %s; log: %s)", t.name, t.log())
	why := slurm.Explain(t.state, t.log())
	switch {
	case !t.known && info.Status == runfolder.Interrupted:
		return dir, runfolder.Interrupted, "interrupted" + at, nil
	case t.dropped && record.Started.IsZero():
		return dir, runfolder.Interrupted, "cancelled before it began" + at, nil
	case !t.known && !t.sub.Cancelled.IsZero():
		return dir, runfolder.Interrupted, "cancelled" + at, nil
	case !t.known && own != "":
		return dir, runfolder.Failed, own + at, nil
	case !t.known:
		return dir, runfolder.Failed, "Slurm no longer knows the task, and its run is not done" + at, nil
	case t.state.Name == slurm.Cancelled && record.Started.IsZero() && t.sharedFailed():
		return dir, runfolder.Failed, s.sharedFailure(t), nil
	case t.state.Name == slurm.Cancelled, t.state.Name == slurm.Preempted:
		return dir, runfolder.Interrupted, why + at, nil
	case t.state.Name == slurm.Failed && info.Status == runfolder.Interrupted:
		return dir, runfolder.Interrupted, "interrupted" + at, nil
	case t.state.Name == slurm.Failed && own != "":
		return dir, runfolder.Failed, own + at, nil
	case t.state.Name == slurm.Completed:
		return dir, runfolder.Failed, why + ", but its run is not done" + at, nil
	}
	return dir, runfolder.Failed, why + at, nil
}

// sharedFailed reports whether the job that comes first failed by itself. Slurm then cancels those that wait for it.
func (t *slurmTask) sharedFailed() bool {
	return t.sharedKnown && t.shared.Ended() && t.shared.Name != slurm.Completed && t.shared.Name != slurm.Cancelled
}

// sharedFailure says why the work that cells share failed, so that they were never begun.
func (s *sweep) sharedFailure(t *slurmTask) string {
	log := slurm.LogFile(t.sub.logs(), t.sub.Shared)
	why := slurm.Explain(t.shared, log)
	var r taskRecord
	if err := readJSON(filepath.Join(t.sub.dir, "tasks", sharedCell+".json"), &r); err == nil && r.Error != "" {
		why = r.Error
	}
	return fmt.Sprintf("not begun: the work that the cells share failed: %s (Slurm job %s; log: %s)", why, t.sub.Shared, log)
}

// absolute is the path of a run folder that is named relative to the results folder.
func (s *sweep) absolute(run string) string {
	if filepath.IsAbs(run) {
		return run
	}
	return filepath.Join(s.results, filepath.FromSlash(run))
}

// errNoTasks is what cancel and status say of a study that Slurm never had.
var errNoTasks = errors.New("no cell of this study was submitted to Slurm")
