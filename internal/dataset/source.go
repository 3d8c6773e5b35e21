package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is the folder of a data set. What lies outside of it is never opened, whatever its files name and wherever
// its links lead; data.captions and data.images, which the user gives, may lie elsewhere.
type source struct {
	Settings
	dir      string // data.root, or the folder of the file that data.root names
	captions string // data.captions, or the base name of the file that data.root names; "" when neither is given
	root     *os.Root
	gallery  *gallery
	names    []string // what lies in dir
}

// openSource opens the folder of data.root. The caller closes it.
func openSource(s Settings) (*source, error) {
	f := &source{Settings: s, dir: s.Root, captions: s.Captions}
	info, err := os.Stat(s.Root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("data.root: %s is not there", s.Root)
	case err != nil:
		return nil, fmt.Errorf("data.root: %w", err)
	case info.Mode().IsRegular() && s.Captions != "":
		return nil, fmt.Errorf("data.root %s is a file, and data.captions names another one: let data.root name the folder", s.Root)
	case info.Mode().IsRegular():
		f.dir, f.captions = filepath.Dir(s.Root), filepath.Base(s.Root)
	case !info.IsDir():
		return nil, fmt.Errorf("data.root: %s is neither a folder nor a file", s.Root)
	}
	if f.root, err = os.OpenRoot(f.dir); err != nil {
		return nil, fmt.Errorf("data.root: %w", err)
	}
	if f.gallery, err = f.openGallery(); err != nil {
		return nil, errors.Join(err, f.root.Close())
	}
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data.root: %w", err), f.close())
	}
	for _, e := range entries {
		f.names = append(f.names, e.Name())
	}
	return f, nil
}

func (f *source) openGallery() (*gallery, error) {
	if f.Images == "" {
		return newGallery(f.root, f.dir), nil
	}
	dir := f.Images
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(f.dir, dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("data.images: expected a folder: %w", err)
	}
	return newGallery(root, dir), nil
}

func (f *source) close() error {
	return errors.Join(f.root.Close(), f.gallery.root.Close())
}

// open opens a file of the data set: below its folder, or the one that data.captions names, wherever it is.
func (f *source) open(name string) (io.ReadCloser, error) {
	where, stat, open := filepath.Join(f.dir, name), f.root.Stat, f.root.Open
	if name == f.captions {
		if where = name; !filepath.IsAbs(name) {
			where = filepath.Join(f.dir, name)
		}
		stat = func(string) (fs.FileInfo, error) { return os.Stat(where) }
		open = func(string) (*os.File, error) { return os.Open(where) }
	}
	info, err := stat(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, leaf(err))
	}
	if !info.Mode().IsRegular() { // a folder can't be read, and a pipe may never end
		return nil, fmt.Errorf("%s: expected a file, found %s", where, fileType(info.Mode()))
	}
	file, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, leaf(err))
	}
	return file, nil
}

// leaf is an error of package os without the path, which the message has already.
func leaf(err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	if strings.Contains(p.Err.Error(), "escapes") {
		return errors.New("it leads out of the data folder: name it by data.captions if that is meant")
	}
	return p.Err
}

func fileType(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	}
	return "something else"
}

// head is the beginning of a file as UTF-8, for recognition; "" when it can't be read.
func (f *source) head(name string) string {
	file, err := f.open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	text := make([]byte, 16<<10)
	from, _ := decoded(context.Background(), file, f.Encoding, len(text))
	n, _ := io.ReadFull(from, text)
	return string(text[:n])
}

// unreadable says why a file can be of no format, which its beginning does not tell; "" when it may be of one.
func (f *source) unreadable(name string) string {
	file, err := f.open(name)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	switch head := f.head(name); {
	case IsPicture(name):
		return name + " is a picture: expected the folder of the data set, or a file of captions"
	case blank(head):
		return name + " is empty"
	case strings.IndexByte(head, 0) >= 0:
		return name + " has NUL bytes: expected UTF-8, or UTF-16 with its byte order mark"
	}
	return ""
}

// named is the key that names the file of the captions.
func (f *source) named() string {
	if f.Captions == "" {
		return "data.root"
	}
	return "data.captions"
}

// has reports whether a file is there, below the folder.
func (f *source) has(name string) bool {
	info, err := f.root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// first is the first of some files that is there, or none.
func (f *source) first(names ...string) []string {
	for _, name := range names {
		if f.has(name) {
			return []string{name}
		}
	}
	return nil
}

// Hidden reports whether a file or folder is none of the user's: macOS writes ._name beside each name, and __MACOSX into zips.
func Hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "__MACOSX" }

// matching are the files below the folder, or its folder below, that match a pattern of package path; sorted.
func (f *source) matching(below, pattern string) (found []string) {
	names := f.names
	if below != "" {
		entries, err := fs.ReadDir(f.root.FS(), below)
		if err != nil {
			return nil // no such folder
		}
		names = nil
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	for _, name := range names {
		if ok, _ := path.Match(pattern, strings.ToLower(name)); ok && !Hidden(name) && f.has(path.Join(below, name)) {
			found = append(found, path.Join(below, name))
		}
	}
	slices.Sort(found)
	return found
}
