package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// SHA256File returns the SHA-256 of a file in hex.
func SHA256File(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// verified reports whether the file is there with the right hash. Hashing 200 MB takes a while, so a side file
// remembers which size and time of change had which hash.
func verified(path string, f File) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("fetch %s: %s is not a regular file", f.Name, path)
	}
	if f.Size > 0 && info.Size() != f.Size {
		return false, nil
	}
	if known, err := os.ReadFile(sideFile(path)); err == nil && string(known) == stamp(f.SHA256, info) {
		return true, nil
	}
	sum, err := SHA256File(path)
	if err != nil {
		return false, fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	if sum != f.SHA256 {
		return false, nil
	}
	_ = remember(path, f) // a folder that can't be written still serves
	return true, nil
}

// remember writes the side file of a file whose hash has just been checked.
func remember(path string, f File) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return renameio.WriteFile(sideFile(path), []byte(stamp(f.SHA256, info)), 0o644)
}

func sideFile(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".sha256")
}

func stamp(sum string, info fs.FileInfo) string {
	return fmt.Sprintf("%s %d %d\n", sum, info.Size(), info.ModTime().UnixNano())
}
