package experiments

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

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
			return notTaken("%s: a run goes on as it began; what may be given anew is where things are: %s", override, strings.Join(movable, ", "))
		}
	}
	return nil
}

// onlyOf refuses overrides of other sections.
func onlyOf(overrides []string, reason string, sections ...string) error {
	for _, override := range overrides {
		if section, _, ok := strings.Cut(override, "."); !ok || !slices.Contains(sections, section) {
			return notTaken("%s: %s; expected a key of %s", override, reason, english.WordSeries(sections, "or"))
		}
	}
	return nil
}

// notTaken is an ErrOverride.
func notTaken(format string, args ...any) error {
	return &also{fmt.Errorf(format, args...), []error{ErrOverride}}
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
	// The hash comes first: killed in between, the run goes on by the same overrides (see asItBegan).
	if err := e.folder.Update(func(i *runfolder.Info) { i.ConfigHash = e.loaded.Hash }); err != nil {
		return err
	}
	return e.folder.WriteFile(runfolder.ResolvedFile, []byte(text))
}

// asItBegan refuses to go on with a run whose resolved config was edited: c is that config with Resume's overrides. A note says so
// instead where the run is of an earlier version, whose hash may be of other keys. Where a file that the config names has moved, it
// loads only with the overrides, and what unchanged compares has to do.
func asItBegan(r *RunFolder, c *config.Loaded) error {
	if r.ConfigHash == "" || c.Hash == r.ConfigHash {
		return nil
	}
	own, err := ownConfig(r.folder)
	if err != nil || own.Hash == r.ConfigHash {
		return nil
	}
	earlier, err := ofEarlierVersion(r.folder)
	if err != nil {
		return err
	}
	differs := fmt.Sprintf("its hash is %.12s…, that of %s %.12s…", own.Hash, runfolder.InfoFile, r.ConfigHash)
	if earlier {
		c.Notes = append(c.Notes, config.Note{Key: runfolder.ResolvedFile, Text: differs + ": it was edited, or an earlier version made the hash of other keys"})
		return nil
	}
	return fmt.Errorf("%s was edited after the run began: %s. A run goes on as it began: put the file back, and give what is to change to a new run; "+
		"what may be given anew, as an override, is where things are: %s", r.folder.Path(runfolder.ResolvedFile), differs, strings.Join(movable, ", "))
}

// ofEarlierVersion says whether a run's resolved config lacks keys of this version: it has every key of its own.
func ofEarlierVersion(f *runfolder.Folder) (bool, error) {
	settings, err := f.Settings()
	if err != nil {
		return false, err
	}
	keys, err := defaultSettings()
	if err != nil {
		return false, err
	}
	for key := range keys {
		if _, ok := settings[key]; !ok {
			return true, nil
		}
	}
	return false, nil
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
