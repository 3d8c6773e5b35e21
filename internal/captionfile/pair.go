package captionfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/dustin/go-humanize/english"
)

// Pair is an image with its candidate and its references.
type Pair struct {
	ID         string // as the references have it
	Candidate  string
	References []string
}

// index finds images by one of the names that a file has for each of them.
type index struct{ exact, bare map[string]int }

// extensions are those of picture files, which one file may write and the other leave out.
var extensions = []string{".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}

// bare is a picture's name without its extension.
func bare(name string) (string, bool) {
	extension := filepath.Ext(name)
	for _, known := range extensions {
		if strings.EqualFold(extension, known) && len(name) > len(extension) {
			return name[:len(name)-len(extension)], true
		}
	}
	return name, false
}

func newIndex(images []Image, scheme int) index {
	x := index{make(map[string]int, len(images)), make(map[string]int, len(images))}
	put := func(m map[string]int, name string, n int) {
		if _, twice := m[name]; twice {
			n = -1 // names neither
		}
		m[name] = n
	}
	for n, image := range images {
		name := image.Names[scheme]
		if name == "" {
			continue
		}
		put(x.exact, name, n)
		if short, cut := bare(name); cut {
			put(x.bare, short, n)
		}
	}
	return x
}

// find is an image's number, -1 if the name is none's or more than one's.
func (x index) find(name string) int {
	if n, ok := x.exact[name]; ok {
		return n
	}
	if n, ok := x.bare[name]; ok {
		return n
	}
	if short, cut := bare(name); cut {
		if n, ok := x.exact[short]; ok {
			return n
		}
	}
	return -1
}

// resolve finds the images of names by that of the file's ways to name images which knows the most of them.
func (f *File) resolve(names []string) []int {
	var best []int
	most := -1
	for scheme := range f.Images[0].Names {
		x := newIndex(f.Images, scheme)
		found, hits := make([]int, len(names)), 0
		for n, name := range names {
			if found[n] = x.find(name); found[n] >= 0 {
				hits++
			}
		}
		if hits > most {
			best, most = found, hits
		}
	}
	return best
}

// Keep leaves only the images that a file lists, a name a line, such as Flickr_8k.testImages.txt: Match skips the others,
// whether they have a candidate or not.
func (f *File) Keep(list string) error {
	data, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("%s: not UTF-8", list)
	}
	var names []string
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no image is listed", list)
	}
	keep := make([]bool, len(f.Images))
	var unknown []string
	for n, at := range f.resolve(names) {
		if at < 0 {
			unknown = append(unknown, fmt.Sprintf("%q", names[n]))
			continue
		}
		keep[at] = true
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%s: %s not in %s: %s", list, english.Plural(len(unknown), "image is", "images are"), f.Path, some(unknown))
	}
	for n := range f.Images {
		f.Images[n].skipped = !keep[n]
	}
	return nil
}

// Match pairs every image of the references with its candidate, in the order of the references. Candidates may name
// images by any of the names that the references have, file names with or without their extension. Images without a
// candidate, candidates of no image, and images with two candidates are one error that names them.
func Match(references, candidates *File) ([]Pair, error) {
	names := make([]string, len(candidates.Images))
	for n, image := range candidates.Images {
		names[n] = image.Names[0]
	}
	of := make([]int, len(references.Images)) // the candidate of each image
	for n := range of {
		of[n] = -1
	}
	var extra, twice []int
	for n, at := range references.resolve(names) {
		switch {
		case at < 0:
			extra = append(extra, n)
		case references.Images[at].skipped:
		case of[at] >= 0:
			twice = append(twice, n)
		default:
			of[at] = n
		}
	}
	pairs := make([]Pair, 0, len(of))
	var missing []string
	for n, image := range references.Images {
		if image.skipped {
			continue
		}
		if of[n] < 0 {
			missing = append(missing, image.Names[0])
			continue
		}
		pairs = append(pairs, Pair{image.Names[0], candidates.Images[of[n]].Captions[0], image.Captions})
	}
	if len(missing)+len(extra)+len(twice) == 0 {
		return pairs, nil
	}
	return nil, &MismatchError{describe(references, candidates, missing, extra, twice)}
}

// MismatchError says which images two files do not share.
type MismatchError struct{ message string }

func (e *MismatchError) Error() string { return e.message }

func describe(references, candidates *File, missing []string, extra, twice []int) string {
	message := fmt.Sprintf("%s and %s don't have the same images:", references.Path, candidates.Path)
	quoted := make([]string, len(missing))
	for n, id := range missing {
		quoted[n] = fmt.Sprintf("%q", id)
	}
	if len(missing) > 0 {
		message += fmt.Sprintf("\n  %s no candidate: %s", english.Plural(len(missing), "image has", "images have"), some(quoted))
	}
	where := func(of []int) []string {
		var out []string
		for _, n := range of {
			image := candidates.Images[n]
			text := fmt.Sprintf("%q", image.Names[0])
			if len(out) < named {
				text += fmt.Sprintf(" (line %d", candidates.lines.of(image.at))
				if near := nearest(image.Names[0], missing); near != "" {
					text += fmt.Sprintf("; did you mean %q?", near)
				}
				text += ")"
			}
			out = append(out, text)
		}
		return out
	}
	if len(extra) > 0 {
		message += fmt.Sprintf("\n  %s an image that has no references: %s", english.Plural(len(extra), "candidate names", "candidates name"), some(where(extra)))
	}
	if len(twice) > 0 {
		message += fmt.Sprintf("\n  %s an image that has one already: %s", english.Plural(len(twice), "candidate names", "candidates name"), some(where(twice)))
	}
	return message
}

// nearest is the name that is nearly the same; "" if none is.
func nearest(name string, known []string) string {
	best, least := "", max(1, len(name)/5)+1
	for _, k := range known {
		if difference := len(k) - len(name); difference >= least || -difference >= least {
			continue
		}
		if d := levenshtein.ComputeDistance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}
