package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"
)

// PictureEndings are the endings of pictures' names.
var PictureEndings = []string{".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

// IsPicture reports whether a file's name has one of PictureEndings, in capitals or not.
func IsPicture(name string) bool {
	return slices.Contains(PictureEndings, strings.ToLower(path.Ext(name)))
}

// gallery finds pictures by name. It reads each folder once instead of asking for each file, and never leaves its
// own: a link that leads out is a picture that is not there.
type gallery struct {
	root    *os.Root
	dir     string
	folders []string                          // below dir, where names are looked for, in this order
	known   map[string]map[string]fs.FileMode // folder -> name -> type; nil for a folder that can't be read
	alike   map[string]map[string][]string    // folder -> names by what folded makes of them, where one was not found
	outside []string                          // folders that are links out of dir
}

func newGallery(root *os.Root, dir string) *gallery {
	return &gallery{root: root, dir: dir, folders: []string{"."}, known: map[string]map[string]fs.FileMode{}, alike: map[string]map[string][]string{}}
}

// lookIn sets the folders below which pictures are looked for; dir itself is the last.
func (g *gallery) lookIn(folders []string) {
	g.folders = nil
	for _, folder := range append(slices.Clone(folders), ".") {
		if folder == "." || g.list(folder) != nil {
			g.folders = append(g.folders, folder)
		}
	}
}

func (g *gallery) list(folder string) map[string]fs.FileMode {
	if names, ok := g.known[folder]; ok {
		return names
	}
	var names map[string]fs.FileMode
	info, err := g.root.Stat(folder)
	if err == nil && info.IsDir() {
		var file *os.File
		if file, err = g.root.Open(folder); err == nil {
			entries, readErr := file.ReadDir(-1)
			if err = errors.Join(readErr, file.Close()); err == nil {
				names = make(map[string]fs.FileMode, len(entries))
				for _, e := range entries {
					names[e.Name()] = e.Type()
				}
			}
		}
	}
	if err != nil && strings.Contains(err.Error(), "escapes") {
		g.outside = append(g.outside, folder)
	}
	g.known[folder] = names
	return names
}

// any reports whether there is a picture in one of the folders.
func (g *gallery) any() bool {
	for _, folder := range g.folders {
		for name := range g.list(folder) {
			if IsPicture(name) && !Hidden(name) {
				return true
			}
		}
	}
	return false
}

// find gives the path of the first of some names, each relative to one of the folders, that is a file; "" and why
// when none is. Names as they are written go before those that are only alike.
func (g *gallery) find(names ...string) (file, why string) {
	missing := "there is no picture " + names[0]
	why = missing
	for _, look := range []func(string) (string, fs.FileMode, bool){g.exact, g.spelled} {
		for _, name := range names {
			for _, folder := range g.folders {
				whole, mode, ok := look(path.Join(folder, name))
				switch {
				case !ok:
					if whole != "" && !mode.IsDir() && why == missing {
						why = fmt.Sprintf("%s (did you mean %s?)", missing, whole)
					}
					continue
				case mode&fs.ModeSymlink != 0:
					info, err := g.root.Stat(whole)
					if err != nil || !info.Mode().IsRegular() {
						why = fmt.Sprintf("the picture %s is a link that leads out of the data folder or to no file", names[0])
						continue
					}
				case !mode.IsRegular():
					why = fmt.Sprintf("the picture %s is %s", names[0], fileType(mode))
					continue
				}
				return filepath.Join(g.dir, filepath.FromSlash(whole)), ""
			}
		}
	}
	return "", why
}

// exact gives the type of a file; false when it is not there.
func (g *gallery) exact(name string) (whole string, mode fs.FileMode, ok bool) {
	below, base := path.Split(name)
	mode, ok = g.list(path.Clean(below))[base]
	if !ok {
		return "", 0, false
	}
	return name, mode, true
}

// spelled gives a file's path as the folders spell it, and its type: accents may be composed in one way in a caption file
// and in another on disk, as macOS has them. Where ok is false, whole is a path that differs in case too, or "".
func (g *gallery) spelled(name string) (whole string, mode fs.FileMode, ok bool) {
	below, base := path.Split(name)
	below, ok = path.Clean(below), true
	if g.list(below) == nil && below != "." {
		if below, _, ok = g.spelled(below); below == "" {
			return "", 0, false
		}
	}
	names := g.list(below)
	if g.alike[below] == nil {
		g.alike[below] = make(map[string][]string, len(names))
		for _, other := range slices.Sorted(maps.Keys(names)) {
			g.alike[below][folded(other)] = append(g.alike[below][folded(other)], other)
		}
	}
	for _, other := range g.alike[below][folded(base)] {
		same := norm.NFC.String(other) == norm.NFC.String(base)
		if whole == "" || same {
			whole, mode = path.Join(below, other), names[other]
		}
		if same {
			return whole, mode, ok
		}
	}
	return whole, mode, false
}

// folded is what names have in common that differ in case or in how their accents are composed.
func folded(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// localName checks a picture's name from a data file: relative, with slashes, UTF-8, and not leading out of the folder.
func localName(name string) (local, why string) {
	local = strings.TrimSpace(name)
	if strings.IndexByte(local, '\\') >= 0 { // written on Windows
		local = strings.ReplaceAll(local, `\`, "/")
	}
	switch {
	case local == "":
		return "", "it names no picture"
	case strings.Contains(local, "://"):
		return "", fmt.Sprintf("%.80q is an address, not a file", name)
	case strings.HasPrefix(local, "/") || len(local) > 1 && local[1] == ':':
		return "", fmt.Sprintf("%.80q is an absolute path; expected one below the data folder", name)
	}
	if local = path.Clean(local); !filepath.IsLocal(local) || local == "." {
		return "", fmt.Sprintf("%.80q leads out of the data folder", name)
	}
	if !utf8.ValidString(local) { // split.json could not tell two such names apart
		return "", fmt.Sprintf("the name %.80q is not UTF-8", name)
	}
	return local, ""
}

// sizes are the sizes of files in bytes, asked for on all cores; -1 for one that is not there.
func sizes(ctx context.Context, paths []string) ([]int64, error) {
	out := make([]int64, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	var next sync.Mutex
	from := 0
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for ctx.Err() == nil {
				next.Lock()
				start := from
				from = min(from+512, len(paths))
				end := from
				next.Unlock()
				if start == end {
					return nil
				}
				for n := start; n < end; n++ {
					out[n] = -1
					if info, err := os.Stat(paths[n]); err == nil {
						out[n] = info.Size()
					}
				}
			}
			return ctx.Err()
		})
	}
	return out, group.Wait()
}

// hint says what a user may do about pictures that are not there.
func (g *gallery) hint() string {
	if len(g.outside) > 0 {
		return fmt.Sprintf(" (%s is a link out of the data folder, which is not followed: name the pictures' folder by data.images)", filepath.Join(g.dir, g.outside[0]))
	}
	return ""
}
