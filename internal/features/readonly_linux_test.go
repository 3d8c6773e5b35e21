package features

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// readOnly calls use, as somebody who is not root, while nothing below dir can be written to.
func readOnly(t *testing.T, dir string, use func()) {
	t.Helper()
	set := func(folder, file fs.FileMode) {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				return os.Chmod(path, folder)
			}
			return errors.Join(err, os.Chmod(path, file))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // t.TempDir's is for its owner alone
		t.Fatal(err)
	}
	set(0o555, 0o444)
	defer set(0o755, 0o644)
	done, writable := make(chan struct{}), false
	go func() {
		defer close(done)
		runtime.LockOSThread() // until it ends, with this goroutine
		if os.Getuid() == 0 {
			_ = syscall.Setfsuid(65534)
		}
		if writable = os.Mkdir(filepath.Join(dir, "probe"), 0o755) == nil; !writable {
			use()
		}
	}()
	<-done
	if writable {
		t.Skip("nothing is read-only here")
	}
}

// A cache that can't be written to serves where it has all pictures, though it does not know their files. Where it lacks one, or has
// a damaged record of it, the error says so before anything is computed.
func TestReadOnlyCache(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 4), tiny(t, dir, 2)
	want := rows(t, extract(t, e, pictures[:3], cache), pictures[:3])
	write(t, sideFile(filepath.Join(cache, "features")), []byte("{}"))
	var table *Table
	var err, lacking error
	readOnly(t, cache, func() { // no backend: it can't compute
		table, err = Compute(t.Context(), nil, e, pictures[:3], cache, nil)
		_, lacking = Compute(t.Context(), nil, e, pictures, cache, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	counts(t, table, 0, 3)
	if !same(rows(t, table, pictures[:3]), want) {
		t.Error("other features than before")
	}
	if lacking == nil || !errors.Is(lacking, fs.ErrPermission) || !strings.Contains(lacking.Error(), "it lacks 1 picture and can't be written to") {
		t.Errorf("error %v, want the picture that is not there", lacking)
	}
	counts(t, extract(t, e, pictures, cache), 1, 3)

	found, err := filepath.Glob(filepath.Join(cache, "features", "*", "rows.bin"))
	if err != nil || len(found) != 1 {
		t.Fatalf("rows.bin: %v %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	write(t, found[0], data)
	readOnly(t, cache, func() {
		var others *Table
		if others, err = Compute(t.Context(), nil, e, pictures[1:], cache, nil); err == nil {
			err = others.Close()
		}
		_, lacking = Compute(t.Context(), nil, e, pictures, cache, nil)
	})
	if err != nil || lacking == nil || !strings.Contains(lacking.Error(), "it lacks 1 picture and can't be written to") {
		t.Errorf("of intact rows error %v, of a damaged one, too, %v", err, lacking)
	}
}
