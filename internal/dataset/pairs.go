package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// folder is a folder of pictures with a text file of the same name beside each; each of its lines is a caption. Folders
// train, val and test in it are its official split.
var folder = adapter{
	files: "pictures with a .txt file of the same name beside each",
	row:   "a.jpg with its captions in a.txt, a line each",
	rank:  2,
	find: func(f *source) []string {
		errFound := fmt.Errorf("found") // ends the walk
		err := eachText(f.gallery, func(string, []string) error { return errFound })
		if err == errFound {
			return []string{"."}
		}
		return nil
	},
	read: func(ctx context.Context, f *source, _ string, b *builder) error {
		return eachText(f.gallery, func(text string, pictures []string) error {
			for _, other := range pictures[1:] {
				b.problem(other, 0, "left out: %s has the captions of %s", text, pictures[0])
			}
			top, _, below := strings.Cut(text, "/")
			split, ok := splitOf(top)
			if !below || !ok {
				split = ""
			}
			return readBeside(ctx, f, text, b, func(l line) {
				b.add(row{file: text, line: l.number, image: pictures[0], text: l.text, split: split})
			})
		}, func(p Problem) { b.report(p) })
	},
}

// eachText walks the pictures' folder and calls each for every text file that has pictures of its name beside it. Where
// a report is given, it gets the pictures and the text files that are alone.
func eachText(g *gallery, each func(text string, pictures []string) error, report ...func(Problem)) error {
	return fs.WalkDir(g.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return nil
		}
		if base := path.Base(name); name != "." && strings.HasPrefix(base, ".") {
			return fs.SkipDir
		}
		entries, err := fs.ReadDir(g.root.FS(), name)
		if err != nil {
			return err
		}
		texts, pictures := map[string]string{}, map[string][]string{}
		var order []string
		for _, e := range entries {
			stem := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
			switch {
			case e.IsDir():
			case strings.EqualFold(path.Ext(e.Name()), ".txt"):
				if other := texts[stem]; other != "" { // a.TXT comes before a.txt
					for _, r := range report {
						r(Problem{File: other, Reason: "left out: " + e.Name() + " beside it is of the same name"})
					}
				}
				texts[stem] = path.Join(name, e.Name())
			case isPicture(e.Name()):
				if pictures[stem] == nil {
					order = append(order, stem)
				}
				pictures[stem] = append(pictures[stem], path.Join(name, e.Name()))
			}
		}
		for _, stem := range order {
			if texts[stem] == "" {
				for _, r := range report {
					r(Problem{File: pictures[stem][0], Reason: "left out: there is no " + stem + ".txt beside it"})
				}
			} else if err := each(texts[stem], pictures[stem]); err != nil {
				return err
			}
		}
		for _, r := range report {
			for _, stem := range slices.Sorted(maps.Keys(texts)) {
				if pictures[stem] == nil {
					r(Problem{File: texts[stem], Reason: noPictureBeside})
				}
			}
		}
		return nil
	})
}

const noPictureBeside = "left out: there is no picture of its name beside it"

// readBeside calls each with the lines of a small text file in the pictures' folder that say something.
func readBeside(ctx context.Context, f *source, name string, b *builder, each func(line)) error {
	info, err := f.gallery.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		b.problem(name, 0, "left out: it is no file, or a link out of the data folder")
		return nil
	}
	file, err := f.gallery.root.Open(name)
	if err != nil {
		b.problem(name, 0, "left out: %s", leaf(err))
		return nil
	}
	defer file.Close()
	text := newTextReaderSize(ctx, file, name, f.Encoding, b.report, 4<<10)
	some := false
	for l, ok := text.next(); ok; l, ok = text.next() {
		if !blank(l.text) {
			some = true
			each(l)
		}
	}
	if !some && text.failed() == nil {
		b.problem(name, 0, "left out: it is empty")
	}
	return text.failed()
}
