package dataset

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

const flickrTokens = "Flickr8k.token.txt"

// flickrSplits are the official split files.
var flickrSplits = []struct{ split, file string }{
	{Train, "Flickr_8k.trainImages.txt"}, {Validation, "Flickr_8k.devImages.txt"}, {Test, "Flickr_8k.testImages.txt"},
}

// flickrFolders are where copies keep the pictures.
var flickrFolders = []string{"images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "."}

// loadFlickr8k reads Flickr8k (Hodosh, Young & Hockenmaier 2013): the token file, the official split files where
// they are asked for, and the pictures.
func loadFlickr8k(_ context.Context, s Settings, _ string, _ io.Writer) (*loaded, error) {
	if err := flickr8kPresent(s); err != nil {
		return nil, err
	}
	path := filepath.Join(s.Root, flickrTokens)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data.root: %w", err)
	}
	l := &loaded{}
	at := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for line := 1; lines.Scan(); line++ {
		row := strings.TrimSuffix(lines.Text(), "\r")
		if row == "" {
			continue
		}
		name, text, ok := strings.Cut(row, "\t")
		hash := strings.LastIndexByte(name, '#')
		if !ok || hash <= 0 {
			l.problems = append(l.problems, Problem{flickrTokens, line, fmt.Sprintf("row left out: expected name.jpg#k<TAB>caption, got %.40q", row)})
			continue
		}
		name = name[:hash]
		n, ok := at[name]
		if !ok {
			n = len(l.examples)
			at[name] = n
			l.examples = append(l.examples, Example{ID: name})
		}
		l.examples[n].Captions = append(l.examples[n].Captions, Caption{Raw: text, Source: fmt.Sprintf("%s:%d", flickrTokens, line)})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(l.examples) == 0 {
		return nil, fmt.Errorf("%s: no row of the form name.jpg#k<TAB>caption", path)
	}
	present, err := flickrPictures(s.Root)
	if err != nil {
		return nil, err
	}
	if s.Split == "official" {
		if err := l.readOfficial(s.Root); err != nil {
			return nil, err
		}
	}
	l.dropMissing(present)
	return l, nil
}

// flickr8kPresent says what to download, and where to put it, when the token file is not there.
func flickr8kPresent(s Settings) error {
	path := filepath.Join(s.Root, flickrTokens)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with it, reading tells
	}
	return fmt.Errorf("data.root: %s is not there: download Flickr8k (Flickr8k_text.zip and Flickr8k_Dataset.zip), unpack both into one folder, "+
		"with the pictures in its folder images, and name that folder by data.root=FOLDER (make: DATA=FOLDER)", path)
}

// flickrPictures maps picture names to files.
func flickrPictures(root string) (map[string]string, error) {
	for _, folder := range flickrFolders {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			continue
		}
		pictures := map[string]string{}
		for _, e := range entries {
			if strings.EqualFold(filepath.Ext(e.Name()), ".jpg") {
				pictures[e.Name()] = filepath.Join(root, folder, e.Name())
			}
		}
		if len(pictures) > 0 {
			return pictures, nil
		}
	}
	return nil, fmt.Errorf("data.root: %s has no pictures: expected .jpg files in one of its folders %s", root, strings.Join(flickrFolders[:len(flickrFolders)-1], ", "))
}

func (l *loaded) readOfficial(root string) error {
	l.official = map[string][]string{}
	for _, f := range flickrSplits {
		path := filepath.Join(root, f.file)
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("data.split is \"official\", which needs the three official lists: %w; or use split = \"ratio\"", err)
		}
		l.official[f.split] = strings.Fields(string(data))
	}
	return nil
}

// dropMissing leaves out pictures without a file. A split without any is one problem, not a thousand.
func (l *loaded) dropMissing(present map[string]string) {
	splitOf := map[string]string{}
	for split, ids := range l.official {
		for _, id := range ids {
			splitOf[id] = split
		}
	}
	missing := map[string][]Example{}
	var kept []Example
	for _, e := range l.examples {
		if e.Path = present[e.ID]; e.Path == "" {
			missing[splitOf[e.ID]] = append(missing[splitOf[e.ID]], e)
			continue
		}
		kept = append(kept, e)
	}
	l.examples = kept
	splits := make([]string, 0, len(missing))
	for split := range missing {
		splits = append(splits, split)
	}
	sort.Strings(splits)
	for _, split := range splits {
		if split != "" && len(missing[split]) >= len(l.official[split]) {
			l.problems = append(l.problems, Problem{Reason: fmt.Sprintf("the official %s split is left out: its %d pictures are missing", split, len(l.official[split]))})
			delete(l.official, split)
			continue
		}
		if split == "" && l.official != nil { // in no official split: not used anyway
			continue
		}
		for _, e := range missing[split] {
			l.problems = append(l.problems, Problem{File: e.Captions[0].Source, Reason: "left out: there is no picture " + e.ID})
		}
	}
}
