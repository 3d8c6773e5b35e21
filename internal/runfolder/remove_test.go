package runfolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemove: only a run folder in the results folder that no process works on is removed, and links in it are not followed.
func TestRemove(t *testing.T) {
	results, elsewhere := t.TempDir(), t.TempDir()
	newRun := func(results string) *Folder {
		f, err := Create(results, "run", "12345678", []byte("a"), []byte("a"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	running, done, other := newRun(results), newRun(results), newRun(elsewhere)
	done.unlock()
	other.unlock()
	notes, file := filepath.Join(results, "notes"), filepath.Join(results, "file")
	link, precious := filepath.Join(results, "link"), filepath.Join(elsewhere, "precious")
	hidden := filepath.Join(results, ".hidden")
	for _, err := range []error{
		os.Mkdir(notes, 0o755), os.Mkdir(hidden, 0o755), os.WriteFile(file, nil, 0o644), os.WriteFile(precious, nil, 0o644), os.Symlink(done.Dir, link),
		os.Symlink(elsewhere, done.Path("shared")), os.Symlink(precious, done.Path("linked")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(results, removing+"x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{InfoFile, ResolvedFile} { // as a removal that was killed leaves it
		text, err := os.ReadFile(done.Path(name))
		if err == nil {
			err = os.WriteFile(filepath.Join(results, removing+"x", name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if all, err := List(results); err != nil || len(all) != 2 {
		t.Errorf("listed %d runs (%v), want 2", len(all), err)
	}
	for _, test := range []struct{ reason, dir, want string }{
		{"a run in progress", running.Dir, "still in progress"},
		{"a run elsewhere", other.Dir, "is not in the results folder"},
		{"a folder that is no run's", notes, "is not a run folder"},
		{"a hidden folder", hidden, "is not a run folder"},
		{"a file", file, "is a file"},
		{"a link to a run", link, "is a link"},
		{"nothing", filepath.Join(results, "none"), "does not exist"},
		{"the results folder", results, "is not in the results folder"},
		{"a way out of the results folder", filepath.Join(results, "..", filepath.Base(elsewhere), filepath.Base(other.Dir)), "is not in the results folder"},
		{"a part of a run", filepath.Join(done.Dir, "shared"), "is a link"},
	} {
		for _, do := range []func(results, dir string) error{Removable, Remove} {
			if err := do(results, test.dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want %q", test.reason, err, test.want)
			}
			if err := do(results, test.dir); errors.Is(err, ErrInProgress) != (test.dir == running.Dir) || errors.Is(err, fs.ErrNotExist) != (test.reason == "nothing") {
				t.Errorf("%s: error %v is of another kind", test.reason, err)
			}
		}
	}
	unlock, err := done.Lock()
	if err == nil {
		err = done.Update(func(i *Info) { i.Status = Done })
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := Removable(results, done.Dir); !errors.Is(err, ErrInProgress) {
		t.Errorf("a finished run that is resumed: %v", err)
	}
	unlock()
	for _, f := range []*Folder{running, done, other} {
		if _, err := Open(f.Dir); err != nil {
			t.Fatalf("refused, yet gone: %v", err)
		}
	}
	if err := Removable(results, done.Dir); err != nil {
		t.Error(err)
	}
	if err := Remove(results, done.Dir+string(filepath.Separator)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(results)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), filepath.Base(done.Dir)) {
			t.Errorf("%s is still there", e.Name())
		}
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("what a link in the run pointed to: %v", err)
	}
	if _, err := Open(other.Dir); err != nil {
		t.Errorf("a run behind a link: %v", err)
	}
}
