package dataset

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// flickr8k is Flickr8k (Hodosh, Young & Hockenmaier 2013): the token file with the official lists, or Kaggle's CSV.
var flickr8k = adapter{
	files: "Flickr8k.token.txt or captions.txt",
	row:   "name.jpg#k<TAB>caption, or a CSV with the header image,caption",
	get: "download Flickr8k (Flickr8k_text.zip and Flickr8k_Dataset.zip, from github.com/jbrownlee/Datasets/releases), unpack both into one folder, " +
		"the pictures below it in images or Flicker8k_Dataset, and name that folder by data.root=FOLDER (make: DATA=FOLDER)",
	pictures: []string{"images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset"},
	twoNames: true,
	find: func(f *source) []string {
		return f.first("Flickr8k.token.txt", "Flickr8k_text/Flickr8k.token.txt", "captions.txt")
	},
	begins: func(f *source, name, head string) bool {
		_, _, ok := tokenRow(firstLine(head))
		return ok && !strings.HasPrefix(name, "results_") || (name == "captions.txt" || f.has(flickrSplits[0].file)) && hasHeader(head)
	},
	read:  readFlickr,
	lists: readOfficial,
}

// flickrSplits are the official lists.
var flickrSplits = []struct{ split, file string }{
	{Train, "Flickr_8k.trainImages.txt"}, {Validation, "Flickr_8k.devImages.txt"}, {Test, "Flickr_8k.testImages.txt"},
}

// readOfficial reads the lists: a picture's name a line. They lie beside the token file or in the folder.
func readOfficial(f *source, b *builder) error {
	for _, list := range flickrSplits {
		names := f.first(list.file, path.Join("Flickr8k_text", list.file))
		if len(names) == 0 {
			return fmt.Errorf("data.split = \"official\" needs Flickr8k's three official lists (they are in Flickr8k_text.zip; or take data.split=ratio): "+
				"%s has no %s", f.dir, list.file)
		}
		file, err := f.open(names[0])
		if err != nil {
			return err
		}
		l := listed{split: list.split, file: names[0]}
		text := newTextReader(context.Background(), file, names[0], "auto", b.report)
		for name, ok := text.next(); ok; name, ok = text.next() {
			if !blank(name.text) {
				l.names = append(l.names, name)
			}
		}
		if err := text.failed(); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
		b.lists = append(b.lists, l)
	}
	return nil
}

// readFlickr reads the captions of Flickr8k and Flickr30k: a token file, or a table.
func readFlickr(ctx context.Context, f *source, name string, b *builder) error {
	head := f.head(name)
	if first := firstLine(head); hasHeader(head) || !strings.Contains(first, "\t") && strings.Contains(first, "|") {
		return table{repair: missingBar}.read(ctx, f, name, b)
	}
	return readTokens(ctx, f, name, b)
}

// readTokens reads a token file: name.jpg#k<TAB>caption, without a header.
func readTokens(ctx context.Context, f *source, name string, b *builder) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text := newTextReader(ctx, file, name, f.Encoding, b.report)
	for l, ok := text.next(); ok; l, ok = text.next() {
		if blank(l.text) {
			continue
		}
		key, caption, ok := tokenRow(l.text)
		if !ok {
			b.problem(name, l.number, "row left out: expected name.jpg#k<TAB>caption, got %.40q", l.text)
			continue
		}
		at := strings.LastIndexByte(key, '#')
		b.add(row{file: name, line: l.number, image: key[:at], key: key[at:], text: caption})
	}
	return text.failed()
}

// tokenRow takes name.jpg#k<TAB>caption apart.
func tokenRow(text string) (key, caption string, ok bool) {
	key, caption, ok = strings.Cut(text, "\t")
	at := strings.LastIndexByte(key, '#')
	if !ok || at <= 0 || at == len(key)-1 || strings.Trim(key[at+1:], "0123456789") != "" {
		return "", "", false
	}
	return key, caption, true
}
