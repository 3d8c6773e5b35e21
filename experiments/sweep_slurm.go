package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/study"
)

const slurmEngineName = "slurm"

// StillQueued is the error of a call that was interrupted while Slurm goes on with a study's tasks.
type StillQueued struct {
	Jobs  []string
	Tasks int
}

// Error says what goes on.
func (e *StillQueued) Error() string {
	return fmt.Sprintf("%v; Slurm goes on with %s of %s", ErrInterrupted, english.Plural(e.Tasks, "task", ""), jobList(e.Jobs))
}

// Unwrap gives ErrInterrupted.
func (e *StillQueued) Unwrap() error { return ErrInterrupted }

func jobList(ids []string) string {
	if len(ids) == 1 {
		return "job " + ids[0]
	}
	return "jobs " + strings.Join(ids, ", ")
}

// slurmEngine submits the cells that are not in Slurm's queue yet, and waits for all of them.
func slurmEngine(ctx context.Context, waves [][]*job, s *sweep) error {
	tasks := map[*job]*slurmTask{}
	todo := 0
	for _, wave := range waves {
		for _, j := range wave {
			if j.task != nil {
				tasks[j] = j.task
			} else {
				todo++
			}
		}
	}
	if todo > 0 {
		submitted, err := s.submit(ctx, waves)
		if err != nil {
			return err
		}
		for j, t := range submitted {
			tasks[j] = t
		}
	}
	if s.options.Detach {
		return nil
	}
	return s.watch(ctx, tasks)
}

// findTasks looks at what earlier calls submitted, and asks Slurm how it stands. Tasks that ended while nobody looked are
// entered into the earlier call's ledger. What another study submitted, as this one before its file was edited, counts while it is alive.
func (s *sweep) findTasks(ctx context.Context, before *study.Ledger) error {
	own, err := submissions(s.dir)
	if err != nil {
		return err
	}
	others, err := s.othersTasks()
	if err != nil || len(own)+len(others) == 0 {
		return err
	}
	s.tasks = tasksOf(own)
	byName := map[string]*slurmTask{}
	for _, tasks := range []map[string]*slurmTask{s.tasks, others} {
		for _, t := range tasks {
			byName[t.name] = t
		}
	}
	if err := s.ask(ctx, byName); err != nil {
		return err
	}
	for hash, t := range others {
		if mine := s.tasks[hash]; t.alive() && (mine == nil || !mine.alive()) {
			s.tasks[hash] = t
		}
	}
	for n := range before.Cells {
		c := &before.Cells[n]
		t := s.tasks[c.Hash]
		if t == nil || s.runs.done[c.Hash] != nil || t.alive() || c.Status != study.Pending && c.Status != runfolder.Running {
			continue
		}
		_, status, message, err := s.verdict(t)
		if err != nil {
			return err
		}
		c.Status, c.Error = status, message
	}
	return nil
}

// othersTasks are the newest tasks by which other studies in the results folder submitted this one's cells, by the cells' hashes;
// none for a cell that is done.
func (s *sweep) othersTasks() (map[string]*slurmTask, error) {
	dirs, err := study.List(s.results)
	if err != nil {
		return nil, err
	}
	newest := map[string]*slurmTask{}
	for _, dir := range dirs {
		if dir == s.dir {
			continue
		}
		subs, err := submissions(dir)
		if err != nil { // that study's own sweep says it, too
			s.say("warning: whether %s has cells of this study in Slurm's queue is unknown: %v", filepath.Base(dir), err)
			continue
		}
		tasks := tasksOf(subs)
		for _, c := range s.study.Cells {
			t, known := tasks[c.Hash], newest[c.Hash]
			if t != nil && s.runs.done[c.Hash] == nil && (known == nil || t.sub.Submitted.After(known.sub.Submitted)) {
				newest[c.Hash] = t
			}
		}
	}
	return newest, nil
}

