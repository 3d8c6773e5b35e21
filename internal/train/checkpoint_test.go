package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// storing is a trainer of a few variables that can write and read checkpoints, and nothing else; weights are all of this value.
func storing(t *testing.T, dir string, s Settings, value float32) *Trainer {
	t.Helper()
	tr := &Trainer{settings: s, store: gomodel.NewStore(), dir: dir}
	for _, path := range []string{"/lstm/kernel", "/lstm/bias", averageScope + "/lstm/kernel", "/metrics/shown"} {
		values := slices.Repeat([]float32{value}, 500)
		if strings.HasPrefix(path, averageScope) {
			values = slices.Repeat([]float32{-value}, 500)
		}
		if _, err := tr.store.CreateVariable(path, tensors.FromValue(values)); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// at puts a trainer at the end of an epoch.
func (t *Trainer) at(epoch, best int) *Trainer {
	t.state.Step, t.state.Epoch, t.state.BestEpoch = 10*epoch, epoch, best
	return t
}

// weightsAt are the weights, all the same, and the epoch that a pointer in dir gives.
func weightsAt(t *testing.T, dir, pointer string) (weight float32, epoch int) {
	t.Helper()
	tr := storing(t, dir, Settings{}, 0)
	if err := tr.load(pointer); err != nil {
		t.Fatalf("load %s: %v", pointer, err)
	}
	return tensors.MustCopyFlatData[float32](tr.store.GetVariable("/lstm/kernel").MustValue())[0], tr.state.Epoch
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// folders are the names in dir but for the pointers'.
func folders(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// fileOf is the one file of a checkpoint whose name ends in this way.
func fileOf(t *testing.T, dir, suffix string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "checkpoint-*"+suffix))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s has %d files of GoMLX that end in %s, error %v", dir, len(paths), suffix, err)
	}
	return paths[0]
}

// TestSaveNoticesFailedWrites: a checkpoint whose weights can't be written is an error, and the one before it stays.
func TestSaveNoticesFailedWrites(t *testing.T) {
	for _, limit := range []uint64{0, 1000, 2000, 3000, 6000} { // a file of 6,008 bytes, in four writes: GoMLX adds the step
		dir := t.TempDir()
		tr := storing(t, dir, Settings{}, 1).at(1, 1)
		must(t, tr.save(), tr.saveBest())
		var before syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: before.Max}))
		err := tr.at(2, 2).save()
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		if err == nil || limit > 0 && !strings.Contains(err.Error(), "GoMLX has not written all of it") {
			t.Errorf("files of at most %d bytes: got error %v", limit, err)
		}
		if got := folders(t, dir); !slices.Equal(got, []string{"step-00000010-epoch-0001"}) {
			t.Errorf("files of at most %d bytes: %v are left", limit, got)
		}
		if weight, epoch := weightsAt(t, dir, lastName); weight != 1 || epoch != 1 {
			t.Errorf("files of at most %d bytes: last has weights %v of epoch %d", limit, weight, epoch)
		}
		must(t, tr.save())
		if _, epoch := weightsAt(t, dir, lastName); epoch != 2 {
			t.Errorf("saved again, last is of epoch %d", epoch)
		}
	}
}

