package encoder

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/captionlab/captionlab/internal/fetch"
)

//go:embed kerash5.py
var kerasH5Script string

// h5Packages are what the conversion installs into a Python environment of its own.
var h5Packages = []string{"h5py==3.14.0", "numpy==2.3.3"}

// readKerasH5 finds the tensors of a Keras .h5 file. No Go library reads what h5py writes (their groups come out
// empty), so the file is converted once, by a small script, to safetensors in the cache folder.
func readKerasH5(ctx context.Context, path, hash, dir string, log io.Writer) (map[string]stored, error) {
	return convertOnce(hash, dir, log, func(out string) error {
		python, err := pythonWithH5(ctx, filepath.Join(dir, "h5-python"), log)
		if err != nil {
			return fmt.Errorf("%w; a .safetensors file needs no Python", err)
		}
		part, err := renameio.NewPendingFile(out, renameio.WithTempDir(dir), renameio.WithPermissions(0o644))
		if err != nil {
			return err
		}
		defer part.Cleanup()
		fmt.Fprintf(log, "converting %s to safetensors, once\n", path)
		if err := command(ctx, python, "-c", kerasH5Script, path, part.Name()); err != nil {
			return fmt.Errorf("convert to safetensors: %w", err)
		}
		return part.CloseAtomicallyReplace()
	})
}

// pythonWithH5 is a Python that has h5py: the user's, or one in an environment in the folder, which one process makes.
func pythonWithH5(ctx context.Context, env string, log io.Writer) (string, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("reading a .h5 file needs python3, which is not on the PATH")
	}
	own := filepath.Join(env, "bin", "python")
	has := func(python string) bool { return command(ctx, python, "-c", "import h5py, numpy") == nil }
	if has(python) {
		return python, nil
	}
	if has(own) {
		return own, nil
	}
	unlock, err := fetch.Lock(ctx, filepath.Join(filepath.Dir(env), "."+filepath.Base(env)+".lock"), "h5py", log)
	if err != nil {
		return "", err
	}
	defer unlock()
	if has(own) { // another process was faster
		return own, nil
	}
	fmt.Fprintf(log, "installing %s for reading a .h5 file\n", strings.Join(h5Packages, " and "))
	if err := command(ctx, python, "-m", "venv", "--clear", env); err != nil {
		return "", fmt.Errorf("make a Python environment for h5py: %w", err)
	}
	if err := command(ctx, own, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, h5Packages...)...); err != nil {
		return "", fmt.Errorf("install h5py: %w", err)
	}
	return own, nil
}

// command runs a program; its output is in the error if it fails.
func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(string(out)))
	}
	return nil
}
