// Package captionfile reads files of captions: references as data sets publish them, candidates as captioning systems
// write them. It writes COCO's two.
package captionfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// Image is one image of a file.
type Image struct {
	// Names are what the file calls the image: its id first, then other names, in the same order for all its images.
	// Numbers and strings of the same digits are the same name.
	Names    []string
	Captions []string // one in a file of candidates

	at      int64 // the byte of the file where it is said
	skipped bool  // by Keep: neither it nor its candidate counts
}

// File is what a file of captions holds.
type File struct {
	Path   string
	Format string // "COCO captions", "Karpathy", "Flickr token", "COCO results", "JSON lines", "tab-separated"
	Images []Image

	schemes     []string // the file's keys of Names, where there is more than one
	uncaptioned []Image  // that nobody described: they can't be scored
	lines       *lines
}

// Options say what is read of a file of references.
type Options struct {
	Split string // of Karpathy's files alone; "": test
}

// What each kind of file may look like, for messages.
const (
	referenceFormats = `COCO captions ({"images": […], "annotations": […]}), Karpathy's JSON, a Flickr token file (name.jpg#0, a tab, a caption) or lines of {"image_id": …, "captions": […]}`
	candidateFormats = `COCO results ([{"image_id": …, "caption": …}]), lines of such objects, or of an image's id, a tab and a caption`
)

// References reads references: COCO captions, Karpathy's JSON, a Flickr token file, or JSON lines
// {"image_id": …, "captions": […]}. The format is recognised by the content. Errors name the file's line.
func References(path string, o Options) (*File, error) {
	return open(path, func(in again) (*File, error) { return readReferences(in, path, o) })
}

// Candidates reads one caption an image: COCO results [{"image_id": …, "caption": …}], JSON lines of such objects (a run's
// predictions/*.jsonl too), or lines of an id, a tab and a caption. The format is recognised by the content.
func Candidates(path string) (*File, error) {
	return open(path, func(in again) (*File, error) { return readCandidates(in, path) })
}

// again opens a text, as often as it is called.
type again func() (io.ReadCloser, error)