// TestLoadNoticesMissingVariables: a checkpoint that has lost variables or their values is an error that names the file, for training,
// captioning and ensembles; one of an earlier version, which doesn't count its variables, is read.
func TestLoadNoticesMissingVariables(t *testing.T) {
	cut := func(path string, size int64) error { return os.Truncate(path, size) }
	lastVariableOut := func(path string) error {
		var index map[string]any
		data, err := os.ReadFile(path)
		must(t, err, json.Unmarshal(data, &index))
		all := index["Variables"].([]any)
		index["Variables"] = all[:len(all)-1]
		data, err = json.Marshal(index)
		return errors.Join(err, os.WriteFile(path, data, 0o644))
	}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   []string
	}{
		{"whole", func(string) error { return nil }, nil},
		{"values are cut off", func(dir string) error { return cut(fileOf(t, dir, ".bin"), 5000) }, []string{".bin has 5000 bytes, expected 6008 by checkpoint-n0"}},
		{"no values", func(dir string) error { return cut(fileOf(t, dir, ".bin"), 0) }, []string{".bin has 0 bytes, expected 6008"}},
		{"more values than variables", func(dir string) error { return lastVariableOut(fileOf(t, dir, ".json")) }, []string{".bin has 6008 bytes, expected 6000"}},
		{"a variable and its values", func(dir string) error {
			return errors.Join(lastVariableOut(fileOf(t, dir, ".json")), cut(fileOf(t, dir, ".bin"), 6000))
		}, []string{"step-00000010-epoch-0001 has 3 variables, expected the 4 that its state.json counts"}},
		{"no .json", func(dir string) error { return os.Remove(fileOf(t, dir, ".json")) }, []string{"has 0 files checkpoint-*.json, expected one"}},
		{"of an earlier version", func(dir string) error {
			path := filepath.Join(dir, stateFile)
			data, err := os.ReadFile(path)
			counted := bytes.Replace(data, []byte(",\n  \"variables\": 4"), nil, 1)
			if bytes.Equal(counted, data) {
				t.Errorf("no count in %s", data)
			}
			return errors.Join(err, os.WriteFile(path, counted, 0o644), lastVariableOut(fileOf(t, dir, ".json")), cut(fileOf(t, dir, ".bin"), 6000))
		}, nil},
	} {
		dir := t.TempDir()
		tr := storing(t, dir, Settings{}, 1).at(1, 1)
		must(t, tr.save(), tr.saveBest())
		must(t, c.change(filepath.Join(dir, "step-00000010-epoch-0001")))
		reader := storing(t, dir, Settings{}, 0)
		for what, err := range map[string]error{"last": reader.load(lastName), "best": reader.LoadBest(), "ensemble": reader.LoadMembers([]string{dir})} {
			if c.want == nil {
				must(t, err)
				continue
			}
			for _, part := range append(c.want, dir) {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s, %s: got error %v, want one with %q", c.name, what, err, part)
				}
			}
		}
	}
}

// TestReplacedCheckpointIsFound: a kill while a checkpoint takes the place of another of the same moment leaves that one, for last,
// best and the ends of epochs; once the next one is written, nothing that was put aside is left.
func TestReplacedCheckpointIsFound(t *testing.T) {
	dir := t.TempDir()
	const name = "step-00000010-epoch-0001"
	tr := storing(t, dir, Settings{}, 1).at(1, 1)
	tr.state.Ends, tr.state.Weights = []string{name}, []string{"/lstm/kernel"}
	must(t, tr.save(), tr.saveBest())
	if err := replace(filepath.Join(dir, "nothing"), filepath.Join(dir, name)); err == nil { // stops where a kill could
		t.Fatal("a folder that isn't there took a checkpoint's place")
	}
	for _, pointer := range []string{lastName, bestName} {
		if weight, epoch := weightsAt(t, dir, pointer); weight != 1 || epoch != 1 {
			t.Errorf("%s has weights %v of epoch %d", pointer, weight, epoch)
		}
	}
	must(t, tr.at(2, 2).save(), tr.saveBest())
	if _, err := tr.meanOfEnds(); err != nil {
		t.Errorf("the mean of the epochs' ends: %v", err)
	}
	// The same moment again, with other weights, as after a resume.
	again := storing(t, dir, Settings{}, 2).at(1, 1)
	must(t, again.save())
	if weight, _ := weightsAt(t, dir, lastName); weight != 2 {
		t.Errorf("written again, last has weights %v", weight)
	}
	if got := folders(t, dir); !slices.Equal(got, []string{name, "step-00000020-epoch-0002"}) {
		t.Errorf("%v are left", got)
	}
	// Killed after the rename, before the old one is removed.
	must(t, os.CopyFS(filepath.Join(dir, name+asideSuffix), os.DirFS(filepath.Join(dir, name))))
	must(t, again.at(3, 3).save())
	if got := folders(t, dir); !slices.Equal(got, []string{"step-00000020-epoch-0002", "step-00000030-epoch-0003"}) {
		t.Errorf("%v are left", got)
	}
}

