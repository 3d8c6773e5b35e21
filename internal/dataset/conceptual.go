package dataset

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// conceptual is Google's Conceptual Captions (Sharma, Ding, Goodman & Soricut 2018): caption<TAB>url, with a manifest
// of the pictures that one has: url<TAB>file. The files' names give the official split.
var conceptual = adapter{
	files: "Train_GCC-training.tsv or Validation_GCC-1.1.0-Validation.tsv",
	row:   "caption<TAB>url",
	get: "download the TSV files from ai.google.com/research/ConceptualCaptions and the pictures from their addresses, write a file manifest.tsv with a line " +
		"url<TAB>file for each that you got, and name the folder of all that by data.root=FOLDER (make: DATA=FOLDER)",
	several:  true,
	anywhere: true,
	pictures: []string{"images", "Images", "training", "validation"},
	find: func(f *source) []string {
		return append(f.matching("", "train_gcc*.tsv"), f.matching("", "validation_gcc*.tsv")...)
	},
	begins: func(_ *source, name, head string) bool {
		_, url, tab := strings.Cut(firstLine(head), "\t")
		return tab && strings.HasPrefix(strings.TrimSpace(url), "http")
	},
	read: readConceptual,
}

// readConceptual reads one TSV file. Rows whose picture one doesn't have may be millions, and are one problem, at the first of them.
func readConceptual(ctx context.Context, f *source, name string, b *builder) error {
	if b.manifest == nil {
		var err error
		if b.manifest, err = readManifest(ctx, f, b); err != nil {
			return err
		}
	}
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	split := ""
	switch base := strings.ToLower(path.Base(name)); {
	case strings.HasPrefix(base, "train"):
		split = Train
	case strings.HasPrefix(base, "validation"):
		split = Validation
	}
	absent, first := 0, 0 // rows without a picture, the first one's line
	text := newTextReader(ctx, file, name, f.Encoding, b.report)
	for l, ok := text.next(); ok; l, ok = text.next() {
		if blank(l.text) {
			continue
		}
		at := strings.LastIndexByte(l.text, '\t')
		if at < 0 {
			b.problem(name, l.number, "row left out: expected caption<TAB>url, got %.60q", l.text)
			continue
		}
		image, ok := b.manifest[strings.TrimSpace(l.text[at+1:])]
		if !ok {
			if absent++; absent == 1 {
				first = l.number
			}
			continue
		}
		b.add(row{file: name, line: l.number, image: image, text: l.text[:at], split: split, key: "once"})
	}
	switch absent {
	case 0:
	case 1:
		b.problem(name, first, "row left out: the manifest has no picture of its address")
	default:
		b.problem(name, first, "%d rows left out, the first of them here: the manifest has no pictures of their addresses", absent)
	}
	return text.failed()
}

// readManifest reads url<TAB>file.
func readManifest(ctx context.Context, f *source, b *builder) (map[string]string, error) {
	name := "manifest.tsv"
	if f.Manifest != "" {
		name = f.Manifest
	}
	file, err := f.open(name)
	if err != nil {
		return nil, fmt.Errorf("the manifest of the pictures, a line url<TAB>file for each (data.manifest): %w", err)
	}
	defer file.Close()
	files := map[string]string{}
	text := newTextReader(ctx, file, name, f.Encoding, b.report)
	for l, ok := text.next(); ok; l, ok = text.next() {
		url, image, tab := strings.Cut(l.text, "\t")
		url = strings.TrimSpace(url)
		switch _, twice := files[url]; {
		case blank(l.text):
		case !tab || blank(image):
			b.problem(name, l.number, "row left out: expected url<TAB>file, got %.60q", l.text)
		case twice:
			b.problem(name, l.number, "row left out: the address is there already")
		default:
			files[url] = strings.TrimSpace(image)
		}
	}
	return files, text.failed()
}
