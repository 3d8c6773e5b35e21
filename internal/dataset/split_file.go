package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// splitFile is what split.json of a run holds.
type splitFile struct {
	Hash   string              `json:"hash"`
	Splits map[string][]string `json:"splits"`
}

// maxSplitFile is more than a split of a million pictures needs.
const maxSplitFile = 256 << 20

// splitByFile takes the splits of data.split_file, in its order: split.json of an earlier run, whose hash it gives, or
// lines of picture and split, with a comma, semicolon, tab or spaces between them. A picture's name is its id, or what its
// file is called.
func (d *Dataset) splitByFile(ctx context.Context, s Settings) (written string, err error) {
	if s.SplitFile == "" {
		return "", errors.New("data.split = \"file\" needs data.split_file")
	}
	name := filepath.Base(s.SplitFile)
	file, err := openSplitFile(s)
	if err != nil {
		return "", fmt.Errorf("data.split_file: %w", err)
	}
	defer file.Close()
	at := map[string]int{}
	for n, e := range d.Examples {
		at[e.ID] = n
	}
	for n, e := range d.Examples { // a picture that the captions name without its type, or accents that are composed otherwise
		onDisk := path.Join(path.Dir(e.ID), filepath.Base(e.Path))
		if _, named := at[onDisk]; !named {
			at[onDisk] = n
		}
	}
	in := map[int]string{}
	put := func(id, split string, line int) {
		n, ok := at[id]
		switch {
		case !ok:
			d.Problems = append(d.Problems, Problem{name, line, "left out: there is no picture with captions of the name " + id})
		case in[n] != "":
			d.Problems = append(d.Problems, Problem{name, line, fmt.Sprintf("%s left out: it is in the %s split already", id, in[n])})
		default:
			in[n] = split
			d.Splits[split] = append(d.Splits[split], n)
		}
	}
	if strings.EqualFold(filepath.Ext(name), ".json") {
		written, err = readSplitJSON(ctx, file, name, put)
	} else {
		err = readSplitLines(ctx, file, name, s.Encoding, put, func(p Problem) { d.Problems = append(d.Problems, p) })
	}
	if err != nil {
		return "", fmt.Errorf("data.split_file: %w", err)
	}
	if len(in) == 0 {
		return "", fmt.Errorf("data.split_file: %s names no picture of the data set", s.SplitFile)
	}
	if n := len(d.Examples) - len(in); n > 0 {
		d.Problems = append(d.Problems, Problem{File: name, Reason: picturesAre(n) + " in no split and not used"})
	}
	return written, nil
}

func splitFilePresent(s Settings) error {
	file, err := openSplitFile(s)
	if err != nil {
		return fmt.Errorf("data.split_file: %w", err)
	}
	return file.Close()
}

// openSplitFile looks for a relative file in the working folder first, as for any path on a command line, then beside
// the data.
func openSplitFile(s Settings) (*os.File, error) {
	places := []string{s.SplitFile}
	if !filepath.IsAbs(s.SplitFile) && s.Root != "" {
		places = append(places, filepath.Join(s.Root, s.SplitFile), filepath.Join(filepath.Dir(s.Root), s.SplitFile))
	}
	for _, path := range places {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: expected a file, found %s", path, fileType(info.Mode()))
		}
		return os.Open(path)
	}
	return nil, &fs.PathError{Op: "open", Path: s.SplitFile, Err: fs.ErrNotExist}
}

func readSplitJSON(ctx context.Context, file io.Reader, name string, put func(id, split string, line int)) (string, error) {
	text, _ := decoded(ctx, file, "auto", readAhead)
	data, err := io.ReadAll(io.LimitReader(text, maxSplitFile))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var f splitFile
	if err := json.Unmarshal(data, &f); err != nil {
		at := int64(0)
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			at = syntax.Offset
		} else if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			at = wrong.Offset
		}
		line := 1 + bytes.Count(data[:min(int(at), len(data))], []byte("\n"))
		return "", fmt.Errorf("%s:%d: expected split.json of a run: %s", name, line, jsonReason(err))
	}
	for split := range f.Splits {
		if !slices.Contains(splitNames, split) {
			return "", fmt.Errorf("%s: unknown split %q; known are %s", name, split, strings.Join(splitNames, ", "))
		}
	}
	for _, split := range splitNames {
		for _, id := range f.Splits[split] {
			put(id, split, 0)
		}
	}
	return f.Hash, nil
}

func readSplitLines(ctx context.Context, file io.Reader, name, encoding string, put func(id, split string, line int), report func(Problem)) error {
	text := newTextReader(ctx, file, name, encoding, report)
	first := true
	for l, ok := text.next(); ok; l, ok = text.next() {
		if blank(l.text) {
			continue
		}
		id, split, ok := lastField(l.text)
		known, isSplit := splitOf(split)
		if head := strings.ToLower(split); first && slices.Contains(columnNames["split"], head) {
			first = false // a header
			continue
		}
		first = false
		if !ok || !isSplit || known == "" {
			report(Problem{name, l.number, fmt.Sprintf("row left out: expected picture,split with train, validation or test, got %.60q", l.text)})
			continue
		}
		put(id, known, l.number)
	}
	return text.failed()
}

// lastField cuts a line before its last field; a name may hold separators.
func lastField(text string) (before, last string, ok bool) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexAny(text, ",;\t")
	if at < 0 {
		at = strings.LastIndexByte(text, ' ')
	}
	if at <= 0 {
		return "", text, false
	}
	return strings.Trim(strings.TrimSpace(text[:at]), `"`), strings.Trim(strings.TrimSpace(text[at+1:]), `"`), true
}
