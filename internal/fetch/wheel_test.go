package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wheel is a package of the Python index with one large member.
func wheel(t *testing.T, member string) []byte {
	var w bytes.Buffer
	z := zip.NewWriter(&w)
	for name, data := range map[string][]byte{member: content, "pkg/__init__.py": []byte("\n")} {
		m, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// python puts a python3 on the PATH whose pip runs a shell script with $dest and $package set.
func python(t *testing.T, script string) {
	bin := t.TempDir()
	text := "#!/bin/sh\n" + `[ "$1 $2 $3" = "-m pip download" ] || exit 9
while [ $# -gt 0 ]; do
  [ "$1" = --dest ] && dest=$2
  package=$1
  shift
done
` + script + "\n"
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestEnsureByWheel(t *testing.T) {
	const member = "pkg/models/weights.bin"
	good := wheel(t, member)
	store := t.TempDir() // stands for the index
	write(t, filepath.Join(store, "pkg-1.0-py3-none-any.whl"), good)
	const copyWheel = `cp "$STORE"/*.whl "$dest"`
	tests := map[string]struct {
		reason string
		script string // of pip
		change func(f *File)
		errs   []string
	}{
		"good":          {"the wheel is unpacked and removed", copyWheel, nil, nil},
		"asked for":     {"the pinned version is asked for", `[ "$package" = pkg==1.0 ] && ` + copyWheel, nil, nil},
		"temporary":     {"pip's own temporary folder lies in the cache folder, not in a small /tmp", `case "$TMPDIR" in "$dest"*) ` + copyWheel + `;; esac`, nil, nil},
		"url first":     {"the official source fails before pip is asked", copyWheel, func(f *File) { f.URLs = []string{"http://127.0.0.1:1/x"} }, nil},
		"wrong wheel":   {"another wheel of the same version is refused before it is opened", copyWheel, func(f *File) { f.Wheel.SHA256 = sum(nil) }, []string{"pkg-1.0-py3-none-any.whl: wrong SHA-256: got " + sum(good)}},
		"wrong member":  {"the member has its own hash", copyWheel, func(f *File) { f.SHA256 = sum(nil); f.Size = 0 }, []string{member + " in pkg-1.0-py3-none-any.whl: wrong SHA-256"}},
		"no member":     {"a wheel without the file", copyWheel, func(f *File) { f.Wheel.Member = "pkg/other.bin" }, []string{"holds no pkg/other.bin"}},
		"pip fails":     {"what pip says last is told", `echo noise; echo "ERROR: No matching distribution found for $package" >&2; exit 1`, nil, []string{"Python package pkg 1.0, by pip: python3 -m pip download: exit status 1", "ERROR: No matching distribution found for pkg==1.0", "check the network or pip's index"}},
		"pip is absent": {"Python without pip", `echo "/usr/bin/python3: No module named pip" >&2; exit 1`, nil, []string{"No module named pip"}},
		"brings none":   {"pip ends well without a file", `true`, nil, []string{"brought 0 wheels"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STORE", store)
			python(t, test.script)
			f := pinned()
			f.Wheel = &Wheel{Package: "pkg", Version: "1.0", SHA256: sum(good), Member: member}
			if test.change != nil {
				test.change(&f)
			}
			dir := t.TempDir()
			var log bytes.Buffer
			path, err := Ensure(t.Context(), dir, f, &log)
			if len(test.errs) == 0 {
				if err != nil {
					t.Fatalf("%s: %v", test.reason, err)
				}
				holds(t, path, content)
				if !strings.Contains(log.String(), "fetching weights.bin (Python package pkg 1.0") {
					t.Errorf("log %q", log.String())
				}
				left(t, dir, "weights.bin", ".weights.bin.lock", ".weights.bin.sha256")
				return
			}
			if err == nil {
				t.Fatalf("%s: no error", test.reason)
			}
			for _, want := range test.errs {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: no %q in\n%v", test.reason, want, err)
				}
			}
			left(t, dir, ".weights.bin.lock")
		})
	}
}

func TestNoPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	f := pinned()
	f.Wheel = &Wheel{Package: "pkg", Version: "1.0", SHA256: sum(nil), Member: "m"}
	_, err := Ensure(t.Context(), t.TempDir(), f, nil)
	if err == nil || !strings.Contains(err.Error(), "python3 is not on the PATH") {
		t.Errorf("error %v", err)
	}
}

func TestCancelEndsPip(t *testing.T) {
	python(t, `exec sleep 60`)
	f := pinned()
	f.Wheel = &Wheel{Package: "pkg", Version: "1.0", SHA256: sum(nil), Member: "m"}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Ensure(ctx, t.TempDir(), f, nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
