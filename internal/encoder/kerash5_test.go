package encoder

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

func TestRefusedKerasH5(t *testing.T) {
	weights := filepath.Join(acceltest.CacheDir(), "weights")
	if err := os.MkdirAll(weights, 0o755); err != nil {
		t.Fatal(err)
	}
	python, err := pythonWithH5(t.Context(), filepath.Join(weights, "h5-python"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("testdata/keras2.h5")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const make = `
import h5py, numpy, sys
for name, path in (("root", "kernel"), ("top", "model_weights/kernel"), ("other", "layer/momentum")):
    with h5py.File(f"{sys.argv[1]}/{name}.h5", "w") as f:
        f[path] = numpy.zeros((2, 3), "f4")
with h5py.File(f"{sys.argv[1]}/odd.h5", "w") as f:
    f["layers/conv2d/vars/x"] = numpy.zeros((2, 3), "f4")
`
	if err := command(t.Context(), python, "-c", make, dir); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": nil, "text": []byte("not HDF5")} {
		if err := os.WriteFile(filepath.Join(dir, name+".h5"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const damaged, none = "not a Keras .h5 file, or a damaged one: ", "it holds no layers' weights; expected Keras'"
	for name, want := range map[string]string{"cut": damaged, "empty": damaged, "text": damaged, "odd": damaged, "root": none, "top": none, "other": none} {
		out := filepath.Join(dir, name+".safetensors")
		err := command(t.Context(), python, "-c", kerasH5Script, filepath.Join(dir, name+".h5"), out)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Traceback") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}

// A python3 that stands for one without h5py: its environments get it by pip, venv is logged, and a conversion is
// a copy.
const pythonWithoutH5 = `#!/bin/sh
case "$*" in
"-c import h5py, numpy") test -f "$(dirname "$0")/h5py" ;;
"-m venv --clear "*) echo venv >>"$VENV_LOG" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip install "*) sleep 0.2 && touch "$(dirname "$0")/h5py" ;;
*) cat "$3" >"$4" ;;
esac
`

func fakePython(t *testing.T) (venvs string) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(pythonWithoutH5), 0o755); err != nil {
		t.Fatal(err)
	}
	venvs = filepath.Join(bin, "log")
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("VENV_LOG", venvs)
	return venvs
}

func TestOneProcessInstallsH5(t *testing.T) {
	venvs := fakePython(t)
	env := filepath.Join(t.TempDir(), "h5-python")
	var all sync.WaitGroup
	for range 4 { // a lock file keeps goroutines apart as it does processes
		all.Go(func() {
			if python, err := pythonWithH5(t.Context(), env, io.Discard); err != nil || python != filepath.Join(env, "bin", "python") {
				t.Errorf("%s, %v", python, err)
			}
		})
	}
	all.Wait()
	if made, err := os.ReadFile(venvs); err != nil || string(made) != "venv\n" {
		t.Errorf("environments made: %q, %v", made, err)
	}
}

// A converted file that is damaged is made anew; a whole one is not.
func TestDamagedConversion(t *testing.T) {
	fakePython(t)
	whole, err := os.ReadFile("testdata/torch.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "hash.safetensors")
	for name, test := range map[string]struct {
		there []byte
		log   string
	}{
		"none":  {nil, "converting "},
		"empty": {[]byte{}, "making " + out + " anew: "},
		"cut":   {whole[:len(whole)-2], "making " + out + " anew: "},
		"whole": {whole, ""},
	} {
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		if test.there != nil {
			if err := os.WriteFile(out, test.there, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		found, err := readKerasH5(t.Context(), "testdata/torch.safetensors", "hash", dir, &log)
		if err != nil || len(found) == 0 || !strings.Contains(log.String(), test.log) || test.log == "" && log.Len() > 0 {
			t.Errorf("%s: %d tensors, %v, log %q", name, len(found), err, log.String())
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
	}
}
