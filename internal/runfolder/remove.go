package runfolder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// removing begins the name that a run folder has while it is being removed: List passes over what a removal that was
// killed left.
const removing = ".removing-"

// Remove removes a run folder that lies directly in the results folder. It refuses anything else: links, folders that
// are no run's, folders elsewhere, and runs in progress. Links within the folder are removed, not followed.
func Remove(results, dir string) error {
	f, err := removable(results, dir)
	if err != nil {
		return err
	}
	unlock, err := f.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	gone := filepath.Join(filepath.Dir(filepath.Clean(dir)), removing+filepath.Base(dir))
	if err := os.Rename(dir, gone); err != nil {
		return fmt.Errorf("remove run folder: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("remove run folder: %w", err)
	}
	return nil
}

// Removable checks what Remove would refuse, and removes nothing.
func Removable(results, dir string) error {
	f, err := removable(results, dir)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owned() { // a finished run that is resumed says that it is done
		return fmt.Errorf("run folder %s: the run is %w", dir, ErrInProgress)
	}
	return nil
}

// removable checks where a folder lies and what it is.
func removable(results, dir string) (*Folder, error) {
	if err := inResults(results, dir); err != nil {
		return nil, err
	}
	return Open(dir)
}

// inResults checks that dir itself, no link to it, lies directly in the results folder.
func inResults(results, dir string) error {
	stat, err := os.Lstat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return absent{dir}
	case err != nil:
		return fmt.Errorf("run folder: %w", err)
	case stat.Mode()&os.ModeSymlink != 0:
		return fmt.Errorf("%s is a link: remove what it points to by its own name", dir)
	case !stat.IsDir():
		return fmt.Errorf("%s is a file, not a run folder", dir)
	}
	base := filepath.Base(filepath.Clean(dir))
	if strings.HasPrefix(base, ".") {
		return fmt.Errorf("%s is not a run folder", dir)
	}
	parent, err := realPath(filepath.Dir(filepath.Clean(dir)))
	if err != nil {
		return err
	}
	inside, err := realPath(results)
	if err != nil {
		return err
	}
	if parent != inside {
		return fmt.Errorf("%s is not in the results folder %s", dir, results)
	}
	return nil
}

func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	if err != nil {
		return "", fmt.Errorf("results folder: %w", err)
	}
	return absolute, nil
}
