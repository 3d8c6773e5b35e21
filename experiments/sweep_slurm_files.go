package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
)

// A study's folder has, for what was handed to Slurm:
//
//	slurm/<n>/submission.json        the jobs of one call, and their cells (type submission)
//	slurm/<n>/task.sh                what each task runs
//	slurm/<n>/cells/<cell>.toml, <cell>.resolved.toml    the cells' configs, as they were when they were submitted
//	slurm/<n>/tasks/<cell>.json      how a task began and ended (type taskRecord), written by the task
//	slurm/<n>/logs/<task>.log        what it printed
//	slurm/shared/<hash>/             a vocabulary for the cells of the same captions, and how shared work ended
const slurmFolder = "slurm"

// submission is submission.json.
type submission struct {
	dir       string
	Submitted time.Time       `json:"submitted"`
	Command   string          `json:"command"` // the captionlab that tasks run
	Folder    string          `json:"folder"`  // the tasks' working folder
	Results   string          `json:"results"` // the results folder
	Cells     []submittedCell `json:"cells"`
	Shared    string          `json:"shared,omitempty"` // the job that does what the cells share; "" for none
	Jobs      []submittedJob  `json:"jobs"`
	Cancelled time.Time       `json:"cancelled,omitzero"`
}

// submittedJob is an array: task n of it is cell Offset+n of the study, counted from 1.
type submittedJob struct {
	ID     string `json:"id"`
	Offset int    `json:"offset"`
	Cells  []int  `json:"cells"` // their numbers
}

type submittedCell struct {
	Number int    `json:"number"`
	ID     string `json:"id"`
	Hash   string `json:"hash"`
}

// taskRecord is what a task says of itself.
type taskRecord struct {
	Task    string    `json:"task"`          // "12_3", or "12" of shared work
	Host    string    `json:"host"`          // where it ran
	Run     string    `json:"run,omitempty"` // the run folder, relative to the results folder
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
}

// submissions reads a study's submissions, oldest first.
func submissions(studyDir string) (all []*submission, err error) {
	entries, err := os.ReadDir(filepath.Join(studyDir, slurmFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		sub, err := readSubmission(filepath.Join(studyDir, slurmFolder, strconv.Itoa(n)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a call that was killed before it submitted anything
		}
		if err != nil {
			return nil, err
		}
		all = append(all, sub)
	}
	return all, nil
}

func readSubmission(dir string) (*submission, error) {
	sub := &submission{dir: dir}
	return sub, readJSON(filepath.Join(dir, "submission.json"), sub)
}

func readJSON(path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// newSubmission makes the next free folder.
func newSubmission(studyDir string) (*submission, error) {
	parent := filepath.Join(studyDir, slurmFolder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		dir := filepath.Join(parent, strconv.Itoa(n))
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &submission{dir: dir, Submitted: time.Now().UTC().Truncate(time.Millisecond)}, os.Mkdir(filepath.Join(dir, "logs"), 0o755)
	}
}

func (sub *submission) save() error {
	return writeRecord(filepath.Join(sub.dir, "submission.json"), sub)
}

// writeRecord writes a JSON file whole or not at all. Each has a folder of its own for its temporary file: tasks on
// several machines write at the same time.
func writeRecord(path string, v any) error {
	folder := &runfolder.Folder{Dir: path + ".d"}
	defer os.RemoveAll(folder.Dir)
	name := filepath.Base(path)
	if err := folder.WriteJSON(name, v); err != nil {
		return err
	}
	return os.Rename(folder.Path(name), path)
}

func (sub *submission) logs() string { return filepath.Join(sub.dir, "logs") }

// writeCell keeps the config of a cell as it is now.
func (sub *submission) writeCell(number int, c *config.Loaded) error {
	folder := &runfolder.Folder{Dir: sub.dir}
	name := fmt.Sprintf("cells/%d", number)
	return errors.Join(folder.WriteFile(name+".toml", c.Given), folder.WriteFile(name+".resolved.toml", c.Resolved), folder.RemoveTemporary())
}

// readCell loads the config that writeCell kept.
func (sub *submission) readCell(number int) (*config.Loaded, error) {
	path := filepath.Join(sub.dir, "cells", strconv.Itoa(number))
	c, err := config.Load(path+".resolved.toml", nil)
	if err != nil {
		return nil, fmt.Errorf("the cell's config: %w", err)
	}
	given, err := os.ReadFile(path + ".toml")
	if err != nil {
		return nil, err
	}
	resolved, err := os.ReadFile(path + ".resolved.toml")
	if err != nil {
		return nil, err
	}
	c.Given, c.Resolved = given, resolved
	return c, nil
}

// find looks for a cell by its number.
func (sub *submission) find(number int) (c submittedCell, ok bool) {
	n := slices.IndexFunc(sub.Cells, func(c submittedCell) bool { return c.Number == number })
	if n < 0 {
		return c, false
	}
	return sub.Cells[n], true
}

// jobs are the ids of the submission's jobs.
func (sub *submission) jobs() (ids []string) {
	if sub.Shared != "" {
		ids = append(ids, sub.Shared)
	}
	for _, j := range sub.Jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

// tasks are the names of all the submission's tasks.
func (sub *submission) tasks() (names []string) {
	if sub.Shared != "" {
		names = append(names, sub.Shared)
	}
	for _, j := range sub.Jobs {
		for _, number := range j.Cells {
			names = append(names, slurm.Task(j.ID, number-j.Offset))
		}
	}
	return names
}

// slurmTask is a cell that was submitted, and how Slurm said that it stands.
type slurmTask struct {
	sub         *submission
	number      int    // of the cell, from 1
	job         string // "12"
	name        string // "12_3"
	state       slurm.State
	known       bool        // to Slurm
	shared      slurm.State // of the job that comes first
	sharedKnown bool
	dropped     bool      // Slurm knows the array, but not this task: it does so once a waiting task was cancelled alone
	since       time.Time // when it was first seen to have ended without its run being done; zero before
	begun       bool      // its beginning was told
}

func (t *slurmTask) log() string { return slurm.LogFile(t.sub.logs(), t.name) }

func (t *slurmTask) recordFile() string {
	return filepath.Join(t.sub.dir, "tasks", strconv.Itoa(t.number)+".json")
}

// record reads what the task says of itself: nothing before it began.
func (t *slurmTask) record() (r taskRecord, err error) {
	if err = readJSON(t.recordFile(), &r); errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	return r, err
}

// tasksOf are the tasks of a study's cells by the cells' hashes, the newest one of each.
func tasksOf(all []*submission) map[string]*slurmTask {
	tasks := map[string]*slurmTask{}
	for _, sub := range all {
		for _, j := range sub.Jobs {
			for _, number := range j.Cells {
				if c, ok := sub.find(number); ok {
					tasks[c.Hash] = &slurmTask{sub: sub, number: number, job: j.ID, name: slurm.Task(j.ID, number-j.Offset)}
				}
			}
		}
	}
	return tasks
}