// ask brings the tasks' states up to date.
func (s *sweep) ask(ctx context.Context, tasks map[string]*slurmTask) error {
	var names []string
	for _, t := range tasks {
		names = append(names, t.name)
		if t.sub.Shared != "" && !slices.Contains(names, t.sub.Shared) {
			names = append(names, t.sub.Shared)
		}
	}
	states, err := s.slurm.States(ctx, names)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		t.state, t.known = slurm.Of(states, t.name)
		t.dropped = !t.known && slurm.Knows(states, t.job)
		t.shared, t.sharedKnown = slurm.State{}, false
		if t.sub.Shared != "" {
			t.shared, t.sharedKnown = slurm.Of(states, t.sub.Shared)
		}
	}
	return nil
}

// alive reports whether the task is in the queue or runs.
func (t *slurmTask) alive() bool { return t.known && !t.state.Ended() }

// blockSize is how many cells an array may have: Slurm's usual limit (MaxArraySize) lets indices go up to 1,000.
const blockSize = 1000

// submit hands the jobs of the waves that have no task to Slurm: what they share first, then an array a wave, which
// starts when the wave before has ended. It submits all of it or nothing.
func (s *sweep) submit(ctx context.Context, waves [][]*job) (tasks map[*job]*slurmTask, err error) {
	command, err := captionlabCommand(s.options.Command)
	if err != nil {
		return nil, err
	}
	var fresh []*job
	for _, wave := range waves {
		for _, j := range wave {
			if j.task == nil {
				fresh = append(fresh, j)
			}
		}
	}
	if err := s.download(ctx, fresh); err != nil {
		return nil, err
	}
	sub, err := s.writeSubmission(command, fresh)
	if err != nil {
		return nil, err
	}
	// From here on Ctrl-C waits: what is half submitted could not be found again.
	ctx = context.WithoutCancel(ctx)
	tasks, err = s.submitAll(ctx, sub, waves, fresh)
	if err != nil {
		if ids := sub.jobs(); len(ids) > 0 {
			err = errors.Join(err, s.slurm.Cancel(ctx, ids))
		}
		return nil, errors.Join(err, os.RemoveAll(sub.dir))
	}
	for _, j := range fresh {
		c := &s.study.Cells[j.at]
		c.Status, c.Error = study.Pending, ""
	}
	s.say("submitted %s to Slurm as %s; logs: %s", english.Plural(len(fresh), "cell", ""), jobList(sub.jobs()), sub.logs())
	return tasks, s.save()
}

// captionlabCommand is the command that tasks run, with an absolute path.
func captionlabCommand(given string) (string, error) {
	path := given
	if path == "" {
		found, err := exec.LookPath("captionlab")
		if err != nil {
			found = filepath.Join(Root(), "bin", "captionlab")
			if _, err := os.Stat(found); err != nil {
				return "", fmt.Errorf("Slurm's tasks run the captionlab command, and it is neither on PATH nor at %s: make build makes it", found)
			}
		}
		path = found
	}
	return filepath.Abs(path)
}

// download brings what the cells' encoders and the backend need into the cache, since the machines of a cluster seldom
// reach the network. What can't be had here is left to the tasks: they may be on machines with GPUs.
func (s *sweep) download(ctx context.Context, jobs []*job) error {
	seen := map[string]bool{}
	for _, j := range jobs {
		c := j.config.Config
		if key := j.config.HashOf(func(key string) bool { return strings.HasPrefix(key, "encoder.") || strings.HasPrefix(key, "runtime.") }); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		cache := checkout.At(c.Runtime.Cache)
		enc, err := encoder.New(c.Encoder)
		if err == nil {
			err = enc.LoadWeights(ctx, cache, s.options.Stderr)
		}
		if err != nil && ctx.Err() == nil {
			s.say("%v; leaving it to the tasks", err)
		}
		if a, err := accel.Open(ctx, c.Runtime.Settings, cache, s.options.Stderr); err == nil {
			a.Close()
		}
		if ctx.Err() != nil {
			return ErrInterrupted
		}
	}
	return nil
}

