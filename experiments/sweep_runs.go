package experiments

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/train"
)

// knownRun is a run in the results folder.
type knownRun struct {
	dir    string
	info   runfolder.Info
	config *config.Loaded

	perEpoch, other float64 // seconds an epoch, and of all stages but training and features, which are cached by now
}

func (r *knownRun) epochs() int { return r.config.Config.Training.TotalEpochs() }

// runIndex finds runs by the hashes of their configs.
type runIndex struct {
	done   map[string]*knownRun   // by Hash: the newest finished run
	open   map[string]*knownRun   // by Hash: the newest one that is not finished
	trunks map[string][]*knownRun // by trunk: finished runs
	sizes  map[string][]*knownRun // by size: finished runs

	leftOut []string // names of runs' folders, each with the reason
}

// indexRuns reads the runs of a results folder. A run whose config this version can't read is left out, and one whose config was
// edited after it began: its figures are another's.
func indexRuns(results string) (*runIndex, error) {
	folders, err := runfolder.List(results)
	if err != nil {
		return nil, err
	}
	x := &runIndex{done: map[string]*knownRun{}, open: map[string]*knownRun{}, trunks: map[string][]*knownRun{}, sizes: map[string][]*knownRun{}}
	for _, f := range folders { // oldest first
		c, err := config.Load(f.Path(runfolder.ResolvedFile), nil)
		var info runfolder.Info
		if err == nil {
			info, err = f.Info()
		}
		if err == nil && info.ConfigHash != "" && info.ConfigHash != c.Hash {
			var earlier bool // its hash may be of other keys: see asItBegan
			if earlier, err = ofEarlierVersion(f); err == nil && !earlier {
				err = fmt.Errorf("its %s was edited after it began", runfolder.ResolvedFile)
			}
		}
		if err != nil {
			reason, _, _ := strings.Cut(err.Error(), "\n")
			x.leftOut = append(x.leftOut, fmt.Sprintf("%s (%s)", filepath.Base(f.Dir), reason))
			continue
		}
		x.add(&knownRun{dir: f.Dir, info: info, config: c})
	}
	return x, nil
}

func (x *runIndex) add(r *knownRun) {
	if r.info.Status != runfolder.Done {
		x.open[r.config.Hash] = r
		return
	}
	x.done[r.config.Hash] = r
	delete(x.open, r.config.Hash)
	if epochs, err := (&runfolder.Folder{Dir: r.dir}).Epochs(); err == nil && len(epochs) > 0 {
		r.perEpoch = epochs[len(epochs)-1].TotalSeconds / float64(len(epochs))
	}
	for _, stage := range r.info.Stages {
		if stage.Name != "training" && stage.Name != "features" {
			r.other += stage.Seconds
		}
	}
	x.trunks[trunk(r.config)] = append(x.trunks[trunk(r.config)], r)
	x.sizes[size(r.config)] = append(x.sizes[size(r.config)], r)
}

// trunk is the same for configs that differ in their epochs and in what comes after training alone. Of [evaluation] the references
// come before: training.select and self-critical training go by them.
func trunk(c *config.Loaded) string {
	return c.HashOf(func(key string) bool {
		after := strings.HasPrefix(key, "decoding.") || strings.HasPrefix(key, "evaluation.") && key != "evaluation.references"
		return key != "training.epochs" && !after
	})
}

// size is the same for configs that take the same time an epoch.
func size(c *config.Loaded) string {
	return c.HashOf(func(key string) bool {
		return key != "training.epochs" && key != "training.seed" && key != "data.split_seed"
	})
}

// donor is the finished run with the most epochs whose training a run of this config goes on with; nil for none. It
// must come from the same version of the program, so that the outcome is that of one run from the start; as far as git and the versions
// of modules tell: what is changed and not committed is taken for the same.
func (x *runIndex) donor(c *config.Loaded, here runfolder.Process) (best *knownRun) {
	for _, r := range x.trunks[trunk(c)] {
		same := !slices.ContainsFunc(r.info.Processes(), func(p runfolder.Process) bool { return !p.SameProgram(here) })
		longer := best == nil || r.epochs() > best.epochs()
		if same && longer && c.Config.Training.Extends(r.config.Config.Training) && lastCheckpoint(r.dir) != "" {
			best = r
		}
	}
	return best
}

// lastCheckpoint is the name of a run's last checkpoint; "" for a run that has none, or whose checkpoints were removed.
func lastCheckpoint(runDir string) string {
	return train.LastCheckpoint(filepath.Join(runDir, checkpointsDir))
}

// picksData tells the keys that choose pictures and captions. Those of tokens don't.
func picksData(key string) bool {
	switch key {
	case "text.tokenizer", "text.min_count", "text.max_vocabulary":
		return false
	}
	return isDataKey(key) || strings.HasPrefix(key, "text.") && !strings.HasPrefix(key, "text.words.")
}

// changedData warns where finished cells whose settings choose the same data had other captions or pictures: a config's hash covers
// the names of files, not what they hold. finished are the cells' runs, by the cells' ids.
func changedData(cells []StudyCell, finished map[string]*knownRun) (warnings []string) {
	changed := map[string]bool{}
	for _, what := range []struct{ hash, text string }{{"data", "the data set's captions or splits"}, {"pictures", "the picture files"}} {
		var order []string                      // of the settings
		had := map[string]map[string][]string{} // settings to hash to cells
		for _, c := range cells {
			run := finished[c.ID]
			if run == nil || run.info.Hashes[what.hash] == "" { // earlier versions didn't note those of pictures
				continue
			}
			key := run.config.HashOf(picksData)
			if had[key] == nil {
				order, had[key] = append(order, key), map[string][]string{}
			}
			hash := run.info.Hashes[what.hash]
			had[key][hash] = append(had[key][hash], c.ID)
		}
		for _, key := range order {
			if len(had[key]) < 2 || changed[key] {
				continue
			}
			changed[key] = true
			var parts []string
			for hash, ids := range had[key] {
				parts = append(parts, fmt.Sprintf("%s had %.8s", few(ids), hash))
			}
			slices.Sort(parts)
			warnings = append(warnings, fmt.Sprintf("%s have changed between finished cells (by their hashes: %s), so figures and means mix both; "+
				"a cell whose run folder is removed is computed anew", what.text, strings.Join(parts, "; ")))
		}
	}
	return warnings
}

// seconds averages the finished runs of the same size; known is false without any.
func (x *runIndex) seconds(c *config.Loaded) (perEpoch, other float64, known bool) {
	runs := x.sizes[size(c)]
	for _, r := range runs {
		perEpoch += r.perEpoch / float64(len(runs))
		other += r.other / float64(len(runs))
	}
	return perEpoch, other, len(runs) > 0
}

// relative is a run folder's path from the results folder.
func (s *sweep) relative(dir string) string {
	if rel, err := filepath.Rel(s.results, dir); err == nil {
		return filepath.ToSlash(rel)
	}
	return dir
}
