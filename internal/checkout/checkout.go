// Package checkout finds the top folder of captionlab's source, and files that are named from there.
package checkout

import (
	"bytes"
	"os"
	"path/filepath"
)

// Module is this program's.
const Module = "github.com/captionlab/captionlab"

// Is says whether a folder is the top of a checkout of this module.
func Is(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module "+Module+"\n"))
}

// Root is the checkout's top folder: the nearest one, from the working folder up, that holds the module's go.mod.
// Outside a checkout it is the working folder.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; ; at = filepath.Dir(at) {
		if Is(at) {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// At makes a path absolute that starts at the checkout.
func At(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(Root(), path)
}

// Find finds an input that a config names. A relative path starts at the working folder, as a path on a command line
// does, or else at the checkout, so that a run resumes from any folder. Without either it stays as it is.
func Find(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if _, err := os.Stat(path); err != nil {
		if _, err := os.Stat(At(path)); err == nil {
			return At(path)
		}
	}
	return path
}