// writeSubmission writes all that tasks read.
func (s *sweep) writeSubmission(command string, jobs []*job) (*submission, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return nil, err
	}
	sub, err := newSubmission(dir)
	if err != nil {
		return nil, err
	}
	sub.Command, sub.Folder, sub.Results = command, folder, filepath.Dir(dir)
	for _, j := range jobs {
		c := s.study.Cells[j.at]
		sub.Cells = append(sub.Cells, submittedCell{Number: j.at + 1, ID: c.ID, Hash: c.Hash})
		if err := sub.writeCell(j.at+1, j.config); err != nil {
			return nil, err
		}
	}
	settings := jobs[0].config.Config.Slurm
	script := slurm.Script("A cell of the study "+s.study.Name+", or what its cells share. Written by captionlab sweep.", settings.Setup,
		[]string{command, "cell", sub.dir})
	if err := os.WriteFile(filepath.Join(sub.dir, "task.sh"), script, 0o755); err != nil {
		return nil, err
	}
	return sub, sub.save()
}

// submitAll calls sbatch.
func (s *sweep) submitAll(ctx context.Context, sub *submission, waves [][]*job, fresh []*job) (map[*job]*slurmTask, error) {
	settings := fresh[0].config.Config.Slurm
	base := slurm.Job{Name: "captionlab-" + s.study.Name, Script: filepath.Join(sub.dir, "task.sh"), Dir: sub.Folder, Log: sub.logs()}
	if s.sharesWork(fresh) {
		shared := base
		shared.Name, shared.Args = base.Name+"-shared", []string{sharedCell}
		id, err := s.slurm.Submit(ctx, settings, shared)
		if err != nil {
			return nil, err
		}
		sub.Shared = id
		if err := sub.save(); err != nil {
			return nil, err
		}
	}
	tasks := map[*job]*slurmTask{}
	var before []string // jobs of the wave before
	for _, wave := range waves {
		var here []string
		blocks := map[int][]*job{}
		for _, j := range wave {
			if j.task == nil {
				blocks[j.at/blockSize] = append(blocks[j.at/blockSize], j)
			} else if !slices.Contains(here, j.task.job) {
				here = append(here, j.task.job)
			}
		}
		for block := 0; len(blocks) > 0; block++ {
			jobs := blocks[block]
			delete(blocks, block)
			if len(jobs) == 0 {
				continue
			}
			array := base
			array.After, array.AfterOK = before, sub.Shared
			if settings.Concurrent > 0 { // the limit is an array's
				array.After = append(slices.Clone(before), here...)
			}
			offset := block * blockSize
			array.Args = []string{fmt.Sprint(offset)}
			var numbers []int
			for _, j := range jobs {
				numbers = append(numbers, j.at+1)
				array.Tasks = append(array.Tasks, j.at+1-offset)
			}
			id, err := s.slurm.Submit(ctx, settings, array)
			if err != nil {
				return nil, err
			}
			sub.Jobs = append(sub.Jobs, submittedJob{ID: id, Offset: offset, Cells: numbers})
			if err := sub.save(); err != nil {
				return nil, err
			}
			here = append(here, id)
			for _, j := range jobs {
				tasks[j] = &slurmTask{sub: sub, number: j.at + 1, job: id, name: slurm.Task(id, j.at+1-offset)}
			}
		}
		if len(here) > 0 {
			before = here
		}
	}
	return tasks, nil
}

// sharesWork reports whether a job comes first that does what the cells share: the data set's pictures, their features,
// the vocabularies. Arrays whose tasks all computed them at once would waste the time.
func (s *sweep) sharesWork(jobs []*job) bool {
	if len(jobs) < 2 {
		return false
	}
	return slices.ContainsFunc(jobs, func(j *job) bool {
		var r taskRecord
		err := readJSON(filepath.Join(sharedFolder(s.dir, j.config), "shared.json"), &r)
		return err != nil || r.Ended.IsZero() || r.Error != ""
	})
}

// sharedFolder holds the vocabulary of cells with the same captions, and says how their shared work ended.
func sharedFolder(studyDir string, c *config.Loaded) string {
	key := c.HashOf(func(key string) bool {
		return isDataKey(key) || strings.HasPrefix(key, "text.") || strings.HasPrefix(key, "encoder.")
	})
	return filepath.Join(studyDir, slurmFolder, "shared", key[:16])
}
