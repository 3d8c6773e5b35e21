package dataset

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// adapter is a format that is read from files.
type adapter struct {
	files    string   // the files it reads, in words
	row      string   // what a caption's row looks like, in words
	get      string   // what to download and where to put it, of a known data set
	pictures []string // folders below data.root where copies keep the pictures; data.root itself is looked in last

	// find names the files with the captions in a folder; none, when they are not there.
	find func(f *source) []string
	// begins reports whether a file of that base name that begins so is one of this format, in that folder.
	begins func(f *source, name, head string) bool
	// read adds the rows of one such file. An error means that the file can't be used at all.
	read func(ctx context.Context, f *source, name string, b *builder) error
	// lists reads official lists of pictures, where the format has them in files of their own.
	lists func(f *source, b *builder) error

	several  bool // find may name several files, which belong together
	twoNames bool // a picture may stand under a second name, name.jpg.1
	anywhere bool // pictures may be named by paths through any folder
	rank     int  // a format is recognised only where none of a lower rank is
}

// hint is what to download, to end an error with.
func (a adapter) hint() string {
	if a.get == "" {
		return ""
	}
	return ": " + a.get
}

// names are the files with the captions. When they or the pictures are not there, the error says what was looked for,
// and what to download.
func (a adapter) names(f *source) ([]string, error) {
	names := []string{f.captions}
	if f.captions == "" {
		names = a.find(f)
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("data.root: %s has no %s%s", f.dir, a.files, a.hint())
	case len(names) > 1 && !a.several:
		return nil, fmt.Errorf("data.root: %s has %s: name one by data.captions", f.dir, strings.Join(names, " and "))
	}
	f.gallery.lookIn(a.pictures)
	return names, nil
}

// load reads the files and finds the pictures.
func (a adapter) load(ctx context.Context, f *source) (*loaded, error) {
	names, err := a.names(f)
	if err != nil {
		return nil, err
	}
	b := newBuilder()
	for _, name := range names {
		if err := a.read(ctx, f, name, b); err != nil {
			return nil, err
		}
	}
	if len(b.examples) == 0 {
		if len(b.problems) == 0 && names[0] != "." && blank(f.head(names[0])) {
			return nil, fmt.Errorf("%s is empty", strings.Join(names, ", "))
		}
		err := fmt.Errorf("%s: no caption in it: expected %s", strings.Join(names, ", "), a.row)
		if len(b.problems) > 0 {
			err = fmt.Errorf("%w; first problem: %s", err, b.problems[0])
		}
		return nil, err
	}
	if a.twoNames {
		b.joinNames(f.gallery)
	}
	if a.lists != nil && f.Split == "official" {
		if err := a.lists(f, b); err != nil {
			return nil, err
		}
		b.assign()
	}
	if err := b.find(ctx, f.gallery, f.Split == "official"); err != nil {
		return nil, fmt.Errorf("data.root: %s: %w%s", f.dir, err, a.hint())
	}
	if f.Split != "official" && f.Split != "file" {
		b.unusedSplits()
	}
	l := b.loaded // a copy: a pointer into the builder would keep its maps in memory
	return &l, nil
}

// recognise gives the name of the format of a folder or of the file that data.captions names, by what lies there.
func recognise(f *source) (string, error) {
	type found struct{ name, file string }
	var best []found
	names := slices.DeleteFunc(formatNames(), func(name string) bool { return kinds[name].read == nil })
	slices.SortStableFunc(names, func(a, b string) int { return kinds[a].rank - kinds[b].rank })
	var known, refused []string // of the error
	rank := 0
	for _, name := range names {
		a := kinds[name].adapter
		if len(best) > 0 && a.rank > rank {
			break
		}
		known = append(known, fmt.Sprintf("%s (%s)", name, a.files))
		var files []string
		if f.captions == "" {
			files = a.find(f)
		} else {
			files = []string{f.captions}
		}
		if len(files) == 0 || a.begins == nil && f.captions != "" {
			continue
		}
		if a.begins != nil && !a.begins(f, path.Base(files[0]), f.head(files[0])) {
			if why := a.refuses(f, name, files); !slices.Contains(refused, why) {
				refused = append(refused, why)
			}
			continue
		}
		best, rank = append(best, found{name, files[0]}), a.rank
	}
	switch {
	case len(best) == 0 && f.captions != "":
		if why := f.unreadable(f.captions); why != "" {
			return "", fmt.Errorf("%s: %s", f.named(), why)
		}
		return "", fmt.Errorf("%s: %s is of no known format: choose one by data.format; known are %s", f.named(), f.captions, strings.Join(known, "; "))
	case len(best) == 0 && len(refused) > 0:
		return "", fmt.Errorf("data.root: %s holds no known data set: %s; looked for %s", f.dir, strings.Join(refused, "; "), strings.Join(known, "; "))
	case len(best) == 0:
		return "", fmt.Errorf("data.root: %s holds no known data set; looked for %s", f.dir, strings.Join(known, "; "))
	case len(best) > 1:
		var parts []string
		for _, b := range best {
			parts = append(parts, fmt.Sprintf("%s (%s)", b.name, b.file))
		}
		return "", fmt.Errorf("data.root: %s holds %s: choose one by data.format", f.dir, strings.Join(parts, " and "))
	}
	return best[0].name, nil
}

// refuses says why the files that find named do not begin as the format's.
func (a adapter) refuses(f *source, name string, files []string) string {
	if len(files) > 1 && !a.several {
		return fmt.Sprintf("for %s there are %s: name one by data.captions", name, strings.Join(files, " and "))
	}
	if why := f.unreadable(files[0]); why != "" {
		return why
	}
	return fmt.Sprintf("%s does not begin as %s does: expected %s, got %.60q", files[0], name, a.row, firstLine(f.head(files[0])))
}

// withSource opens the folder, recognises its format where data.format leaves that open, and calls do.
func withSource(s Settings, do func(a adapter, f *source, name string) error) (err error) {
	if s.Root == "" {
		return fmt.Errorf("data.root names no folder, and %s is read from one", s.Format)
	}
	f, err := openSource(s)
	if err != nil {
		return fmt.Errorf("%w%s", err, kinds[s.Format].hint())
	}
	defer func() { err = errors.Join(err, f.close()) }()
	name := s.Format
	if name == "auto" {
		if name, err = recognise(f); err != nil {
			return err
		}
	}
	return do(kinds[name].adapter, f, name)
}

// present checks what can be checked without reading the data set.
func (a adapter) present(f *source) error {
	names, err := a.names(f)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == "." { // the pictures themselves
			continue
		}
		file, err := f.open(name)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	if a.lists != nil && f.Split == "official" {
		if err := a.lists(f, newBuilder()); err != nil {
			return err
		}
	}
	if len(a.pictures) > 0 && (!a.anywhere || len(f.gallery.outside) > 0) && !f.gallery.any() {
		return fmt.Errorf("data.root: no pictures in %s or its folders %s%s%s", f.gallery.dir, strings.Join(a.pictures, ", "), f.gallery.hint(), a.hint())
	}
	return nil
}
