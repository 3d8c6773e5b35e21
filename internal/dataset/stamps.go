package dataset

import (
	"context"
	"path"
	"strings"
)

// stamps are the pictures of Tux Paint (Debian's tuxpaint-stamps-default), unpacked: stamps/**/X.png with X.txt beside
// it, whose first line is English and whose others are language.utf8=text. data.language chooses one. Drawings, which
// are SVG files, are not read.
var stamps = adapter{
	files: "a folder stamps, or usr/share/tuxpaint/stamps",
	row:   "X.png with X.txt, a line of English and then lines like de.utf8=…",
	get:   "unpack Debian's package tuxpaint-stamps-default with dpkg-deb -x and name that folder by data.root=FOLDER (make: DATA=FOLDER)",
	rank:  1,
	find: func(f *source) []string {
		for _, below := range stampFolders {
			if info, err := f.gallery.root.Stat(below); err == nil && info.IsDir() {
				return []string{"."}
			}
		}
		return nil
	},
	read: readStamps,
}

var stampFolders = []string{"stamps", "usr/share/tuxpaint/stamps"}

func readStamps(ctx context.Context, f *source, _ string, b *builder) error {
	language, drawings := f.Language, 0
	err := eachText(f.gallery.root.FS(), func(text string, pictures []string) error {
		top := ""
		for _, below := range stampFolders {
			if strings.HasPrefix(text, below+"/") {
				top = below + "/"
			}
		}
		if top == "" {
			return nil
		}
		found := false
		first := true
		err := readBeside(ctx, f, text, b, func(l line) {
			code, caption, translated := strings.Cut(l.text, ".utf8=")
			if first && language == "en" {
				code, caption, translated = "en", l.text, true
			}
			first = false
			if !translated || code != language || found || blank(caption) {
				return
			}
			found = true
			b.add(row{file: text, line: l.number, image: pictures[0], id: strings.TrimPrefix(pictures[0], top), text: strings.TrimSpace(caption)})
		})
		if err == nil && !found {
			b.problem(text, 0, "left out: it has no caption in data.language = %q", language)
		}
		return err
	}, func(p Problem) {
		if p.Reason == noPictureBeside {
			drawings++
			return
		}
		stem := strings.TrimSuffix(path.Base(p.File), path.Ext(p.File))
		for _, variant := range []string{"_mirror", "_flip"} { // of the picture before them, turned over
			if strings.HasSuffix(stem, variant) {
				return
			}
		}
		b.report(p)
	})
	if drawings > 0 {
		b.problem("", 0, "%d stamps without a picture file, such as SVG drawings, are left out", drawings)
	}
	return err
}
