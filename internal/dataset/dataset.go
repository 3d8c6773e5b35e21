// Package dataset loads pictures with captions, cleans the captions and splits the pictures.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
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
	Objects  []Object // what a generator put into the picture, nil where nobody knows
}

// Object is a thing in a picture and its place. X and Y (its centre) and Size are shares of the picture's width and height.
type Object struct {
	Names      []string // an emoji, and the nouns that captions have for it
	X, Y, Size float64
}

// Covers reports whether the object's box has a point, in shares of the picture's width and height.
func (o Object) Covers(x, y float64) bool {
	return math.Abs(x-o.X) <= o.Size/2 && math.Abs(y-o.Y) <= o.Size/2
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
	TooLong  []Caption // dropped for their length
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
	sizes    []int64 // of the pictures' files, in bytes; nil where captionlab makes them
}

// kind is one format of data sets: made by captionlab itself, or read from files.
type kind struct {
	generate func(ctx context.Context, s Settings, cacheDir string, log io.Writer) ([]Example, error)
	adapter
}

// kinds are the formats by their name in data.format.
var kinds = map[string]kind{
	"emojigram":  {generate: loadEmojigram},
	"flickr8k":   {adapter: flickr8k},
	"flickr30k":  {adapter: flickr30k},
	"karpathy":   {adapter: karpathy},
	"coco":       {adapter: coco},
	"instagram":  {adapter: instagram},
	"instapic":   {adapter: instapic},
	"conceptual": {adapter: conceptual},
	"csv":        {adapter: csvFormat},
	"jsonl":      {adapter: jsonl},
	"folder":     {adapter: folder},
	"stamps":     {adapter: stamps},
}

func formatNames() []string { return slices.Sorted(maps.Keys(kinds)) }

// resolved is the settings with the format that data.format = "auto" means where there is no folder.
func (s Settings) resolved() (Settings, error) {
	if (s.Format == "auto" || s.Format == "") && s.Root == "" {
		s.Format = "emojigram"
	} else if s.Format == "" {
		s.Format = "auto"
	}
	if s.Encoding == "" {
		s.Encoding = "auto"
	}
	if _, ok := kinds[s.Format]; !ok && s.Format != "auto" {
		return s, fmt.Errorf("data.format: unknown format %q; known are auto, %s", s.Format, strings.Join(formatNames(), ", "))
	}
	return s, nil
}

// Present checks, without reading it, that the data set is where the settings say. The error says what to get and
// where to put it.
func Present(s Settings) error {
	s, err := s.resolved()
	if err == nil && s.Split == "file" {
		err = splitFilePresent(s)
	}
	if err != nil || kinds[s.Format].generate != nil {
		return err
	}
	return withSource(s, func(a adapter, f *source, _ string) error { return a.present(f) })
}

