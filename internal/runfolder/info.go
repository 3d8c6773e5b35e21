package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// Status says how a run stands.
type Status string

// The statuses of a run. A run.json that says "running" while no process holds the run's lock is read as failed:
// its process was killed before it could say so.
const (
	Running     Status = "running"
	Interrupted Status = "interrupted" // stopped by the user at a checkpoint; resume goes on
	Failed      Status = "failed"
	Done        Status = "done" // for good: resuming the run leaves it so, however that ends
)

// Killed is the Error that Info reports for a run whose process ended without a word.
const Killed = "the process ended before the run did (killed, out of memory, or the machine went down)"

// Info is run.json: what a run is, where it stands and what it was made with.
type Info struct {
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	ConfigHash  string      `json:"config_hash"`
	Status      Status      `json:"status"`
	Error       string      `json:"error,omitempty"`
	Started     time.Time   `json:"started"`
	Finished    time.Time   `json:"finished,omitzero"`
	Resumed     []time.Time `json:"resumed,omitempty"`
	Continues   string      `json:"continues,omitempty"` // the run folder, beside this one, whose training this run went on with

	Process           // the last that worked on the run
	Earlier []Process `json:"earlier,omitempty"` // those that the run was resumed from, where they were of another program or machine

	Backend       string `json:"backend,omitempty"`
	Device        string `json:"device,omitempty"`
	Plugin        string `json:"plugin,omitempty"`
	PluginVersion string `json:"plugin_version,omitempty"`

	Seeds  map[string]int64  `json:"seeds,omitempty"`
	Hashes map[string]string `json:"hashes,omitempty"` // of data, vocabulary, vectors, weights, features, pictures

	Stages          []Stage `json:"stages,omitempty"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes,omitempty"`
	Results         Values  `json:"results,omitempty"` // e.g. validation_teacher_forced_loss
}

// Seconds is the time of all stages.
func (i Info) Seconds() (total float64) {
	for _, s := range i.Stages {
		total += s.Seconds
	}
	return total
}

// Stage is the time that one part of the run took.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Process is a program and where it ran.
type Process struct {
	Command   string            `json:"command,omitempty"`
	GitCommit string            `json:"git_commit,omitempty"`
	GitDirty  bool              `json:"git_dirty"`
	GoVersion string            `json:"go_version,omitempty"`
	Modules   map[string]string `json:"modules,omitempty"` // module path -> version
	Host      Host              `json:"host,omitzero"`
}

// Commit is the commit, and whether more than it was built; "" where it isn't known.
func (p Process) Commit() string {
	if p.GitCommit != "" && p.GitDirty {
		return p.GitCommit + " with uncommitted changes"
	}
	return p.GitCommit
}

// SameProgram tells whether two processes ran the same commit on the same modules.
func (p Process) SameProgram(q Process) bool {
	return p.GitCommit == q.GitCommit && p.GitDirty == q.GitDirty && maps.Equal(p.Modules, q.Modules)
}

// Processes are the earlier ones and the last.
func (i Info) Processes() []Process { return append(slices.Clip(i.Earlier), i.Process) }

// EachProcess is what of says of each of them, equal ones that follow each other once. Of several, what is empty is unknown.
func (i Info) EachProcess(of func(Process) string) (said []string) {
	for _, p := range i.Processes() {
		text := of(p)
		if text == "" && len(i.Earlier) > 0 {
			text = "unknown"
		}
		said = append(said, text)
	}
	return slices.Compact(said)
}

// Stamp says that a process works on the run now.
func (i *Info) Stamp(p Process) {
	last := i.Process
	here := p.Host
	here.MemoryBytes = last.Host.MemoryBytes // some bytes more or fewer are the same machine
	alike := last.SameProgram(p) && last.GoVersion == p.GoVersion && last.Host == here
	if last.GoVersion != "" && !alike { // the first process follows none
		i.Earlier = append(i.Earlier, last)
	}
	i.Process = p
}

// Host is the machine, as far as times depend on it.
type Host struct {
	OS          string `json:"os"`
	CPU         string `json:"cpu,omitempty"`
	Cores       int    `json:"cores"`
	MemoryBytes int64  `json:"memory_bytes,omitempty"`
}

// Info reads run.json.
func (f *Folder) Info() (Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.readInfo()
	if err == nil && i.Status == Running && !f.owned() {
		i.Status, i.Error = Failed, Killed
	}
	return i, err
}

// Update reads run.json, changes it and writes it back, whole or not at all. Its maps are never nil in change.
func (f *Folder) Update(change func(*Info)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.readInfo()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	i.makeMaps()
	change(&i)
	i.Started, i.Finished = milliseconds(i.Started), milliseconds(i.Finished)
	for k, t := range i.Resumed {
		i.Resumed[k] = milliseconds(t)
	}
	return f.WriteJSON(InfoFile, i)
}

func (f *Folder) readInfo() (Info, error) {
	var i Info
	data, err := os.ReadFile(f.Path(InfoFile))
	if err != nil {
		return i, fmt.Errorf("run folder: %w", err)
	}
	if err := json.Unmarshal(data, &i); err != nil {
		return i, fmt.Errorf("%s: %w", f.Path(InfoFile), err)
	}
	return i, nil
}

func (i *Info) makeMaps() {
	if i.Modules == nil {
		i.Modules = map[string]string{}
	}
	if i.Seeds == nil {
		i.Seeds = map[string]int64{}
	}
	if i.Hashes == nil {
		i.Hashes = map[string]string{}
	}
	if i.Results == nil {
		i.Results = Values{}
	}
}

func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
