package captionfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// eachLine calls do with every line that is not blank, without its break, and the byte where it begins. Lines end in LF
// or CRLF, or all in CR; another CR is an error, as it would make two rows one.
func (s *source) eachLine(do func(line string, at int64) error) error {
	in, at, end := bufio.NewReaderSize(s.Reader, ahead), s.start, byte('\n')
	if head, _ := in.Peek(ahead); bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 { // as Macs wrote once
		end = '\r'
	}
	for {
		line, err := in.ReadString(end)
		if err != nil && !errors.Is(err, io.EOF) {
			return s.failed(at, err)
		}
		here := at
		at += int64(len(line))
		if strings.TrimSpace(line) != "" {
			if strings.IndexByte(line, 0) >= 0 {
				return s.errorf(here, "a NUL byte; expected text in UTF-8")
			}
			line = strings.TrimRight(line, "\r\n")
			if strings.ContainsAny(line, "\r\n") {
				return s.errorf(here, "a carriage return in the middle of a line; expected lines that end in LF, CRLF or CR")
			}
			if err := do(line, here); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

// readToken reads Flickr's token files: name.jpg#0, a tab, a caption. A caption of an image that stands twice under
// one number is an error.
func (f *File) readToken(s *source) error {
	at := map[string]int{}
	seen := map[string]int64{}
	var twice []string
	err := s.eachLine(func(line string, here int64) error {
		key, caption, tab := strings.Cut(line, "\t")
		name, number := cutLast(key, '#')
		switch {
		case !tab:
			return s.errorf(here, "no tab in %.40q; expected references: %s", line, referenceFormats)
		case name == "" || !digits(number):
			return s.errorf(here, "%.60q before the tab is no name.jpg#number; expected references: %s", key, referenceFormats)
		}
		if before, ok := seen[key]; ok {
			if twice = append(twice, fmt.Sprintf("%q", key)); len(twice) <= named {
				twice[len(twice)-1] += fmt.Sprintf(" (lines %d and %d)", s.lines.of(before), s.lines.of(here))
			}
			return nil
		}
		seen[key] = here
		n, ok := at[name]
		if !ok {
			n = len(f.Images)
			at[name] = n
			f.Images = append(f.Images, Image{Names: []string{name}, at: here})
		}
		f.Images[n].Captions = append(f.Images[n].Captions, caption)
		return nil
	})
	if err == nil && len(twice) > 0 {
		return fmt.Errorf("%s: %s: %s", s.path, english.Plural(len(twice), "caption number that stood before", "caption numbers that stood before"), some(twice))
	}
	return err
}

// readTabbed reads lines of an image's id, a tab, and its caption, in which more tabs may follow.
func (f *File) readTabbed(s *source) error {
	return s.eachLine(func(line string, here int64) error {
		id, caption, tab := strings.Cut(line, "\t")
		if id = strings.TrimSpace(id); !tab || id == "" {
			return s.errorf(here, "no id and tab before a caption in %.40q; expected candidates: %s", line, candidateFormats)
		}
		f.Images = append(f.Images, Image{Names: []string{id}, Captions: []string{caption}, at: here})
		return nil
	})
}

// cutLast cuts at the last of a character; before is empty where there is none.
func cutLast(text string, at byte) (before, after string) {
	n := strings.LastIndexByte(text, at)
	if n < 0 {
		return "", text
	}
	return text[:n], text[n+1:]
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
