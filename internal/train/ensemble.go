package train

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/fetch"
	"github.com/captionlab/captionlab/internal/model"
)

// LoadMembers gives the decoder, which is an ensemble (model.NewEnsemble), its members' weights: member n gets the best ones
// that a trainer left in dirs[n]. Call it before anything else that needs weights.
func (t *Trainer) LoadMembers(dirs []string) error {
	all := members{}
	t.members = nil
	for n, dir := range dirs {
		name, err := bestCheckpoint(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		at := filepath.Join(dir, name)
		handler, s, err := open(gomodel.NewStore(), at)
		if err != nil {
			return err
		}
		values, err := checkpointFile(at, checkpoint.BinDataSuffix)
		if err != nil {
			return err
		}
		hash, err := fetch.SHA256File(values)
		if err != nil {
			return err
		}
		t.members = append(t.members, Member{s.Epoch, s.MeanOf, hash})
		all = append(all, member{at, gomodel.ScopeSeparator + model.MemberScope(n) + gomodel.ScopeSeparator, handler})
	}
	t.store.SetLoader(all)
	return nil
}

// Member tells which weights an ensemble has of a training: those of an epoch, or the mean of those of MeanOf epochs, the last of
// them Epoch.
type Member struct {
	Epoch, MeanOf int
	Hash          string // SHA-256 of the checkpoint's values
}

// Members are those that LoadMembers loaded, in their order.
func (t *Trainer) Members() []Member { return t.members }

// bestCheckpoint is what LoadBest loads.
func bestCheckpoint(dir string) (name string, err error) {
	if name, err = pointed(dir, meanName); errors.Is(err, errNoCheckpoint) {
		name, err = pointed(dir, bestName)
	}
	return name, err
}

// HasBest is whether a folder of checkpoints has one that LoadBest loads: whether an epoch was finished.
func HasBest(dir string) bool {
	_, err := bestCheckpoint(dir)
	return !errors.Is(err, errNoCheckpoint)
}

// members gives a store the variables of an ensemble as graphs ask for them.
type members []member

type member struct {
	dir     string // of its checkpoint
	prefix  string // of its variables' paths
	handler *checkpoint.Handler
}

// LoadVariable implements gomodel.Loader. A weight that a member's graph wants and its checkpoint lacks would begin at random:
// that panics, as everything that is wrong with a graph.
func (m members) LoadVariable(store *gomodel.Store, path string) (*tensors.Tensor, bool) {
	for _, one := range m {
		if len(path) <= len(one.prefix) || path[:len(one.prefix)] != one.prefix {
			continue
		}
		value, found := one.handler.LoadVariable(store, path[len(one.prefix)-1:])
		if !found {
			exceptions.Panicf("the checkpoint %s has no weights %s", one.dir, path[len(one.prefix)-1:])
		}
		return value, true
	}
	return nil, false
}

// DeleteVariable implements gomodel.Loader: nothing deletes a member's weights.
func (m members) DeleteVariable(*gomodel.Store, string) error { return nil }
