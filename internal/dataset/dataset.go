// Package dataset loads pictures with captions, cleans the captions and splits the pictures.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The splits.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

var splitNames = []string{Train, Validation, Test}

// Caption is one caption of one picture.
type Caption struct {
	Raw    string // as the data set has it
	Text   string // cleaned
	Source string // file:line
}

// Example is one picture with its captions.
type Example struct {
	ID       string // unique and stable, such as the file name
	Path     string // picture file
	Captions []Caption
}

// Problem is a row or a picture that was repaired or left out.
type Problem struct {
	File   string
	Line   int // 0 when the problem is not one line's
	Reason string
}

// String is file:line: reason.
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Reason
	case p.Line == 0:
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// problemAt makes a problem of a caption's source, file:line.
func problemAt(source, reason string) Problem {
	if at := strings.LastIndexByte(source, ':'); at > 0 {
		if line, err := strconv.Atoi(source[at+1:]); err == nil {
			return Problem{source[:at], line, reason}
		}
	}
	return Problem{File: source, Reason: reason}
}

// Floor is the entropy of a split's cleaned captions given their pictures, where the true distribution is known.
type Floor struct {
	NatsPerCaption   float64
	NatsPerCharacter float64 // the end of a caption counted as one character
	Characters       float64 // mean characters a caption, its end included
}

// Dataset is a loaded, split and cleaned data set.
type Dataset struct {
	Name     string
	Examples []Example
	Splits   map[string][]int // indices into Examples, disjoint
	Problems []Problem
	Cleaning CleanStats
	Hash     string           // over ids, splits and raw captions
	Floor    map[string]Floor // by split; emojigram only
	unit     string           // text.unit
}

// loaded is what a format's loader returns.
type loaded struct {
	examples []Example
	official map[string][]string // split -> ids, where the data set has official splits
	problems []Problem
}

// kind is one format of data sets.
type kind struct {
	load    func(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*loaded, error)
	present func(s Settings) error // nil when there is nothing that the user must bring
}

// kinds are the formats by their name in data.format.
var kinds = map[string]kind{
	"emojigram": {load: func(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*loaded, error) {
		examples, err := loadEmojigram(ctx, s, cacheDir, log)
		return &loaded{examples: examples}, err
	}},
	"flickr8k": {load: loadFlickr8k, present: flickr8kPresent},
	"instagram": {load: func(_ context.Context, s Settings, _ string, _ io.Writer) (*loaded, error) {
		return nil, instagramUnread(s)
	}, present: instagramUnread},
}

// Present checks, without reading it, that the data set is where the settings say. The error says what to get and
// where to put it.
func Present(s Settings) error {
	if present := kinds[s.Format].present; present != nil {
		return present(s)
	}
	return nil
}

// Load reads or generates the data set, splits it by image, applies the limits and cleans the captions.
func Load(ctx context.Context, s Settings, clean CleanSettings, unit, cacheDir string, log io.Writer) (*Dataset, error) {
	k, ok := kinds[s.Format]
	if !ok {
		return nil, fmt.Errorf("data.format: unknown format %q; known are %s", s.Format, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	l, err := k.load(ctx, s, cacheDir, log)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: s.Format, Examples: l.examples, Problems: l.problems, unit: unit}
	if err := d.split(s, l); err != nil {
		return nil, err
	}
	d.limit(s)
	if k.present != nil { // what captionlab makes itself has no such pictures
		if err := d.warnIdentical(ctx); err != nil {
			return nil, err
		}
	}
	d.clean(clean, unit)
	d.Hash = d.hash()
	if s.Format == "emojigram" {
		d.Floor = map[string]Floor{}
		for split, at := range d.Splits {
			if split != Train && len(at) > 0 { // the floor of what is measured without dropout
				d.Floor[split] = emojigramFloor(s.Emojigram, clean, unit, at)
			}
		}
	}
	return d, nil
}

// Pictures returns the indices of the pictures of some splits.
func (d *Dataset) Pictures(splits ...string) []int {
	var at []int
	for _, split := range splits {
		at = append(at, d.Splits[split]...)
	}
	return at
}

func (d *Dataset) pick(at []int) []Example {
	out := make([]Example, len(at))
	for n, i := range at {
		out[n] = d.Examples[i]
	}
	return out
}

// limit cuts captions an image, and the splits to their limits.
func (d *Dataset) limit(s Settings) {
	if k := s.CaptionsPerImage; k > 0 {
		for n := range d.Examples {
			d.Examples[n].Captions = d.Examples[n].Captions[:min(k, len(d.Examples[n].Captions))]
		}
	}
	for split, limit := range map[string]int{Train: s.Limit, Validation: s.EvalLimit, Test: s.EvalLimit} {
		if limit > 0 && len(d.Splits[split]) > limit {
			d.Splits[split] = nested(d.pick(d.Splits[split]), d.Splits[split], limit, s.SplitSeed)
		}
	}
}

// clean fills in each caption's Text; captions that are dropped, and pictures left without one, are problems.
func (d *Dataset) clean(s CleanSettings, unit string) {
	used := map[int]bool{}
	for _, at := range d.Splits {
		for _, n := range at {
			used[n] = true
		}
	}
	for n := range d.Examples {
		if !used[n] {
			continue
		}
		e := &d.Examples[n]
		kept := make([]Caption, 0, len(e.Captions))
		for _, c := range e.Captions {
			if !utf8.ValidString(c.Raw) {
				d.Problems = append(d.Problems, problemAt(c.Source, fmt.Sprintf("not UTF-8: bytes replaced in %.40q", c.Raw)))
			}
			text, stats := Clean(c.Raw, s, unit)
			d.Cleaning = d.Cleaning.plus(stats)
			if c.Text = text; text != "" {
				kept = append(kept, c)
				continue
			}
			d.Problems = append(d.Problems, problemAt(c.Source, fmt.Sprintf("caption dropped: %s: %.40q", why(c.Raw, s, unit), c.Raw)))
		}
		e.Captions = kept
	}
	for _, split := range splitNames {
		at, ok := d.Splits[split]
		if !ok {
			continue
		}
		d.Splits[split] = slices.DeleteFunc(at, func(n int) bool {
			if len(d.Examples[n].Captions) > 0 {
				return false
			}
			d.Problems = append(d.Problems, Problem{File: d.Examples[n].ID, Reason: "picture left out: it has no caption"})
			return true
		})
	}
}

// why says why cleaning left nothing of a caption.
func why(raw string, s CleanSettings, unit string) string {
	s.OverLength = "truncate"
	if text, _ := Clean(raw, s, unit); text != "" {
		return fmt.Sprintf("longer than text.max_length = %d", s.MaxLength)
	}
	return "cleaning leaves nothing of it"
}

func (d *Dataset) hash() string {
	h := sha256.New()
	for _, split := range splitNames {
		fmt.Fprintf(h, "%s\n", split)
		for _, n := range d.Splits[split] {
			e := d.Examples[n]
			fmt.Fprintf(h, "%q\n", e.ID)
			for _, c := range e.Captions {
				fmt.Fprintf(h, "\t%q\n", c.Raw)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