func open(path string, read func(again) (*File, error)) (*File, error) {
	stat, err := os.Stat(path)
	switch {
	case err == nil && stat.IsDir():
		return nil, fmt.Errorf("%s is a folder; expected a file of captions", path)
	case err == nil && !stat.Mode().IsRegular(): // a pipe can be read once
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return read(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	}
	return read(func() (io.ReadCloser, error) { return os.Open(path) })
}

// readReferences is References of any text.
func readReferences(in again, path string, o Options) (*File, error) {
	text, isJSON, err := begin(in, path)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	f := &File{Path: path, lines: text.lines}
	if !isJSON {
		if o.Split != "" {
			return nil, fmt.Errorf("%s: a Flickr token file has no splits: list the images of one in a file of their own", path)
		}
		f.Format = "Flickr token"
		err = f.readToken(text)
		return f.checked(referenceFormats, err)
	}
	j, err := readJSON(text)
	if err != nil {
		return nil, err
	}
	switch {
	case j.karpathy:
		f.Format = "Karpathy"
		err = f.takeKarpathy(j, o.Split)
	case o.Split != "":
		err = fmt.Errorf("%s: only Karpathy's files have splits, and this is none", path)
	case j.whole:
		f.Format = "COCO captions"
		err = f.takeCOCO(j)
	default:
		f.Format = "JSON lines"
		for _, r := range j.records {
			if r.Captions == nil {
				if r.Caption.set {
					err = text.errorf(r.at, `one "caption" instead of "captions": these are candidates; expected references: %s`, referenceFormats)
				} else {
					err = text.errorf(r.at, `no "captions"; expected %s`, referenceFormats)
				}
				break
			}
			image := Image{Names: []string{r.ImageID.name}, Captions: make([]string, len(r.Captions)), at: r.at}
			for n, c := range r.Captions {
				image.Captions[n] = string(*c)
			}
			f.Images = append(f.Images, image)
		}
	}
	return f.checked(referenceFormats, err)
}

// readCandidates is Candidates of any text.
func readCandidates(in again, path string) (*File, error) {
	text, isJSON, err := begin(in, path)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	f := &File{Path: path, lines: text.lines}
	if !isJSON {
		f.Format = "tab-separated"
		return f.checked(candidateFormats, f.readTabbed(text))
	}
	j, err := readJSON(text)
	if err != nil {
		return nil, err
	}
	if j.whole {
		return nil, fmt.Errorf("%s: these are references, COCO captions or Karpathy's; expected candidates: %s", path, candidateFormats)
	}
	f.Format = "JSON lines"
	if j.array {
		f.Format = "COCO results"
	}
	for _, r := range j.records {
		if !r.Caption.set {
			what := `no "caption"`
			if r.Captions != nil {
				what = `"captions" instead of one "caption": these are references`
			}
			return nil, text.errorf(r.at, `%s; expected candidates: %s`, what, candidateFormats)
		}
		f.Images = append(f.Images, Image{Names: []string{r.ImageID.name}, Captions: []string{r.Caption.value}, at: r.at})
	}
	return f.checked(candidateFormats, nil)
}

// checked refuses a file without captions, and ids that stand twice.
func (f *File) checked(expected string, err error) (*File, error) {
	if err != nil {
		return nil, err
	}
	if len(f.Images) == 0 {
		return nil, fmt.Errorf("%s: no captions; expected %s", f.Path, expected)
	}
	first := make(map[string]int, len(f.Images))
	var twice []string
	for n, image := range f.Images {
		id := image.Names[0]
		at, ok := first[id]
		if !ok {
			first[id] = n
			continue
		}
		twice = append(twice, fmt.Sprintf("%q", id))
		if len(twice) <= named {
			twice[len(twice)-1] += fmt.Sprintf(" (lines %d and %d)", f.lines.of(f.Images[at].at), f.lines.of(image.at))
		}
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("%s: %s: %s", f.Path, english.Plural(len(twice), "image id that stood before", "image ids that stood before"), some(twice))
	}
	return f, nil
}

// splitList is the splits of a Karpathy file and the number of their images.
func splitList(images []picture) string {
	count := map[string]int{}
	for _, p := range images {
		count[p.Split.value]++
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", name, count[name]))
	}
	return strings.Join(parts, ", ")
}

// source is a text being read, checked to be UTF-8 on the way.
type source struct {
	io.Reader
	io.Closer
	path  string
	start int64 // bytes before the text: a byte order mark
	lines *lines
	check *checker
}

// begin looks at a file's first bytes: byte order marks are skipped, or refused with their encoding.
func begin(in again, path string) (s *source, isJSON bool, err error) {
	file, err := in()
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	s = &source{Closer: file, path: path, lines: &lines{in}}
	raw := bufio.NewReader(file)
	head, err := raw.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		return nil, false, fmt.Errorf("%s: UTF-16 text; expected UTF-8", path)
	case string(head) == "\ufeff":
		_, _ = raw.Discard(len(head))
		s.start = int64(len(head))
	}
	s.check = &checker{in: raw}
	text := bufio.NewReaderSize(s.check, ahead)
	s.Reader = text
	for size := 64; size <= ahead; size *= 2 {
		begins, err := text.Peek(size)
		if rest := strings.TrimLeft(string(begins), " \t\r\n"); rest != "" {
			return s, rest[0] == '{' || rest[0] == '[', nil
		}
		if err != nil {
			break // nothing but white space, or an error that comes again when the text is read
		}
	}
	return s, false, nil
}

// ahead is how far the first character of a text is looked for.
const ahead = 1 << 16

// errorf is an error at a byte of the text.
func (s *source) errorf(at int64, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", s.path, s.lines.of(at), fmt.Sprintf(format, args...))
}

// failed is the error of reading: the text's own where it is not UTF-8.
func (s *source) failed(at int64, err error) error {
	if s.check.bad {
		return s.errorf(s.start+s.check.good, "not UTF-8")
	}
	return s.errorf(at, "%v", err)
}
