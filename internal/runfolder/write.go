package runfolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// WriteFile writes the file name (relative to the folder, with slashes; subfolders are made) whole or not at all:
// to a temporary file that is synced to disk and then renamed.
func (f *Folder) WriteFile(name string, data []byte) error {
	path := f.Path(filepath.FromSlash(name))
	for _, dir := range []string{filepath.Dir(path), f.Path(tempDir)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(f.Path(tempDir))); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteJSON writes v as indented JSON, whole or not at all.
func (f *Folder) WriteJSON(name string, v any) error {
	data, err := encode(v, "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Path(name), err)
	}
	return f.WriteFile(name, data)
}

// encode is json.Marshal that keeps <, > and & readable, with a newline at the end.
func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// RemoveTemporary removes the folder of temporary files, where nothing is being written. Lock and unlock do so for runs;
// it is for those who write files into a folder of another kind.
func (f *Folder) RemoveTemporary() error {
	err := os.Remove(f.Path(tempDir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return nil
	}
	return err
}
