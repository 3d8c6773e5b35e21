package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const flickrTokens = "Flickr8k.token.txt"

// flickrFolders are where copies keep the pictures.
var flickrFolders = []string{"images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "."}

// loadFlickr8k reads Flickr8k (Hodosh, Young & Hockenmaier 2013): the token file, the official split files where
// they are asked for, and the pictures' names.
func loadFlickr8k(ctx context.Context, s Settings, _ string, _ io.Writer) (*loaded, error) {
	pictures, err := flickrFiles(s)
	if err != nil {
		return nil, err
	}
	l := &loaded{}
	if err := l.readTokens(filepath.Join(s.Root, flickrTokens)); err != nil {
		return nil, err
	}
	var lists []listed
	if s.Split == "official" {
		if lists, err = readOfficial(s.Root); err != nil {
			return nil, err
		}
	}
	l.find(pictures, lists, s.Split == "official")
	return l, ctx.Err()
}

func flickr8kPresent(s Settings) error {
	_, err := flickrFiles(s)
	return err
}

// flickrFiles finds the pictures. When they, the captions or the split files that are asked for are not there, the
// error says what to download and where to put it.
func flickrFiles(s Settings) (map[string]string, error) {
	const get = "download Flickr8k (Flickr8k_text.zip and Flickr8k_Dataset.zip, from github.com/jbrownlee/Datasets/releases), unpack both into one folder, " +
		"the pictures below it in images or Flicker8k_Dataset, and name that folder by data.root=FOLDER (make: DATA=FOLDER)"
	path := filepath.Join(s.Root, flickrTokens)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data.root: %s is not there: %s", path, get)
	} else if err != nil {
		return nil, fmt.Errorf("data.root: %w", err)
	}
	if s.Split == "official" {
		for _, f := range flickrSplits {
			if _, err := os.Stat(filepath.Join(s.Root, f.file)); err != nil {
				return nil, fmt.Errorf("data.split = \"official\" needs Flickr8k's three official lists (they are in Flickr8k_text.zip; or take data.split=ratio): %w", err)
			}
		}
	}
	pictures := flickrPictures(s.Root)
	if len(pictures) == 0 {
		return nil, fmt.Errorf("data.root: no .jpg files in %s or its folders %s: %s", s.Root, strings.Join(flickrFolders[:len(flickrFolders)-1], ", "), get)
	}
	return pictures, nil
}

// readTokens reads the token file: name.jpg#k<TAB>caption, without a header; LF or CRLF.
func (l *loaded) readTokens(path string) error {
	lines, err := readLines(path)
	if err != nil {
		return err
	}
	at := map[string]int{}
	seen := map[string]int{} // row -> line
	for _, line := range lines {
		key, text, tab := strings.Cut(line.text, "\t")
		name, ok := captionOf(key)
		if !tab || !ok {
			l.problems = append(l.problems, Problem{flickrTokens, line.number, fmt.Sprintf("row left out: expected name.jpg#k<TAB>caption, got %.40q", line.text)})
			continue
		}
		if first, twice := seen[line.text]; twice {
			l.problems = append(l.problems, Problem{flickrTokens, line.number, fmt.Sprintf("row left out: the same as line %d", first)})
			continue
		}
		seen[line.text] = line.number
		n, ok := at[name]
		if !ok {
			n = len(l.examples)
			at[name] = n
			l.examples = append(l.examples, Example{ID: name})
		}
		l.examples[n].Captions = append(l.examples[n].Captions, Caption{Raw: text, Source: fmt.Sprintf("%s:%d", flickrTokens, line.number)})
	}
	if len(l.examples) == 0 {
		return fmt.Errorf("%s: no row of the form name.jpg#k<TAB>caption", path)
	}
	return nil
}

// captionOf takes the picture's name from name.jpg#k.
func captionOf(key string) (name string, ok bool) {
	at := strings.LastIndexByte(key, '#')
	if at <= 0 || at == len(key)-1 || strings.Trim(key[at+1:], "0123456789") != "" {
		return "", false
	}
	return key[:at], true
}

// flickrPictures maps the pictures' names to files. Empty files, which broken downloads leave, are none.
func flickrPictures(root string) map[string]string {
	pictures := map[string]string{}
	for _, folder := range flickrFolders {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			continue // another copy's folder
		}
		for _, e := range entries {
			if _, known := pictures[e.Name()]; known || !strings.EqualFold(filepath.Ext(e.Name()), ".jpg") {
				continue
			}
			path := filepath.Join(root, folder, e.Name())
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
				pictures[e.Name()] = path
			}
		}
	}
	return pictures
}
