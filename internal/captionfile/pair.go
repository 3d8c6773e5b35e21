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

// find is an image's number, -1 if the name is none's or more than one's, and whether it is named to the letter.
func (x index) find(name string) (n int, exact bool) {
	if n, ok := x.exact[name]; ok {
		return n, true
	}
	if n, ok := x.bare[name]; ok {
		return n, false
	}
	if short, cut := bare(name); cut {
		if n, ok := x.exact[short]; ok {
			return n, false
		}
	}
	return -1, false
}

// fit is what one of a file's ways to name images makes of names.
type fit struct {
	scheme      int
	images      []int // by name; -1: of none
	hits, exact int
}

// resolve finds the images of names by that of the file's ways to name images which knows the most of them, to the letter
// if there are two. Where another one knows no fewer to the letter and finds another image for one of the names, err says
// so and n is that name's number: either may be meant.
func (f *File) resolve(names []string) (best fit, n int, err error) {
	fits := make([]fit, len(f.Images[0].Names))
	for scheme := range fits {
		x := newIndex(f.Images, scheme)
		found := fit{scheme: scheme, images: make([]int, len(names))}
		for n, name := range names {
			at, exact := x.find(name)
			if found.images[n] = at; at >= 0 {
				found.hits++
				if exact {
					found.exact++
				}
			}
		}
		fits[scheme] = found
		if scheme == 0 || found.hits > best.hits || found.hits == best.hits && found.exact > best.exact {
			best = found
		}
	}
	for _, other := range fits {
		if other.exact < best.exact || other.exact == best.exact && other.hits < best.hits {
			continue
		}
		for n, name := range names {
			if a, b := best.images[n], other.images[n]; a >= 0 && b >= 0 && a != b {
				return fit{}, n, fmt.Errorf("%q is image %q of %s by its %q and image %q by its %q, which know %d and %d of all %s; expected names that fit one of the two alone, such as whole file names",
					name, f.Images[a].Names[0], f.Path, f.schemes[best.scheme], f.Images[b].Names[0], f.schemes[other.scheme],
					best.hits, other.hits, english.Plural(len(names), "name", ""))
			}
		}
	}
	return best, 0, nil
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
	for _, line := range strings.FieldsFunc(strings.TrimPrefix(string(data), "\ufeff"), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no image is listed", list)
	}
	found, _, err := f.resolve(names)
	if err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	uncaptioned := newIndex(f.uncaptioned, found.scheme)
	keep := make([]bool, len(f.Images))
	var unknown, undescribed []string
	for n, at := range found.images {
		if at >= 0 {
			keep[at] = true
		} else if u, _ := uncaptioned.find(names[n]); u >= 0 {
			undescribed = append(undescribed, fmt.Sprintf("%q", names[n]))
		} else {
			unknown = append(unknown, fmt.Sprintf("%q", names[n]))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%s: %s not in %s: %s", list, english.Plural(len(unknown), "image is", "images are"), f.Path, some(unknown))
	}
	if len(undescribed) > 0 {
		return fmt.Errorf("%s: %s no captions in %s: %s", list, english.Plural(len(undescribed), "image has", "images have"), f.Path, some(undescribed))
	}
	for n := range f.Images {
		f.Images[n].skipped = !keep[n]
	}
	for n := range f.uncaptioned {
		f.uncaptioned[n].skipped = true
	}
	return nil
}

// Match pairs every image of the references with its candidate, in the order of the references. Candidates may name
// images by any of the names that the references have, file names with or without their extension; names that fit
// different images in two ways are an error. Images without a candidate, candidates of no image or of one without
// captions, and images with two candidates are one error that names them.
func Match(references, candidates *File) ([]Pair, error) {
	names := make([]string, len(candidates.Images))
	for n, image := range candidates.Images {
		names[n] = image.Names[0]
	}
	of := make([]int, len(references.Images)) // the candidate of each image
	for n := range of {
		of[n] = -1
	}
	found, n, err := references.resolve(names)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", candidates.Path, candidates.lines.of(candidates.Images[n].at), err)
	}
	uncaptioned := newIndex(references.uncaptioned, found.scheme)
	var extra, undescribed, twice []int
	for n, at := range found.images {
		switch {
		case at < 0:
			if u, _ := uncaptioned.find(names[n]); u < 0 {
				extra = append(extra, n)
			} else if !references.uncaptioned[u].skipped {
				undescribed = append(undescribed, n)
			}
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
	if len(missing)+len(extra)+len(undescribed)+len(twice) == 0 {
		return pairs, nil
	}
	return nil, &MismatchError{describe(references, candidates, missing, extra, undescribed, twice)}
}

// MismatchError says which images two files do not share.
type MismatchError struct{ message string }

func (e *MismatchError) Error() string { return e.message }

func describe(references, candidates *File, missing []string, extra, undescribed, twice []int) string {
	message := fmt.Sprintf("%s and %s don't have the same images:", references.Path, candidates.Path)
	quoted := make([]string, len(missing))
	for n, id := range missing {
		quoted[n] = fmt.Sprintf("%q", id)
	}
	if len(missing) > 0 {
		message += fmt.Sprintf("\n  %s no candidate: %s", english.Plural(len(missing), "image has", "images have"), some(quoted))
	}
	where := func(of []int, known []string) []string {
		var out []string
		for _, n := range of {
			image := candidates.Images[n]
			text := fmt.Sprintf("%q", image.Names[0])
			if len(out) < named {
				text += fmt.Sprintf(" (line %d", candidates.lines.of(image.at))
				if near := nearest(image.Names[0], known); near != "" {
					text += fmt.Sprintf("; did you mean %q?", near)
				}
				text += ")"
			}
			out = append(out, text)
		}
		return out
	}
	if len(extra) > 0 {
		message += fmt.Sprintf("\n  %s an image that has no references: %s", english.Plural(len(extra), "candidate names", "candidates name"), some(where(extra, missing)))
	}
	if len(undescribed) > 0 {
		message += fmt.Sprintf("\n  %s an image that the references have without captions: %s", english.Plural(len(undescribed), "candidate names", "candidates name"), some(where(undescribed, nil)))
	}
	if len(twice) > 0 {
		message += fmt.Sprintf("\n  %s an image that has one already: %s", english.Plural(len(twice), "candidate names", "candidates name"), some(where(twice, missing)))
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
