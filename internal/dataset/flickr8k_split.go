package dataset

import (
	"fmt"
	"path/filepath"
)

// flickrSplits are the official split files.
var flickrSplits = []struct{ split, file string }{
	{Train, "Flickr_8k.trainImages.txt"}, {Validation, "Flickr_8k.devImages.txt"}, {Test, "Flickr_8k.testImages.txt"},
}

// listed is one official list.
type listed struct {
	split, file string
	names       []line
}

func readOfficial(root string) ([]listed, error) {
	var lists []listed
	for _, f := range flickrSplits {
		lines, err := readLines(filepath.Join(root, f.file))
		if err != nil {
			return nil, err
		}
		lists = append(lists, listed{f.split, f.file, lines})
	}
	return lists, nil
}

// find gives the examples their pictures and the official splits their ids, and leaves out examples without a
// picture. An official split without any picture is left out as a whole, which is one problem, not a thousand.
func (l *loaded) find(pictures map[string]string, lists []listed, official bool) {
	captions := map[string]Caption{} // the first of each picture
	var kept []Example
	for _, e := range l.examples {
		captions[e.ID] = e.Captions[0]
		if e.Path = pictures[e.ID]; e.Path != "" {
			kept = append(kept, e)
		}
	}
	var whole, parts []Problem // splits, and single pictures
	inSplit := map[string]string{}
	if official {
		l.official = map[string][]string{}
	}
	for _, list := range lists {
		var missing []Problem
		absent := 0
		for _, name := range list.names {
			id := name.text
			if other, twice := inSplit[id]; twice {
				parts = append(parts, Problem{list.file, name.number, fmt.Sprintf("%s left out: it is in the %s split already", id, other)})
				continue
			}
			inSplit[id] = list.split
			switch caption, ok := captions[id]; {
			case !ok:
				missing = append(missing, Problem{list.file, name.number, "left out: there is no caption of " + id})
			case pictures[id] == "":
				absent++
				missing = append(missing, problemAt(caption.Source, "left out: there is no picture "+id))
			default:
				l.official[list.split] = append(l.official[list.split], id)
			}
		}
		if len(l.official[list.split]) == 0 && absent > 0 {
			whole = append(whole, Problem{Reason: fmt.Sprintf("official %s split: %d of %d pictures are missing; split left out", list.split, absent, len(list.names))})
		} else {
			parts = append(parts, missing...)
		}
	}
	unused := 0
	for _, e := range l.examples {
		switch {
		case inSplit[e.ID] != "":
		case pictures[e.ID] == "":
			parts = append(parts, problemAt(e.Captions[0].Source, "left out: there is no picture "+e.ID))
		case official:
			unused++
		}
	}
	if unused > 0 {
		parts = append(parts, Problem{File: flickrTokens, Reason: fmt.Sprintf("%d pictures are in no official split and are not used", unused)})
	}
	l.examples = kept
	l.problems = append(append(whole, l.problems...), parts...)
}
