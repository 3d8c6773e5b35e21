package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/google/renameio/v2"
)

// A checkpoint is a folder step-NNNNNNNN-epoch-NNNN with GoMLX's own files and state.json. It is written under another
// name, checked, synced and renamed, and only then named by the pointer files, last before best: a kill at any moment leaves
// the previous one in force. One that has the name already, of the same moment, is put aside until the new one has it.
const (
	lastName    = "last"
	bestName    = "best"
	stateFile   = "state.json"
	asideSuffix = ".replaced"
)

// resumable are the names of checkpoints that training can go on from: no averages and no means.
var resumable = regexp.MustCompile(`^step-\d+-epoch-\d+$`)

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

	Variables int `json:"variables,omitempty"` // that the checkpoint has; 0 in those of earlier versions

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

// save writes a checkpoint, lets last point to it, and removes those that are no longer needed.
func (t *Trainer) save() error {
	if err := t.saveAs(t.checkpointName(), lastName); err != nil {
		return err
	}
	return t.prune()
}

// saveBest lets best point to the end of the epoch that was just saved; or, where weights are averaged, to a checkpoint of the
// averages, from which training never goes on.
func (t *Trainer) saveBest() error {
	var err error
	if t.settings.averages() {
		err = t.withAverage(func() error { return t.saveAs(t.bestCheckpointName(), bestName) })
	} else {
		err = t.point(bestName, t.bestCheckpointName())
	}
	if err != nil {
		return err
	}
	return t.prune()
}

// finishBest does what is left undone where a kill came between the pointers last and best.
func (t *Trainer) finishBest() error {
	last, err := t.pointed(lastName)
	if err != nil || last != t.checkpointName() || t.state.Batch > 0 || t.state.BestEpoch == 0 || t.state.BestEpoch != t.state.Epoch {
		return nil // last is not the end of the best epoch
	}
	if best, err := t.pointed(bestName); err == nil && best == t.bestCheckpointName() {
		return nil
	}
	return t.saveBest()
}

// bestCheckpointName names what best points to where the epoch that has just ended is the best.
func (t *Trainer) bestCheckpointName() string {
	if t.settings.averages() {
		return t.checkpointName() + "-average"
	}
	return t.checkpointName()
}

// saveAs writes a checkpoint and lets a pointer point to it.
func (t *Trainer) saveAs(name, pointer string) error {
	if err := t.write(name); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", filepath.Join(t.dir, name), err)
	}
	return t.point(pointer, name)
}

