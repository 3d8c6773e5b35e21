package fetch

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// debian puts an apt-get and a dpkg-deb on the PATH, and nothing else but a shell's tools, that run shell scripts.
func debian(t *testing.T, apt, dpkg string) {
	t.Helper()
	bin := t.TempDir()
	for name, script := range map[string]string{"apt-get": apt, "dpkg-deb": dpkg} {
		if script == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nPATH=/bin:/usr/bin\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
}

const (
	goodApt  = `[ "$2" = download ] || exit 9; echo once >>"$COUNT"; echo deb >"$3_1.0_all.deb"`
	goodDpkg = `[ "$1" = -x ] && [ "$(cat "$2")" = deb ] || exit 9; mkdir -p "$3/usr/share"; echo hi >"$3/usr/share/file"`
)

func TestDebian(t *testing.T) {
	for name, test := range map[string]struct {
		reason    string
		apt, dpkg string
		errs      []string
	}{
		"whole":       {"the package is unpacked under its own name", goodApt, goodDpkg, nil},
		"no tools":    {"another system", "", "", []string{"apt-get and dpkg-deb not on the PATH", "Ubuntu"}},
		"no dpkg":     {"half of them", goodApt, "", []string{"dpkg-deb not on the PATH"}},
		"old lists":   {"what apt says without lists", "echo 'E: Unable to locate package stamps' >&2; exit 100", goodDpkg, []string{"exit status 100", "Unable to locate package", "apt-get update"}},
		"no package":  {"apt-get succeeds and brings nothing", "exit 0", goodDpkg, []string{"brought 0 packages"}},
		"broken file": {"dpkg-deb can't read it", goodApt, "mkdir -p \"$3/usr\"; echo 'dpkg-deb: error: unexpected end of file' >&2; exit 2", []string{"dpkg-deb -x: exit status 2", "unexpected end of file"}},
	} {
		t.Run(name, func(t *testing.T) {
			debian(t, test.apt, test.dpkg)
			parent := t.TempDir()
			counter := filepath.Join(t.TempDir(), "count")
			t.Setenv("COUNT", counter)
			dir := filepath.Join(parent, "data", "stamps")
			fetched, err := Debian(context.Background(), dir, "stamps", nil)
			if len(test.errs) > 0 {
				if err == nil || fetched {
					t.Fatalf("%s: no error", test.reason)
				}
				for _, want := range test.errs {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: error %q, want %q in it", test.reason, err, want)
					}
				}
				left, _ := os.ReadDir(filepath.Join(parent, "data"))
				for _, entry := range left {
					if entry.Name() != ".stamps.lock" {
						t.Errorf("%s: left %s", test.reason, entry.Name())
					}
				}
				return
			}
			if err != nil || !fetched {
				t.Fatalf("%s: %v, fetched %v", test.reason, err, fetched)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "usr/share/file")); err != nil || string(got) != "hi\n" {
				t.Errorf("unpacked %q, %v", got, err)
			}
			fetched, err = Debian(context.Background(), dir, "stamps", nil)
			if err != nil || fetched {
				t.Errorf("again: fetched %v, %v", fetched, err)
			}
			if runs, _ := os.ReadFile(counter); !bytes.Equal(runs, []byte("once\n")) {
				t.Errorf("apt-get ran %q", runs)
			}
		})
	}
}

// A folder of the user's own is not written to; an empty one is taken.
func TestDebianFolder(t *testing.T) {
	debian(t, goodApt, goodDpkg)
	t.Setenv("COUNT", filepath.Join(t.TempDir(), "count"))
	dir := t.TempDir()
	if _, err := Debian(context.Background(), dir, "stamps", nil); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, "thesis.txt"), []byte("x"))
	if _, err := Debian(context.Background(), dir, "stamps", nil); err == nil || !strings.Contains(err.Error(), "holds other files") {
		t.Errorf("a folder with other files: %v", err)
	}
}

func TestDebianInterrupted(t *testing.T) {
	debian(t, "exec sleep 60", goodDpkg)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	parent := t.TempDir()
	if _, err := Debian(ctx, filepath.Join(parent, "stamps"), "stamps", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(parent, ".*.fetch")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
