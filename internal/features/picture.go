package features

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/fetch"
	"github.com/captionlab/captionlab/internal/picture"
	"github.com/captionlab/captionlab/internal/progress"
)

// stamp tells whether a path still is the file that it was. Size and time of the content are not enough: a file that is
// moved over another one keeps its own time.
type stamp struct {
	Size    int64  `json:"size"`
	Time    int64  `json:"mtime_ns"`
	Changed int64  `json:"ctime_ns"`
	Inode   uint64 `json:"inode"`
}

// remembered is the hash of a file of this stamp.
type remembered struct {
	stamp
	SHA256 []byte `json:"sha256"`
}

// A side file in the cache keeps the hashes of files by absolute path, so that a second run need not read every picture.
func sideFile(dir string) string { return filepath.Join(dir, "pictures.json") }

func readHashes(dir string) map[string]remembered {
	known := map[string]remembered{}
	if data, err := os.ReadFile(sideFile(dir)); err == nil {
		_ = json.Unmarshal(data, &known) // a damaged side file costs a second of hashing, nothing else
	}
	if known == nil { // it holds null
		return map[string]remembered{}
	}
	return known
}

func writeHashes(dir string, known map[string]remembered) error {
	data, err := json.Marshal(known)
	if err == nil {
		if err = os.MkdirAll(dir, 0o755); err == nil {
			err = renameio.WriteFile(sideFile(dir), data, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	return nil
}

// hashAll returns each picture's SHA-256, without reading those that are known by their stamp, and whether it made more
// known.
func hashAll(ctx context.Context, pictures []Picture, known map[string]remembered, log io.Writer) (hashes []key, changed bool, err error) {
	hashes = make([]key, len(pictures))
	entries, failed := make([]remembered, len(pictures)), make([]error, len(pictures))
	paths := make([]string, len(pictures))
	bar := progress.New(log, "checking pictures", "files", int64(len(pictures)))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.NumCPU())
	for n, p := range pictures {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			path, err := filepath.Abs(p.Path)
			if err != nil {
				return err
			}
			paths[n] = path
			entries[n], failed[n] = hashFile(path, known[path])
			copy(hashes[n][:], entries[n].SHA256)
			bar.Add(1)
			return nil
		})
	}
	err = group.Wait()
	bar.Finish()
	if err != nil {
		return nil, false, err
	}
	if err := errors.Join(failed...); err != nil {
		return nil, false, fmt.Errorf("pictures can't be read: %w", err)
	}
	for n, path := range paths {
		if string(known[path].SHA256) != string(entries[n].SHA256) || known[path].stamp != entries[n].stamp {
			known[path], changed = entries[n], true
		}
	}
	return hashes, changed, nil
}

func hashFile(path string, known remembered) (remembered, error) {
	info, err := picture.Regular(path)
	if err != nil {
		return remembered{}, err
	}
	now := remembered{stamp: stamp{Size: info.Size(), Time: info.ModTime().UnixNano()}}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		now.Changed, now.Inode = changed(s), s.Ino
	}
	if known.stamp == now.stamp && len(known.SHA256) == sha256.Size {
		return known, nil
	}
	sum, err := fetch.SHA256File(path)
	if err != nil {
		return remembered{}, err
	}
	now.SHA256, err = hex.DecodeString(sum)
	return now, err
}
