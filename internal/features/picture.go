package features

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/progress"
)

// remembered is the hash of a file of this size and modification time.
type remembered struct {
	Size   int64  `json:"size"`
	Time   int64  `json:"mtime_ns"`
	SHA256 []byte `json:"sha256"`
}

// hashAll returns each picture's SHA-256. Hashes are kept in a side file by absolute path, size and time, so that
// a second run need not read every picture.
func hashAll(ctx context.Context, pictures []Picture, side string, log io.Writer) ([]key, error) {
	known := map[string]remembered{}
	if data, err := os.ReadFile(side); err == nil {
		_ = json.Unmarshal(data, &known) // a damaged side file costs a second of hashing, nothing else
	}
	hashes, entries, failed := make([]key, len(pictures)), make([]remembered, len(pictures)), make([]error, len(pictures))
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
	err := group.Wait()
	bar.Finish()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("pictures can't be read: %w", err)
	}
	changed := false
	for n, path := range paths {
		if string(known[path].SHA256) != string(entries[n].SHA256) || known[path].Time != entries[n].Time {
			known[path], changed = entries[n], true
		}
	}
	if changed {
		data, err := json.Marshal(known)
		if err == nil {
			if err = os.MkdirAll(filepath.Dir(side), 0o755); err == nil {
				err = renameio.WriteFile(side, data, 0o644)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("feature cache: %w", err)
		}
	}
	return hashes, nil
}

func hashFile(path string, known remembered) (remembered, error) {
	info, err := os.Stat(path)
	if err != nil {
		return remembered{}, err
	}
	now := remembered{Size: info.Size(), Time: info.ModTime().UnixNano()}
	if known.Size == now.Size && known.Time == now.Time && len(known.SHA256) == sha256.Size {
		return known, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return remembered{}, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return remembered{}, fmt.Errorf("%s: %w", path, err)
	}
	now.SHA256 = h.Sum(nil)
	return now, nil
}
