package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testHash = "0123456789abcdef"

func create(t *testing.T) *Folder {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "results"), "baseline", testHash, []byte("# given\n"), []byte("# resolved\n"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCreate(t *testing.T) {
	before := time.Now().UTC().Truncate(time.Millisecond)
	f := create(t)
	m := regexp.MustCompile(`^(\d{8}T\d{6}\.\d{3}Z)-baseline-01234567$`).FindStringSubmatch(filepath.Base(f.Dir))
	if m == nil {
		t.Fatalf("folder is named %s", filepath.Base(f.Dir))
	}
	named, err := time.Parse(timeLayout, m[1])
	if err != nil || named.Before(before) || time.Since(named) > time.Minute {
		t.Errorf("named after %v (%v), made at %v", named, err, before)
	}
	for name, want := range map[string]string{ConfigFile: "# given\n", ResolvedFile: "# resolved\n"} {
		if got := read(t, f.Path(name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	i, err := f.Info()
	if err != nil {
		t.Fatal(err)
	}
	if i.Name != "baseline" || i.Status != Running || i.ConfigHash != testHash || !i.Started.Equal(named) {
		t.Errorf("run.json holds %+v", i)
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, c := range []struct{ name, hash, want string }{
		{"", testHash, "run name"},
		{"../up", testHash, "run name"},
		{"two words", testHash, "run name"},
		{"x", "0123", "config hash"},
	} {
		results := filepath.Join(t.TempDir(), "results")
		if _, err := Create(results, c.name, c.hash, nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Create(%q, %q): %v, want an error about the %s", c.name, c.hash, err, c.want)
		}
		if _, err := os.Stat(results); err == nil {
			t.Errorf("Create(%q, %q) left a folder", c.name, c.hash)
		}
	}
}

// TestSameMillisecond: runs that start together never share a folder.
func TestSameMillisecond(t *testing.T) {
	const runs = 50
	results := t.TempDir()
	var dirs sync.Map
	var wg sync.WaitGroup
	for n := range runs {
		wg.Go(func() {
			f, err := Create(results, "same", testHash, fmt.Appendf(nil, "%d", n), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if other, taken := dirs.LoadOrStore(f.Dir, n); taken {
				t.Errorf("runs %d and %v share %s", other, n, f.Dir)
			}
			if got := read(t, f.Path(ConfigFile)); got != fmt.Sprint(n) {
				t.Errorf("run %d holds the config of run %s", n, got)
			}
		})
	}
	wg.Wait()
	folders, err := List(results)
	if err != nil || len(folders) != runs {
		t.Errorf("List finds %d folders (%v), want %d", len(folders), err, runs)
	}
}

func TestOpenExplains(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	broken := filepath.Join(dir, "broken")
	for path, text := range map[string]string{
		file: "", filepath.Join(broken, InfoFile): `{"name": "x`, filepath.Join(broken, ResolvedFile): "",
	} {
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "does not exist",
		file:                       "is a file, not a run folder",
		dir:                        "is not a run folder: it has no run.json",
		broken:                     "run.json: unexpected end of JSON input",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): %v, want it named and %q", path, err, want)
		}
	}
}

// TestCreateLeavesNothing: a run that can't be created, as on a full disk, leaves no folder that no command sees.
func TestCreateLeavesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("paths are too long in another way there")
	}
	// Linux takes the names of the folder and its lock, but not those longer than 4,095 bytes, as config.toml's is while it is written.
	results := t.TempDir()
	for long := 4046; len(results) < long; {
		results += "/" + strings.Repeat("r", min(200, long-len(results)-1))
	}
	if _, err := Create(results, "x", testHash, nil, nil); err == nil || !strings.Contains(err.Error(), ConfigFile) {
		t.Errorf("error %v, want one about %s", err, ConfigFile)
	}
	if left, err := os.ReadDir(results); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// TestBroken: a folder that has a run's files and can't be opened is told of; what was never a run's isn't.
func TestBroken(t *testing.T) {
	results := t.TempDir()
	for path, text := range map[string]string{
		"whole/run.json": "{}", "whole/config.resolved.toml": "",
		"torn/run.json": `{"name": "x`, "torn/config.resolved.toml": "",
		"half/config.resolved.toml": "", removing + "half/run.json": "", "notes/file": "", "file": "",
	} {
		path = filepath.Join(results, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if folders, err := List(results); err != nil || len(folders) != 1 {
		t.Errorf("List finds %d folders (%v), want 1", len(folders), err)
	}
	broken, err := Broken(results)
	if err != nil || len(broken) != 2 {
		t.Fatalf("broken are %v (%v), want 2", broken, err)
	}
	for n, want := range []string{"half is not a run folder: it has no run.json", filepath.Join("torn", "run.json") + ": unexpected end of JSON input"} {
		if !strings.Contains(broken[n].Error(), want) {
			t.Errorf("%v, want %q", broken[n], want)
		}
	}
	if broken, err := Broken(filepath.Join(results, "none")); err != nil || len(broken) != 0 {
		t.Errorf("no results folder: %v (%v)", broken, err)
	}
}

// TestLinkedRun: a run that was moved away and linked back is listed; one with a link beside it is listed once.
func TestLinkedRun(t *testing.T) {
	f := create(t)
	results, elsewhere := filepath.Dir(f.Dir), filepath.Join(t.TempDir(), "moved")
	if err := os.Symlink(filepath.Base(f.Dir), filepath.Join(results, "newest")); err != nil {
		t.Fatal(err)
	}
	if folders, err := List(results); err != nil || len(folders) != 1 || folders[0].Dir != f.Dir {
		t.Errorf("List finds %v (%v), want the run once", folders, err)
	}
	for _, err := range []error{
		os.Rename(f.Dir, elsewhere), os.Symlink(elsewhere, f.Dir), os.Remove(filepath.Join(results, "newest")), os.Symlink("nowhere", filepath.Join(results, "gone")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if folders, err := List(results); err != nil || len(folders) != 1 || folders[0].Dir != f.Dir {
		t.Errorf("List finds %v (%v), want the linked run", folders, err)
	}
}

func TestLock(t *testing.T) {
	f := create(t) // holds the lock
	other, err := Open(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := other.Info(); err != nil || i.Status != Running {
		t.Errorf("a run in progress reads as %s (%v)", i.Status, err)
	}
	if _, err := other.Lock(); err == nil || !strings.Contains(err.Error(), "still in progress") {
		t.Errorf("locked twice: %v", err)
	}
	unlock, err := f.Lock()
	if err != nil {
		t.Fatalf("its own lock again: %v", err)
	}
	unlock()
	unlock() // harmless
	if i, err := other.Info(); err != nil || i.Status != Failed || i.Error != Killed {
		t.Errorf("running without an owner reads as %s %q (%v), want failed", i.Status, i.Error, err)
	}
	if _, err := other.Lock(); err != nil {
		t.Errorf("after unlock: %v", err)
	}
}

// TestInfoRoundTrip also pins run.json's names: other programs read them.
func TestInfoRoundTrip(t *testing.T) {
	f := create(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600))
	err := f.Update(func(i *Info) {
		i.Started, i.Finished, i.Resumed = when, when, []time.Time{when}
		i.Status, i.Error, i.Description, i.Command = Done, "a <b>", "why?", "captionlab run x"
		i.GitCommit, i.GitDirty, i.GoVersion = "abc", true, "go1.26"
		i.Backend, i.Device, i.Plugin, i.PluginVersion = "xla", "cpu", "p.so", "1"
		i.Host = Host{OS: "linux/amd64", Cores: 2, MemoryBytes: 3}
		i.Modules["m"], i.Seeds["training"], i.Hashes["data"] = "v1", 7, "ff"
		i.Results["fine"], i.Results["diverged"] = 1.5, math.NaN()
		i.Stages, i.PeakMemoryBytes = []Stage{{"data", 1.25}}, 1<<40
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "name": "baseline",
  "description": "why?",
  "config_hash": "0123456789abcdef",
  "status": "done",
  "error": "a <b>",
  "started": "2026-01-02T02:04:05.678Z",
  "finished": "2026-01-02T02:04:05.678Z",
  "resumed": [
    "2026-01-02T02:04:05.678Z"
  ],
  "command": "captionlab run x",
  "git_commit": "abc",
  "git_dirty": true,
  "go_version": "go1.26",
  "modules": {
    "m": "v1"
  },
  "host": {
    "os": "linux/amd64",
    "cores": 2,
    "memory_bytes": 3
  },
  "backend": "xla",
  "device": "cpu",
  "plugin": "p.so",
  "plugin_version": "1",
  "seeds": {
    "training": 7
  },
  "hashes": {
    "data": "ff"
  },
  "stages": [
    {
      "name": "data",
      "seconds": 1.25
    }
  ],
  "peak_memory_bytes": 1099511627776,
  "results": {
    "diverged": null,
    "fine": 1.5
  }
}
`
	if diff := cmp.Diff(want, read(t, f.Path(InfoFile))); diff != "" {
		t.Errorf("run.json (-want +got):\n%s", diff)
	}
	i, err := f.Info()
	if err != nil || !math.IsNaN(i.Results["diverged"]) || i.Results["fine"] != 1.5 {
		t.Errorf("results read back as %v (%v)", i.Results, err)
	}
}

func TestPredictionsRoundTrip(t *testing.T) {
	f := create(t)
	want := []Prediction{
		{"1.jpg", "pictures/1.jpg", "test", "a 👩‍🚀 <unk> & \"more\"\u2028", -12.5, 9, []string{"one", "two\nlines"}, []string{"One", "Two #tag"}},
		{"2.jpg", "pictures/2.jpg", "test", "", math.NaN(), 0, []string{}, nil},
	}
	if err := f.WritePredictions("test", want); err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadPredictions("test")
	if err != nil {
		t.Fatal(err)
	}
	nan := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(want, got, nan); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := strings.Count(read(t, f.Path("predictions", "test.jsonl")), "\n"); n != len(want) {
		t.Errorf("%d lines for %d predictions", n, len(want))
	}
	if _, err := f.ReadPredictions("train"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a split without predictions: %v", err)
	}
}

func TestLogWriter(t *testing.T) {
	f := create(t)
	for range 2 { // a resumed run goes on in the same file
		w, err := f.LogWriter()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"one\ntw", "o\n", "10 %\r50 %\r", "100 %\n", "\n", "windows\r\n", "rest"} {
			if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
				t.Fatalf("Write(%q) = %d, %v", s, n, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stamp := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  `)
	want := strings.Repeat("one\ntwo\n100 %\n\nwindows\nrest\n", 2)
	log := read(t, f.Path(LogFile))
	if got := stamp.ReplaceAllString(log, ""); got != want {
		t.Errorf("log.txt holds %q, want %q", got, want)
	}
	if n := len(stamp.FindAllString(log, -1)); n != 12 {
		t.Errorf("%d of 12 lines have their time", n)
	}
}

func TestProvenance(t *testing.T) {
	p := Provenance(t.Context())
	if p.GoVersion == "" || p.Host.Cores < 1 || p.Host.MemoryBytes < 1<<20 || p.Command == "" {
		t.Errorf("%+v", p)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
	before := PeakMemory()
	if before == 0 {
		t.Skip("peak memory can't be known on this system")
	}
	block := make([]byte, 64<<20)
	for n := 0; n < len(block); n += 4096 {
		block[n] = 1
	}
	if after := PeakMemory(); after < before || after < 64<<20 {
		t.Errorf("peak memory %d, then %d after touching 64 MiB", before, after)
	}
	runtime.KeepAlive(block)
	block = nil
	debug.FreeOSMemory()
	most := PeakMemory()
	if ResetPeakMemory() && PeakMemory() > most-32<<20 {
		t.Errorf("peak memory %d, %d for what comes after 64 MiB were given back", most, PeakMemory())
	}
}

// TestStamp: a run that another program or machine went on with tells of both, one that went on at home of itself alone.
func TestStamp(t *testing.T) {
	f := create(t)
	old := Process{Command: "captionlab run a.toml", GitCommit: "old", GoVersion: "go1.26", Host: Host{OS: "linux/amd64", Cores: 2, MemoryBytes: 100}}
	again, elsewhere, updated := old, old, old
	again.Command, again.Host.MemoryBytes = "captionlab resume a", 101
	elsewhere.Host.Cores = 16
	updated.GitCommit, updated.Host.Cores = "new", 16
	for _, p := range []Process{old, again, elsewhere, updated, updated} {
		if err := f.Update(func(i *Info) { i.Stamp(p) }); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Info()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Process{again, elsewhere, updated}, got.Processes()); diff != "" {
		t.Errorf("the run's processes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"old", "new"}, got.EachProcess(func(p Process) string { return p.GitCommit })); diff != "" {
		t.Errorf("their commits (-want +got):\n%s", diff)
	}
	if !got.SameProgram(updated) || got.SameProgram(old) {
		t.Errorf("the last process is %+v, want the updated program", got.Process)
	}
}