// Load reads or generates the data set, splits it by image, applies the limits and cleans the captions.
func Load(ctx context.Context, s Settings, clean CleanSettings, unit, cacheDir string, log io.Writer) (*Dataset, error) {
	s, err := s.resolved()
	if err != nil {
		return nil, err
	}
	l := &loaded{}
	if generate := kinds[s.Format].generate; generate != nil {
		l.examples, err = generate(ctx, s, cacheDir, log)
	} else {
		err = withSource(s, func(a adapter, f *source, name string) (err error) {
			s.Format = name
			l, err = a.load(ctx, f)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: s.Format, Examples: l.examples, Problems: l.problems, unit: unit}
	written, err := d.split(ctx, s, l)
	if err != nil {
		return nil, err
	}
	cleaned := d.clean(clean, unit, s.CaptionsPerImage)
	d.limit(s)
	for _, split := range splitNames {
		for _, n := range d.Splits[split] {
			d.Cleaning = d.Cleaning.plus(cleaned[n].stats)
			d.TooLong = append(d.TooLong, cleaned[n].tooLong...)
			d.Problems = append(d.Problems, cleaned[n].problems...)
		}
	}
	if l.sizes != nil { // what captionlab makes itself has no such pictures
		if err := d.warnIdentical(ctx, l.sizes); err != nil {
			return nil, err
		}
	}
	d.Hash = d.hash()
	if written != "" && written != d.Hash && !s.limited() {
		d.Problems = append(d.Problems, Problem{File: s.SplitFile, Reason: fmt.Sprintf("warning: pictures or captions differ from those that the split was written for "+
			"(hash %.8s…, now %.8s…)", written, d.Hash)})
	}
	if s.Format == "emojigram" {
		d.Floor = map[string]Floor{}
		for split, at := range d.Splits {
			if split != Train && len(at) > 0 { // the floor of what is measured without dropout
				d.Floor[split] = emojigramFloor(s.Emojigram, clean, unit, at, func(n int) int { return len(d.Examples[n].Captions) })
			}
		}
	}
	return d, nil
}

func (d *Dataset) pick(at []int) []Example {
	out := make([]Example, len(at))
	for n, i := range at {
		out[n] = d.Examples[i]
	}
	return out
}

// limited reports whether only part of the captions or pictures is used.
func (s Settings) limited() bool {
	return s.Limit > 0 || s.EvalLimit > 0 || s.CaptionsPerImage > 0 || s.Fraction > 0 && s.Fraction < 1
}

// limit cuts the splits to their limits.
func (d *Dataset) limit(s Settings) {
	limits := map[string]int{Train: s.Limit, Validation: s.EvalLimit, Test: s.EvalLimit}
	if whole := len(d.Splits[Train]); s.Fraction > 0 && s.Fraction < 1 && whole > 0 {
		part := max(1, int(math.Round(s.Fraction*float64(whole))))
		if limits[Train] == 0 || part < limits[Train] {
			limits[Train] = part
		}
	}
	for split, limit := range limits {
		if limit > 0 && len(d.Splits[split]) > limit {
			d.Splits[split] = nested(d.pick(d.Splits[split]), d.Splits[split], limit, s.SplitSeed)
		}
	}
}

// cleaned is what cleaning did to a picture's captions.
type cleaned struct {
	stats    CleanStats
	tooLong  []Caption
	problems []Problem // dropped captions and repaired ones
}

// clean fills in each caption's Text, of the first perImage (0: all) of a picture that are not dropped. Pictures left without one
// leave their split, and are problems. It returns what it did to each picture.
func (d *Dataset) clean(s CleanSettings, unit string, perImage int) []cleaned {
	all := make([]cleaned, len(d.Examples))
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
		e, did := &d.Examples[n], &all[n]
		kept := make([]Caption, 0, len(e.Captions))
		for _, c := range e.Captions {
			if perImage > 0 && len(kept) == perImage {
				break
			}
			if !utf8.ValidString(c.Raw) {
				did.problems = append(did.problems, problemAt(c.Source, fmt.Sprintf("not UTF-8: bytes replaced in %.40q", c.Raw)))
			}
			text, stats := Clean(c.Raw, s, unit)
			did.stats = did.stats.plus(stats)
			if c.Text = text; text != "" {
				kept = append(kept, c)
				continue
			}
			reason, long := why(c.Raw, s, unit)
			if long {
				did.tooLong = append(did.tooLong, c)
			}
			did.problems = append(did.problems, problemAt(c.Source, fmt.Sprintf("caption dropped: %s: %.40q", reason, c.Raw)))
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
			d.Problems = append(append(d.Problems, all[n].problems...), Problem{File: d.Examples[n].ID, Reason: "picture left out: it has no caption"})
			d.TooLong = append(d.TooLong, all[n].tooLong...)
			return true
		})
	}
	return all
}

// why says why cleaning left nothing of a caption.
func why(raw string, s CleanSettings, unit string) (reason string, long bool) {
	s.OverLength = "truncate"
	if text, _ := Clean(raw, s, unit); text != "" {
		return fmt.Sprintf("longer than text.max_length = %d", s.MaxLength), true
	}
	return "cleaning leaves nothing of it", false
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
