package experiments

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/study"
)

// SlurmStatus is how a study stands that was submitted to Slurm.
type SlurmStatus struct {
	Study *Study
	Tasks []SlurmTask // one a cell, in the study's order
	Logs  []string    // the folders with the tasks' logs
}

// SlurmTask is a cell and the task that last had it.
type SlurmTask struct {
	Cell    StudyCell
	Task    string        // "12_3"; "" for a cell that was not submitted
	State   string        // as Slurm names it; "" when Slurm no longer knows the task
	Reason  string        // why it waits; "" when it doesn't
	Node    string        // where it runs or ran
	Elapsed time.Duration // its running time
	Epochs  int           // that its run has
	Of      int           // epochs of the config
	Log     string        // what it printed
}

// OpenSlurm says how Slurm stands with a study's cells. It changes nothing.
func OpenSlurm(ctx context.Context, studyPath string, overrides []string) (*SlurmStatus, error) {
	s, err := submittedStudy(ctx, studyPath, overrides)
	if err != nil {
		return nil, err
	}
	r := &SlurmStatus{Study: s.result()}
	for n, c := range r.Study.Cells {
		row := SlurmTask{Cell: c, Of: s.jobs[n].config.Config.Training.TotalEpochs()}
		if t := s.tasks[c.Hash]; t != nil {
			record, err := t.record()
			if err != nil {
				return nil, err
			}
			row.Task, row.Log = t.name, t.log()
			if t.known {
				row.State, row.Reason, row.Node, row.Elapsed = t.state.Name, t.state.Reason, t.state.Node, t.state.Elapsed
			}
			if record.Run != "" && c.Dir == "" {
				row.Cell.Dir = s.absolute(record.Run)
			}
			if logs := t.sub.logs(); !slices.Contains(r.Logs, logs) {
				r.Logs = append(r.Logs, logs)
			}
		}
		if row.Cell.Dir != "" {
			if epochs, err := (&runfolder.Folder{Dir: row.Cell.Dir}).Epochs(); err == nil {
				row.Epochs = len(epochs)
			}
		}
		r.Tasks = append(r.Tasks, row)
	}
	slices.Sort(r.Logs)
	return r, nil
}

// WriteTable writes the tasks as a table, what went wrong below it, and where the logs are.
func (r *SlurmStatus) WriteTable(w io.Writer) error {
	rows := make([]study.TaskRow, len(r.Tasks))
	counts := map[string]int{}
	for n, t := range r.Tasks {
		counts[t.Cell.Status]++
		slurmState := t.State
		if t.Reason != "" {
			slurmState += " (" + t.Reason + ")"
		}
		rows[n] = study.TaskRow{Cell: t.Cell.ID, Status: t.Cell.Status, Task: t.Task, State: slurmState, Node: t.Node, Epochs: fmt.Sprintf("%d of %d", t.Epochs, t.Of)}
		if t.Elapsed > 0 {
			rows[n].Time = roundTime(t.Elapsed)
		}
	}
	if _, err := fmt.Fprintln(w, study.TaskTable(rows).Render()); err != nil {
		return err
	}
	summary := fmt.Sprintf("%d cells", len(r.Tasks))
	for _, status := range []study.Status{runfolder.Done, runfolder.Running, study.Pending, runfolder.Failed, runfolder.Interrupted} {
		if n := counts[string(status)]; n > 0 {
			summary += fmt.Sprintf(", %d %s", n, status)
		}
	}
	if _, err := fmt.Fprintln(w, summary); err != nil {
		return err
	}
	for _, t := range r.Tasks {
		if t.Cell.Error != "" {
			fmt.Fprintf(w, "%s: %s: %s\n", t.Cell.ID, t.Cell.Status, t.Cell.Error)
		}
	}
	for _, logs := range r.Logs {
		if _, err := fmt.Fprintf(w, "logs: %s\n", logs); err != nil {
			return err
		}
	}
	return nil
}

// CancelSlurm ends all tasks of a study that wait or run, and returns how many there were and of which jobs. Running ones
// keep a checkpoint: the study goes on from there when it is submitted again. It ends tasks of its cells that another study submitted, too.
func CancelSlurm(ctx context.Context, studyPath string, overrides []string) (tasks int, jobs []string, err error) {
	s, err := submittedStudy(ctx, studyPath, overrides)
	if err != nil {
		return 0, nil, err
	}
	all, err := submissions(s.dir)
	if err != nil {
		return 0, nil, err
	}
	for _, sub := range all {
		states, err := s.slurm.States(ctx, sub.tasks())
		if err != nil {
			return 0, nil, err
		}
		alive := func(task string) bool {
			state, known := slurm.Of(states, task)
			return known && !state.Ended()
		}
		var here []string
		if sub.Shared != "" && alive(sub.Shared) {
			here = append(here, sub.Shared)
		}
		for _, j := range sub.Jobs {
			left := 0
			for _, number := range j.Cells {
				if alive(slurm.Task(j.ID, number-j.Offset)) {
					left++
				}
			}
			if tasks += left; left > 0 {
				here = append(here, j.ID)
			}
		}
		if len(here) == 0 {
			continue
		}
		sub.Cancelled = now()
		if err := sub.save(); err != nil {
			return 0, nil, err
		}
		slices.Reverse(here) // those that wait for others first, so that none of them begins
		if err := s.slurm.Cancel(ctx, here); err != nil {
			return 0, nil, err
		}
		jobs = append(jobs, here...)
	}
	var others []string // tasks
	for _, c := range s.study.Cells {
		if t := s.tasks[c.Hash]; t != nil && t.alive() && filepath.Dir(filepath.Dir(t.sub.dir)) != s.dir {
			others = append(others, t.name)
			if !slices.Contains(jobs, t.job) {
				jobs = append(jobs, t.job)
			}
		}
	}
	if len(others) > 0 {
		if err := s.slurm.Cancel(ctx, others); err != nil {
			return 0, nil, err
		}
		tasks += len(others)
	}
	slices.Sort(jobs)
	return tasks, jobs, nil
}

// submittedStudy is a study that Slurm has or had.
func submittedStudy(ctx context.Context, studyPath string, overrides []string) (*sweep, error) {
	s, err := newSweep(ctx, studyPath, overrides, SweepOptions{Engine: slurmEngineName})
	if err != nil {
		return nil, err
	}
	if len(s.tasks) == 0 {
		return nil, fmt.Errorf("%w: a sweep with the engine slurm submits them", errNoTasks)
	}
	return s, nil
}