// TestKilledBeforeBest: last is written before best, whose checkpoint of before stays; a run that goes on, or has nothing left to do,
// writes best, too.
func TestKilledBeforeBest(t *testing.T) {
	for _, c := range []struct {
		averaging string
		weight    float32 // of the second epoch's best
		name      string
	}{{"none", 2, "step-00000020-epoch-0002"}, {"ema", -2, "step-00000020-epoch-0002-average"}} {
		dir := t.TempDir()
		s := Settings{Epochs: 2, Averaging: c.averaging}
		must(t, storing(t, dir, s, 1).at(1, 1).save())
		tr := storing(t, dir, s, 1).at(1, 1)
		must(t, tr.saveBest())
		first, _ := tr.pointed(bestName)

		best := filepath.Join(dir, bestName)
		must(t, os.Remove(best), os.Mkdir(best, 0o755)) // can't be written: as good as a kill
		second := storing(t, dir, s, 2).at(1, 1)
		second.state.Best, second.state.run = 1, &run{}
		second.state.Step = 20
		if err := second.endEpoch(2, Score{Nats: 1, Tokens: 2}, 0, Events{}); err == nil {
			t.Fatal("best could be written")
		}
		must(t, os.Remove(best), os.WriteFile(best, []byte(first+"\n"), 0o644))
		if weight, epoch := weightsAt(t, dir, lastName); weight != 2 || epoch != 2 {
			t.Errorf("%s: killed before best, last has weights %v of epoch %d", c.averaging, weight, epoch)
		}
		if _, epoch := weightsAt(t, dir, bestName); epoch != 1 {
			t.Errorf("%s: killed before best, best is of epoch %d", c.averaging, epoch)
		}

		again := storing(t, dir, s, 0)
		must(t, again.load(lastName), again.Run(t.Context(), nil, nil, Events{}))
		if weight, epoch := weightsAt(t, dir, bestName); weight != c.weight || epoch != 2 {
			t.Errorf("%s: best has weights %v of epoch %d", c.averaging, weight, epoch)
		}
		if name, _ := again.pointed(bestName); name != c.name {
			t.Errorf("%s: best is %s", c.averaging, name)
		}
		if got := folders(t, dir); slices.Contains(got, first) {
			t.Errorf("%s: %v are left", c.averaging, got)
		}
		if weight, _ := weightsAt(t, dir, lastName); weight != 2 {
			t.Errorf("%s: last has weights %v", c.averaging, weight)
		}
	}
}

// TestWayBack: where the last checkpoint can't be read, the error says which one to go back to.
func TestWayBack(t *testing.T) {
	dir := t.TempDir()
	last := filepath.Join(dir, lastName)
	tr := storing(t, dir, Settings{Averaging: "ema"}, 1).at(1, 1)
	must(t, tr.save(), tr.saveBest())
	tr.state.Ends = []string{"step-00000010-epoch-0001"}
	must(t, tr.at(2, 2).save(), tr.saveBest())
	back := "\"echo step-00000010-epoch-0001 > " + last + "\" goes back to the newest other one that is whole"
	anew := "training begins anew once " + last + " is removed"
	for _, c := range []struct {
		change func() error
		want   []string
	}{
		{func() error {
			return os.Truncate(fileOf(t, filepath.Join(dir, "step-00000020-epoch-0002"), ".bin"), 10)
		}, []string{".bin has 10 bytes", back}},
		{func() error { return os.WriteFile(last, nil, 0o644) }, []string{last + " is empty: expected the name of a checkpoint", back}},
		{func() error { return os.WriteFile(last, []byte("step-7\n"), 0o644) }, []string{filepath.Join(dir, "step-7", stateFile), back}},
		{func() error { return os.Remove(filepath.Join(dir, "step-00000010-epoch-0001", stateFile)) }, []string{anew}},
	} {
		must(t, c.change())
		_, err := New(nil, nil, Settings{}, dir)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("got error %v, want one with %q", err, part)
			}
		}
	}
}