func (t *Trainer) point(pointer, name string) error {
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
	scratch := scratchVariables(store)
	handler.ExcludeVarsFromSaving(scratch...)
	err = handler.Save()
	store.SetLoader(loader)
	if err != nil {
		return err
	}
	if t.state.Variables, err = written(tmp, store, scratch); err != nil {
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
	return replace(tmp, filepath.Join(t.dir, name))
}

// written counts the variables of the checkpoint in dir, which must be the store's but for the scratch ones: GoMLX 0.28.6 drops
// the error where a variable can't be written, and the variable with it.
func written(dir string, store *gomodel.Store, scratch []*gomodel.Variable) (int, error) {
	have, err := variablesIn(dir)
	all, missing := len(have), []string(nil)
	for v := range store.IterVariables() {
		if !slices.Contains(scratch, v) && !slices.Contains(have, v.Path()) {
			missing = append(missing, v.Path())
		}
	}
	if len(missing) > 0 {
		err = fmt.Errorf("%d of %d variables are missing, first %s", len(missing), all+len(missing), missing[0])
	}
	if err != nil {
		return 0, fmt.Errorf("GoMLX has not written all of it; is the disk full, or a quota or a limit of file sizes reached? %w", err)
	}
	return all, nil
}

// replace gives a folder its checkpoint's name. Another checkpoint of that name, of the same moment, may be the one that a
// pointer names, as where a stop came twice in one validation, or self-critical training begins: it stays, under the name
// that found looks for, until the new one is there.
func replace(from, to string) error {
	aside := to + asideSuffix
	if exists(to) {
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
		if err := os.Rename(to, aside); err != nil {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return os.RemoveAll(aside)
}

// found is the name of the folder that has a checkpoint: its own, or that under which it was put aside by a writer that was then killed.
func found(dir, name string) string {
	if exists(filepath.Join(dir, name+asideSuffix)) && !exists(filepath.Join(dir, name)) {
		return name + asideSuffix
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
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

// prune removes checkpoints that no pointer names, that are no longer among the last epochs', and what killed writers left;
// nothing while a pointer can't be read.
func (t *Trainer) prune() error {
	keep := map[string]bool{}
	for _, name := range t.state.Ends {
		keep[found(t.dir, name)] = true
	}
	for _, pointer := range []string{lastName, bestName, meanName} {
		name, err := t.pointed(pointer)
		if err != nil && !errors.Is(err, errNoCheckpoint) {
			return nil
		}
		keep[name] = true
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

// pointed is the name of the folder of the checkpoint that a pointer names.
func pointed(dir, pointer string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, pointer))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoCheckpoint
	}
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(data))
	if name == "" {
		return "", fmt.Errorf("%s is empty: expected the name of a checkpoint", filepath.Join(dir, pointer))
	}
	return found(dir, name), nil
}

// LastCheckpoint is the name of the folder in dir, a run's checkpoints, from which its training goes on; "" without one.
func LastCheckpoint(dir string) string {
	name, err := pointed(dir, lastName)
	if err != nil || !exists(filepath.Join(dir, name)) {
		return ""
	}
	return name
}

// load replaces the variables and the state by those of the checkpoint that the pointer names.
func (t *Trainer) load(pointer string) error {
	name, err := t.pointed(pointer)
	if err != nil {
		return err
	}
	return t.loadFrom(name)
}

// loadFrom reads the checkpoint of a name.
func (t *Trainer) loadFrom(name string) error {
	loaded, s, err := open(t.store, filepath.Join(t.dir, name))
	if err != nil {
		return err
	}
	s.run = t.state.run
	if s.BestEpoch == 0 {
		s.Best = t.state.Best
	}
	t.loaded, t.state = loaded, s
	return nil
}

// open reads the checkpoint in dir: its variables for the store, and its state. One that isn't whole is an error.
func open(store *gomodel.Store, dir string) (*checkpoint.Handler, state, error) {
	s, err := inspect(dir)
	if err != nil {
		return nil, state{}, fmt.Errorf("read checkpoint: %w", err)
	}
	// GoMLX asks an earlier checkpoint's loader first, which would give variables that no graph has used yet its values.
	store.SetLoader(nil)
	handler, err := checkpoint.Load(store).Dir(dir).ExcludeAllParams().Done()
	if err != nil {
		return nil, state{}, fmt.Errorf("read checkpoint %s: %w", dir, err)
	}
	return handler, s, nil
}

// inspect reads a checkpoint's state and compares its files: GoMLX reads what variables there are, and those that a checkpoint
// has lost would begin at random.
func inspect(dir string) (s state, err error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	variables, err := variablesIn(dir)
	if err != nil {
		return s, err
	}
	if s.Variables > 0 && len(variables) != s.Variables {
		return s, fmt.Errorf("%s has %d variables, expected the %d that its %s counts", dir, len(variables), s.Variables, stateFile)
	}
	return s, nil
}

// variablesIn are the paths of the variables that GoMLX's .json in dir lists. They are returned also with the error of
// a .bin of another size than theirs.
func variablesIn(dir string) (paths []string, err error) {
	index, err := checkpointFile(dir, checkpoint.JsonNameSuffix)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(index)
	if err != nil {
		return nil, err
	}
	var listed struct {
		Variables []struct {
			ParameterName string
			Pos, Length   int64 // bytes
		}
	}
	if err := json.Unmarshal(data, &listed); err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	size := int64(0)
	for _, v := range listed.Variables {
		paths, size = append(paths, strings.TrimPrefix(v.ParameterName, "var:")), v.Pos+v.Length
	}
	values := strings.TrimSuffix(index, checkpoint.JsonNameSuffix) + checkpoint.BinDataSuffix
	info, err := os.Stat(values)
	if err != nil {
		return paths, err
	}
	if info.Size() != size {
		return paths, fmt.Errorf("%s has %d bytes, expected %d by %s", values, info.Size(), size, filepath.Base(index))
	}
	return paths, nil
}

// checkpointFile is GoMLX's file with that ending in dir.
func checkpointFile(dir, suffix string) (string, error) {
	names, err := fs.Glob(os.DirFS(dir), "checkpoint-*"+suffix)
	if err != nil || len(names) != 1 {
		return "", errors.Join(err, fmt.Errorf("%s has %d files checkpoint-*%s, expected one", dir, len(names), suffix))
	}
	return filepath.Join(dir, names[0]), nil
}

// wayBack says what helps where the last checkpoint can't be read.
func (t *Trainer) wayBack() string {
	last := filepath.Join(t.dir, lastName)
	broken, _ := t.pointed(lastName)
	entries, _ := os.ReadDir(t.dir)
	for _, e := range slices.Backward(entries) { // the newest first
		if name := e.Name(); name != broken && resumable.MatchString(name) {
			if _, err := inspect(filepath.Join(t.dir, name)); err == nil {
				return fmt.Sprintf("\"echo %s > %s\" goes back to the newest other one that is whole", name, last)
			}
		}
	}
	return fmt.Sprintf("there is no other one that is whole, and training begins anew once %s is removed", last)
}
