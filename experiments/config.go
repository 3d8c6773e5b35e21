package experiments

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// ConfigKey is one key of a config: its section, name, type, default, allowed values and meaning.
type ConfigKey = config.Key

// ConfigProblem is one thing that is wrong with a config.
type ConfigProblem = config.Problem

// ConfigProblems is the error of a config that can't be run: everything that is wrong with it.
type ConfigProblems = config.Problems

// ConfigNote says that a key of a config that can be run has no effect, or a surprising one.
type ConfigNote = config.Note

// ConfigKeys lists every key that a config can have.
func ConfigKeys() ([]ConfigKey, error) { return config.Keys() }

// CheckedConfig is a config that can be run.
type CheckedConfig struct {
	Path     string
	Name     string // experiment.name
	Hash     string // the same for every config that computes the same
	Resolved []byte // every key with its value and meaning, as TOML
	Notes    []ConfigNote
}

// CheckConfig finds and loads a config like Run, and runs nothing. Its error may be ConfigProblems.
func CheckConfig(configPath string, overrides []string) (*CheckedConfig, error) {
	c, err := loadConfig(configPath, overrides)
	if err != nil {
		return nil, err
	}
	return &CheckedConfig{Path: c.Path, Name: c.Config.Experiment.Name, Hash: c.Hash, Resolved: c.Resolved, Notes: c.Notes}, nil
}

// CheckedStudy is a study whose cells can all be run.
type CheckedStudy struct {
	Path  string
	Cells int
	Notes []string // axes that change nothing in some cells, other keys that are given in vain in every one
}

// CheckStudy finds and loads a study file like Sweep, checks the config of every cell, and runs nothing. Its error may be ConfigProblems.
func CheckStudy(studyPath string, overrides []string) (*CheckedStudy, error) {
	path, err := ConfigPath(studyPath)
	if err != nil {
		return nil, err
	}
	s, err := config.LoadStudy(path, overrides)
	if err != nil {
		return nil, err
	}
	return &CheckedStudy{Path: path, Cells: len(s.Cells), Notes: s.Notes()}, nil
}

// ownConfig loads a run's resolved config.
func ownConfig(f *runfolder.Folder, overrides ...string) (*config.Loaded, error) {
	c, err := config.Load(f.Path(runfolder.ResolvedFile), overrides)
	if err != nil {
		return nil, fmt.Errorf("the config of %s: %w", f.Dir, err)
	}
	c.Notes = nil // they were said when the run began
	return c, nil
}

func loadConfig(configPath string, overrides []string) (*config.Loaded, error) {
	path, err := ConfigPath(configPath)
	if err != nil {
		return nil, err
	}
	return config.Load(path, overrides)
}

// ConfigPath finds a config: the file of that path, else configs/<name> of the checkout, with or without .toml.
func ConfigPath(name string) (string, error) {
	dir := filepath.Join(Root(), "configs")
	for _, path := range []string{name, filepath.Join(dir, name), filepath.Join(dir, name+".toml")} {
		if stat, err := os.Stat(path); err == nil && !stat.IsDir() {
			return nearPath(path), nil
		}
	}
	shipped := shippedConfigs(dir)
	problem := ConfigProblem{Where: name, Message: "no such config, here or in configs"}
	if near := config.Nearest(name, shipped); near != "" {
		problem.Message += fmt.Sprintf(" (did you mean %s?)", near)
	}
	if len(shipped) > 0 {
		problem.Hint = "configs has " + strings.Join(shipped, ", ")
	}
	return "", ConfigProblems{problem}
}

// nearPath is the path from the working folder, where that is shorter to read.
func nearPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsAbs(path) && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// shippedConfigs lists the configs below a folder by their path from it.
func shippedConfigs(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".toml" {
			if rel, err := filepath.Rel(dir, path); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		}
		return nil // a folder that can't be read has no config to suggest
	})
	return names
}
