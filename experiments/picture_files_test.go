package experiments

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Of a folder only files count, and no hidden ones, as macOS leaves them; a file that is named counts as it is.
func TestPictureFiles(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"dir.jpg", "empty", "empty/sub.png"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"b.PNG", "a.jpg", "._a.jpg", "a.txt", "dir.jpg/c.jpg", "empty/.d.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	at := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, name))
		}
		return paths
	}
	got, err := pictureFiles(at("", "dir.jpg", "._a.jpg"))
	if want := at("a.jpg", "b.PNG", "dir.jpg/c.jpg", "._a.jpg"); err != nil || !slices.Equal(got, want) {
		t.Errorf("files %q (error %v), want %q", got, err, want)
	}
	if _, err := pictureFiles(at("empty")); err == nil || !strings.Contains(err.Error(), "no picture in that folder") {
		t.Errorf("a folder of a hidden file and a folder: error %v", err)
	}
}
