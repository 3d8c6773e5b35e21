package experiments

import (
	"maps"
	"path/filepath"
	"strings"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// knownRun is a run in the results folder.
type knownRun struct {
	dir    string
	info   runfolder.Info
	config *config.Loaded

	perEpoch, other float64 // seconds an epoch, and of all stages but training and features, which are cached by now
}

func (r *knownRun) epochs() int { return r.config.Config.Training.Epochs }

// runIndex finds runs by the hashes of their configs.
type runIndex struct {
	done   map[string]*knownRun   // by Hash: the newest finished run
	open   map[string]*knownRun   // by Hash: the newest one that is not finished
	trunks map[string][]*knownRun // by trunk: finished runs
	sizes  map[string][]*knownRun // by size: finished runs
}

// indexRuns reads the runs of a results folder. A run whose config this version can't read is left out.
func indexRuns(results string) (*runIndex, error) {
	folders, err := runfolder.List(results)
	if err != nil {
		return nil, err
	}
	x := &runIndex{map[string]*knownRun{}, map[string]*knownRun{}, map[string][]*knownRun{}, map[string][]*knownRun{}}
	for _, f := range folders { // oldest first
		c, err := config.Load(f.Path(runfolder.ResolvedFile), nil)
		if err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
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
func (x *runIndex) donor(c *config.Loaded, here runfolder.Info) (best *knownRun) {
	for _, r := range x.trunks[trunk(c)] {
		same := r.info.GitCommit == here.GitCommit && r.info.GitDirty == here.GitDirty && maps.Equal(r.info.Modules, here.Modules)
		if same && c.Config.Training.Extends(r.config.Config.Training) && (best == nil || r.epochs() > best.epochs()) {
			best = r
		}
	}
	return best
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
