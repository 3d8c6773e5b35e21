package experiments

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// movable are the keys that Resume may change: where inputs are whose hashes the run has (see unchanged), and what computes nothing.
var movable = []string{"data.root", "data.split_file", "encoder.weights", "encoder.sources", "decoder.vectors", "training.checkpoint_minutes",
	"runtime.cache", "runtime.tensorboard"}

// onlyMoved refuses overrides that would change what a run computes.
func onlyMoved(overrides []string) error {
	for _, override := range overrides {
		key, _, _ := strings.Cut(override, "=")
		if !slices.Contains(movable, strings.TrimSpace(key)) {
			return fmt.Errorf("%s: a run goes on as it began; what may be given anew is where things are: %s", override, strings.Join(movable, ", "))
		}
	}
	return nil
}

// keepMoved writes the overrides of Resume into the run's resolved config, which what reads the run later, and studies, go by.
func (e *experiment) keepMoved() error {
	if len(e.moved) == 0 {
		return nil
	}
	before, err := os.ReadFile(e.folder.Path(runfolder.ResolvedFile))
	if err != nil {
		return err
	}
	text := heading(string(before)) // of the config that the run was given
	for _, override := range e.moved {
		text += fmt.Sprintf("# Overridden when it was resumed: %s\n", config.OneLine(override))
	}
	resolved := string(e.loaded.Resolved)
	text += strings.TrimPrefix(resolved, heading(resolved))
	if err := e.folder.WriteFile(runfolder.ResolvedFile, []byte(text)); err != nil {
		return err
	}
	return e.folder.Update(func(i *runfolder.Info) { i.ConfigHash = e.loaded.Hash })
}

// heading is the comment that a resolved config begins with.
func heading(resolved string) (text string) {
	for line := range strings.Lines(resolved) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		text += line
	}
	return text
}
