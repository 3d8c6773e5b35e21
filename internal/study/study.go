// Package study keeps one study's folder: the ledger that says which cells it has, which runs computed them and how
// they stand, and the tables over them.
//
// A study folder lies beside the run folders, <results>/<UTC time with ms>-<name>-<first 8 of the study's hash>. It holds
// study.json (type Ledger), and once cells are done study.csv and study.md. The runs have folders of their own: a run
// may be part of several studies.
package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// Names of the files in a study folder.
const (
	File         = "study.json"
	CSVFile      = "study.csv"
	MarkdownFile = "study.md"
)

// Status says how a cell stands: Pending, or as its run does.
type Status = runfolder.Status

// Pending is the status of a cell that has no run yet.
const Pending Status = "pending"

// Ledger is study.json.
type Ledger struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Config      string    `json:"config"` // the study file's path as given
	Hash        string    `json:"hash"`   // of what all cells compute together
	Started     time.Time `json:"started"`
	Axes        []Axis    `json:"axes"`
	Seeds       []int64   `json:"seeds"`
	Cells       []Cell    `json:"cells"`
}

// Axis is what varies between cells: a config key, or a named axis whose values are named cases (a name without a dot).
type Axis struct {
	Key    string `json:"key"`
	Values []any  `json:"values"`        // string, bool, int64, float64, or []any of them
	Zip    string `json:"zip,omitempty"` // axes of the same group vary together: their values go pairwise
}

// Cell is one run of the study.
type Cell struct {
	ID       string         `json:"id"`
	Settings map[string]any `json:"settings"` // by axis key
	Seed     int64          `json:"seed"`
	Hash     string         `json:"hash"`          // of the resolved config
	Run      string         `json:"run,omitempty"` // the run folder, relative to the results folder
	Status   Status         `json:"status"`
	Error    string         `json:"error,omitempty"`
	Seconds  float64        `json:"seconds,omitempty"` // of all the run's stages
}

// Create makes a new study folder below results and writes its ledger. The time in its name is the ledger's Started.
func Create(results string, l *Ledger) (dir string, err error) {
	dir, started, err := runfolder.MakeDir(results, l.Name, l.Hash)
	if err != nil {
		return "", err
	}
	l.Started = started
	return dir, Write(dir, l)
}

// IsOf reports, by the folder's name alone, whether Create made it for a study of this name and hash.
func IsOf(dir string, l *Ledger) bool {
	return strings.HasSuffix(filepath.Base(dir), fmt.Sprintf("Z-%s-%.8s", l.Name, l.Hash))
}

// Read reads the ledger of a study folder. Numbers come back as int64 where they are integers, else as float64.
func Read(dir string) (*Ledger, error) {
	path := filepath.Join(dir, File)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a study folder: it has no %s", dir, File)
	}
	if err != nil {
		return nil, fmt.Errorf("study folder: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var l Ledger
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, a := range l.Axes {
		for n, v := range a.Values {
			a.Values[n] = plain(v)
		}
	}
	for _, c := range l.Cells {
		for key, v := range c.Settings {
			c.Settings[key] = plain(v)
		}
	}
	return &l, nil
}

// plain turns the decoder's numbers into int64 or float64.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		x, _ := v.Float64() // a JSON number always is one
		return x
	case []any:
		for n := range v {
			v[n] = plain(v[n])
		}
	}
	return v
}

// Write writes the ledger of a study folder, whole or not at all.
func Write(dir string, l *Ledger) error {
	return (&runfolder.Folder{Dir: dir}).WriteJSON(File, l)
}

// List returns the study folders directly below results, oldest first. Anything else there is skipped.
func List(results string) ([]string, error) {
	entries, err := os.ReadDir(results)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("results folder: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		dir := filepath.Join(results, e.Name())
		if stat, err := os.Stat(filepath.Join(dir, File)); err == nil && stat.Mode().IsRegular() {
			dirs = append(dirs, dir)
		}
	}
	slices.SortFunc(dirs, strings.Compare)
	return dirs, nil
}

// Lock takes ownership of a study folder until unlock is called or the process ends, however it ends.
func Lock(dir string) (unlock func(), err error) {
	unlock, err = (&runfolder.Folder{Dir: dir}).Lock()
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return unlock, nil
}
