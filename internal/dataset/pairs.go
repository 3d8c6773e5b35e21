package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folder is a folder of pictures with a text file of the same name beside each; each of its lines is a caption. Folders
// train, val and test in it are its official split.
var folder = adapter{
	files: "pictures with a .txt file of the same name beside each",
	row:   "a.jpg with its captions in a.txt, a line each",
	rank:  2,
	find: func(f *source) []string {
		errFound := fmt.Errorf("found") // ends the walk
		err := eachText(f.gallery.root.FS(), func(string, []string) error { return errFound })
		if err == errFound {
			return []string{"."}
		}
		return nil
	},
	read: func(ctx context.Context, f *source, _ string, b *builder) error {
		return eachText(f.gallery.root.FS(), func(text string, pictures []string) error {
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
// a report is given, it gets the pictures and the text files that are alone, folders that can't be read, links to folders,
// which are not followed, and names that are not UTF-8. Hidden files and folders are nobody's data.
func eachText(files fs.FS, each func(text string, pictures []string) error, report ...func(Problem)) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return nil
		}
		if base := path.Base(name); name != "." && (Hidden(base) || !utf8.ValidString(base)) {
			return fs.SkipDir
		}
		say := func(file, reason string) {
			for _, r := range report {
				r(Problem{File: path.Join(name, file), Reason: reason})
			}
		}
		entries, err := fs.ReadDir(files, name)
		switch {
		case err != nil && name == ".":
			return err
		case err != nil: // such as root's lost+found
			say("", "left out: the folder can't be read: "+leaf(err).Error())
			return fs.SkipDir
		}
		texts, pictures := map[string]string{}, map[string][]string{}
		var order []string
		for _, e := range entries {
			stem := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
			isText := strings.EqualFold(path.Ext(e.Name()), ".txt")
			switch {
			case Hidden(e.Name()):
			case !utf8.ValidString(e.Name()):
				if e.IsDir() || isText || IsPicture(e.Name()) {
					say(strings.ToValidUTF8(e.Name(), "\uFFFD"), fmt.Sprintf("left out: its name, %q, is not UTF-8", e.Name()))
				}
			case e.IsDir():
			case e.Type()&fs.ModeSymlink != 0 && !isText && !IsPicture(e.Name()):
				if info, err := fs.Stat(files, path.Join(name, e.Name())); err != nil || info.IsDir() {
					say(e.Name(), "left out: a link to a folder, or to nothing in the data folder, is not followed")
				}
			case isText:
				if other := texts[stem]; other != "" { // a.TXT comes before a.txt
					say(path.Base(other), "left out: "+e.Name()+" beside it is of the same name")
				}
				texts[stem] = path.Join(name, e.Name())
			case IsPicture(e.Name()):
				if pictures[stem] == nil {
					order = append(order, stem)
				}
				pictures[stem] = append(pictures[stem], path.Join(name, e.Name()))
			}
		}
		alone := map[string]string{} // stems of texts without a picture, by their composed form
		for _, stem := range slices.Sorted(maps.Keys(texts)) {
			if pictures[stem] == nil {
				alone[norm.NFC.String(stem)] = stem
			}
		}
		for _, stem := range order {
			form := norm.NFC.String(stem)
			if other, ok := alone[form]; ok && texts[stem] == "" { // only one of the names has its accents composed
				texts[stem] = texts[other]
				delete(texts, other)
				delete(alone, form)
			}
			if texts[stem] == "" {
				say(path.Base(pictures[stem][0]), "left out: there is no "+stem+".txt beside it")
			} else if err := each(texts[stem], pictures[stem]); err != nil {
				return err
			}
		}
		for _, stem := range slices.Sorted(maps.Keys(texts)) {
			if pictures[stem] == nil {
				say(path.Base(texts[stem]), noPictureBeside)
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
