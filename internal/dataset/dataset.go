// Package dataset loads pictures with captions, cleans the captions and splits the pictures.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// The splits.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

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
}

// loaded is what a format's loader returns.
type loaded struct {
	examples []Example
	official map[string][]string // split -> ids, where the data set has official splits
	problems []Problem
}

// kinds are the formats by their name in data.format.
var kinds = map[string]func(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*loaded, error){
	"emojigram": func(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*loaded, error) {
		examples, err := loadEmojigram(ctx, s, cacheDir, log)
		return &loaded{examples: examples}, err
	},
	"flickr8k": loadFlickr8k,
	"instagram": func(_ context.Context, s Settings, _ string, _ io.Writer) (*loaded, error) {
		return nil, instagramUnread(s)
	},
}

// Present checks, without reading it, that the data set is where the settings say.
func Present(s Settings) error {
	switch s.Format {
	case "flickr8k":
		return flickr8kPresent(s)
	case "instagram":
		return instagramUnread(s)
	}
	return nil
}

// Load reads or generates the data set, splits it by image, applies the limits and cleans the captions.
func Load(ctx context.Context, s Settings, clean CleanSettings, unit, cacheDir string, log io.Writer) (*Dataset, error) {
	load, ok := kinds[s.Format]
	if !ok {
		var names []string
		for name := range kinds {
			names = append(names, name)
		}
		sort.Strings(names)
		return nil, fmt.Errorf("data.format: unknown format %q; known are %s", s.Format, strings.Join(names, ", "))
	}
	l, err := load(ctx, s, cacheDir, log)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: s.Format, Examples: l.examples, Problems: l.problems}
	if err := d.split(s, l); err != nil {
		return nil, err
	}
	d.limit(s)
	d.clean(clean, unit)
	d.Hash = d.hash()
	if s.Format == "emojigram" {
		d.Floor = map[string]Floor{}
		for split, at := range d.Splits {
			if split != Train { // the floor of what is measured without dropout
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
			text, stats := Clean(c.Raw, s, unit)
			d.Cleaning = d.Cleaning.plus(stats)
			if c.Text = text; text != "" {
				kept = append(kept, c)
				continue
			}
			d.Problems = append(d.Problems, Problem{File: c.Source, Reason: fmt.Sprintf("caption dropped: nothing is left of it, or it is too long: %.40q", c.Raw)})
		}
		e.Captions = kept
	}
	for split, at := range d.Splits {
		d.Splits[split] = slices.DeleteFunc(at, func(n int) bool {
			if len(d.Examples[n].Captions) > 0 {
				return false
			}
			d.Problems = append(d.Problems, Problem{File: d.Examples[n].ID, Reason: "picture left out: it has no caption"})
			return true
		})
	}
}

func (d *Dataset) hash() string {
	h := sha256.New()
	for _, split := range []string{Train, Validation, Test} {
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
