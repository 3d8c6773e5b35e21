package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// packageMark is the file in an unpacked package's folder that says which one it is. It comes with the folder's
// name, so a folder that has it is whole.
const packageMark = ".package"

// Debian unpacks a Debian package into dir without installing it: apt-get downloads it from where the system gets its
// packages, and checks it against the signed lists; dpkg-deb unpacks it beside dir, which gets its name last. A dir that holds
// the package already is left as it is, and fetched is false. log (may be nil) gets a line or two.
func Debian(ctx context.Context, dir, name string, log io.Writer) (fetched bool, err error) {
	if log == nil {
		log = io.Discard
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	if there, err := unpacked(dir, name); err != nil || there {
		return false, err
	}
	apt, dpkg, err := debianTools(name)
	if err != nil {
		return false, err
	}
	parent, base := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	unlock, err := Lock(ctx, filepath.Join(parent, "."+base+".lock"), name, log)
	if err != nil {
		return false, err
	}
	defer unlock()
	if there, err := unpacked(dir, name); err != nil || there { // another process was faster
		return false, err
	}
	work := filepath.Join(parent, "."+base+".fetch") // of a killed process, too
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o755)); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	defer os.RemoveAll(work)

	stop := watch(log, "Debian package "+name, 0, func() int64 { return largest(work) })
	output, err := runIn(ctx, work, apt, "-q", "download", name)
	stop()
	if err != nil {
		return false, aptError(ctx, name, output, err)
	}
	files, err := fs.Glob(os.DirFS(work), "*.deb")
	if err != nil || len(files) != 1 {
		return false, aptError(ctx, name, output, fmt.Errorf("it brought %d packages instead of 1", len(files)))
	}
	content := filepath.Join(work, "content")
	if output, err := runIn(ctx, work, dpkg, "-x", filepath.Join(work, files[0]), content); err != nil {
		if ctx.Err() != nil {
			return false, fmt.Errorf("fetch %s: %w", name, ctx.Err())
		}
		return false, fmt.Errorf("fetch %s: dpkg-deb -x: %w%s", name, err, lastLines(output, 3))
	}
	if err := os.WriteFile(filepath.Join(content, packageMark), []byte(strings.TrimSuffix(files[0], ".deb")+"\n"), 0o644); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	if err := os.Chmod(content, 0o755); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty folder, as unpacked saw
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	if err := os.Rename(content, dir); err != nil {
		return false, fmt.Errorf("fetch %s: %w", name, err)
	}
	return true, nil
}

// unpacked reports whether dir holds the package. A folder with anything else in it is an error.
func unpacked(dir, name string) (bool, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("fetch %s: %w", name, err)
	case len(entries) == 0:
		return false, nil
	}
	mark, err := os.ReadFile(filepath.Join(dir, packageMark))
	if err == nil && strings.HasPrefix(string(mark), name+"_") {
		return true, nil
	}
	return false, fmt.Errorf("fetch %s: %s holds other files: name an empty folder, or one that isn't there", name, dir)
}

func debianTools(name string) (apt, dpkg string, err error) {
	var missing []string
	if apt, err = exec.LookPath("apt-get"); err != nil {
		missing = append(missing, "apt-get")
	}
	if dpkg, err = exec.LookPath("dpkg-deb"); err != nil {
		missing = append(missing, "dpkg-deb")
	}
	if len(missing) == 0 {
		return apt, dpkg, nil
	}
	return "", "", &Error{Name: name, Tried: []string{strings.Join(missing, " and ") + " not on the PATH: it is a package of Debian and its kin (Ubuntu, Mint)"},
		Hint: "run this on such a system, in a container of one, say, or unpack the package's .deb there and copy the folder"}
}

func aptError(ctx context.Context, name, output string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("fetch %s: %w", name, ctx.Err())
	}
	return &Error{Name: name, Tried: []string{fmt.Sprintf("apt-get download: %v%s", err, lastLines(output, 3))},
		Hint: "bring the package lists up to date (as root: apt-get update), check the network and run again"}
}

// runIn runs a program in a folder and returns what it wrote.
func runIn(ctx context.Context, dir, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	command.Dir = dir
	command.WaitDelay = 5 * time.Second
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}
