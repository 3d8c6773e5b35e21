package encoder

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

//go:embed kerash5.py
var kerasH5Script string

// h5Packages are what the conversion installs into a Python environment of its own.
var h5Packages = []string{"h5py==3.14.0", "numpy==2.3.3"}

// readKerasH5 reads a Keras weights file. No Go library reads the files that h5py writes, so it is converted to
// safetensors by a small script in a temporary Python environment.
func readKerasH5(path string) (map[string]*tensors.Tensor, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, errors.New("reading a .h5 file needs python3 with pip, which is not on the PATH; a .safetensors file does not")
	}
	dir, err := os.MkdirTemp("", "captionlab-h5-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run := func(name string, args ...string) error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	if exec.Command(python, "-c", "import h5py, numpy").Run() != nil {
		env := filepath.Join(dir, "python")
		if err := run(python, "-m", "venv", env); err != nil {
			return nil, fmt.Errorf("make a Python environment for h5py: %w", err)
		}
		python = filepath.Join(env, "bin", "python")
		if err := run(python, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, h5Packages...)...); err != nil {
			return nil, fmt.Errorf("install h5py: %w", err)
		}
	}
	out := filepath.Join(dir, "weights.safetensors")
	if err := run(python, "-c", kerasH5Script, path, out); err != nil {
		return nil, fmt.Errorf("convert to safetensors: %w", err)
	}
	return readSafetensors(out)
}
