package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/google/renameio/v2"
)

// A checkpoint is a folder step-NNNNNNNN with GoMLX's own files and state.json. It is written under another
// name, synced and renamed, and only then named by the pointer files last and best: a kill at any moment leaves
// the previous one in force.
const (
	lastName  = "last"
	bestName  = "best"
	stateFile = "state.json"
)

var errNoCheckpoint = errors.New("no checkpoint")

// state is what a resumed run needs besides the variables, which hold weights, optimiser and random state.
type state struct {
	Epoch        int     `json:"epochs_done"`
	Batch        int     `json:"batches_done_in_epoch"`
	Step         int     `json:"step"`
	Partial      Score   `json:"epoch_so_far"`
	Best         float64 `json:"best_validation_loss"`
	BestEpoch    int     `json:"best_epoch"`
	BestMetric   float64 `json:"best_metric,omitempty"`
	Seconds      float64 `json:"seconds"`
	EpochSeconds float64 `json:"seconds_in_epoch"`

	CriticalFrom int `json:"self_critical_after_epoch,omitempty"` // 0: self-critical training has not begun

	Plateau  plateau  `json:"plateau"`            // of the validation loss
	Averaged []string `json:"averaged,omitempty"` // paths of the weights that have an average, in their order

	Ends    []string `json:"epoch_ends,omitempty"` // checkpoints of the last epochs' ends, where training.average_last needs them
	Weights []string `json:"weights,omitempty"`    // paths of what is trained, where training.average_last needs them
	MeanOf  int      `json:"mean_of,omitempty"`    // these weights are the mean of so many epochs'

	run *run
}

// MarshalJSON writes an infinite best loss, that of a run without a finished epoch, as null.
func (s state) MarshalJSON() ([]byte, error) {
	type plain state
	wire := struct {
		plain
		Best *float64 `json:"best_validation_loss"`
	}{plain: plain(s)}
	if s.BestEpoch > 0 {
		wire.Best = &s.Best
	}
	return json.Marshal(wire)
}

// checkpointName names a checkpoint of this moment. The epoch tells a stop after an epoch's last step from the end of that
// epoch.
func (t *Trainer) checkpointName() string {
	return fmt.Sprintf("step-%08d-epoch-%04d", t.state.Step, t.state.Epoch)
}

// save writes a checkpoint and lets last, and also the pointer named, point to it.
func (t *Trainer) save(also string) error {
	name := t.checkpointName()
	if err := t.write(name); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", filepath.Join(t.dir, name), err)
	}
	for _, pointer := range []string{also, lastName} {
		if pointer == "" {
			continue
		}
		if err := renameio.WriteFile(filepath.Join(t.dir, pointer), []byte(name+"\n"), 0o644); err != nil {
			return fmt.Errorf("write checkpoint pointer: %w", err)
		}
	}
	return t.prune()
}

// saveBeside writes the checkpoint that a pointer other than last points to, while averages are in the weights' place.
// Training never goes on from it.
func (t *Trainer) saveBeside(name, pointer string) error {
	if err := t.write(name); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", filepath.Join(t.dir, name), err)
	}
	if err := renameio.WriteFile(filepath.Join(t.dir, pointer), []byte(name+"\n"), 0o644); err != nil {
		return fmt.Errorf("write checkpoint pointer: %w", err)
	}
	return nil
}

func (t *Trainer) write(name string) error {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(t.dir, ".writing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	store, err := t.withUnread()
	if err != nil {
		return err
	}
	// A handler attaches itself as the store's loader; the one before it stays in charge.
	loader := store.Loader()
	handler, err := checkpoint.Build(store).Dir(tmp).ExcludeAllParams().WithCompression(checkpoint.BinUncompressed).Done()
	if err != nil {
		return err
	}
	handler.ExcludeVarsFromSaving(scratchVariables(store)...)
	err = handler.Save()
	store.SetLoader(loader)
	if err != nil {
		return err
	}
	t.averaged() // into the state
	data, err := json.MarshalIndent(t.state, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, stateFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := SyncTree(tmp); err != nil {
		return err
	}
	final := filepath.Join(t.dir, name)
	if err := os.RemoveAll(final); err != nil { // the same step again, after a kill between rename and pointer
		return err
	}
	return os.Rename(tmp, final)
}

// withUnread is the store with what the loaded checkpoint has besides: GoMLX takes a variable from it when a graph asks for it, and
// until this process has taken a step none has asked for the optimiser's. It is a copy, since variables made in another
// order than the graph's would change the order of sums over them.
func (t *Trainer) withUnread() (*gomodel.Store, error) {
	if t.loaded == nil || len(t.loaded.LoadedVariables()) == 0 {
		return t.store, nil
	}
	store := gomodel.NewStore()
	for v := range t.store.IterVariables() {
		if _, err := v.CloneToStore(store); err != nil {
			return nil, err
		}
	}
	for key, value := range t.loaded.LoadedVariables() {
		if _, err := store.CreateVariable(strings.TrimPrefix(key, "var:"), value); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// scratchVariables are what GoMLX's trainer keeps for its own display: moving averages under a new name each
// run, and how far the loop was asked to go; and rates, which follow from the schedule. Nothing trained depends on them.
func scratchVariables(store *gomodel.Store) []*gomodel.Variable {
	var scratch []*gomodel.Variable
	for v := range store.IterVariables() {
		if strings.HasPrefix(v.Path(), "/metrics/") || strings.HasPrefix(v.Path(), scheduleScope+"/") ||
			v.Name() == train.TrainLastStepVarName || v.Name() == optimizer.ParamLearningRate {
			scratch = append(scratch, v)
		}
	}
	return scratch
}

// SyncTree has every file and folder below dir on the disk.
func SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// prune removes checkpoints that no pointer names, that are no longer among the last epochs', and what killed writers left.
func (t *Trainer) prune() error {
	keep := map[string]bool{}
	for _, name := range t.state.Ends {
		keep[name] = true
	}
	for _, pointer := range []string{lastName, bestName, meanName} {
		if name, err := t.pointed(pointer); err == nil {
			keep[name] = true
		}
	}
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && !keep[name] && (strings.HasPrefix(name, "step-") || strings.HasPrefix(name, ".writing-")) {
			if err := os.RemoveAll(filepath.Join(t.dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Trainer) pointed(pointer string) (string, error) { return pointed(t.dir, pointer) }

func pointed(dir, pointer string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, pointer))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoCheckpoint
	}
	return strings.TrimSpace(string(data)), err
}

// load replaces the variables and the state by those of the checkpoint that the pointer names.
func (t *Trainer) load(pointer string) error {
	name, err := t.pointed(pointer)
	if err != nil {
		return err
	}
	dir := filepath.Join(t.dir, name)
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	s := state{run: t.state.run}
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read checkpoint %s: %w", filepath.Join(dir, stateFile), err)
	}
	if s.BestEpoch == 0 {
		s.Best = t.state.Best
	}
	// GoMLX asks an earlier checkpoint's loader first, which would give variables that no graph has used yet its values.
	t.store.SetLoader(nil)
	if t.loaded, err = checkpoint.Load(t.store).Dir(dir).ExcludeAllParams().Done(); err != nil {
		return fmt.Errorf("read checkpoint %s: %w", dir, err)
	}
	t.state = s
	return nil
}
