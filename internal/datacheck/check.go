// Package datacheck looks for what is wrong with a data set before a model is trained on it.
package datacheck

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/token"
)

// splits in the order of reports.
var splits = []string{dataset.Train, dataset.Validation, dataset.Test}

// Request says what to check.
type Request struct {
	Data     *dataset.Dataset
	Root     string // folder that the pictures should lie in; "": wherever they are
	Clean    dataset.CleanSettings
	Token    token.Settings
	Pictures bool      // decode the pictures, and compare them by eye
	Log      io.Writer // progress; nil is silent
}

// Check counts and compares. Broken data is in the report; an error means that the check itself was stopped.
func Check(ctx context.Context, q Request) (*Report, error) {
	r := &Report{Format: q.Data.Name, Root: q.Root, Hash: q.Data.Hash, Rows: []Row{}, Shared: []Shared{}, Files: []string{}}
	for _, p := range q.Data.Problems {
		r.Rows = append(r.Rows, Row{p.File, p.Line, p.Reason})
	}
	for _, c := range q.Data.Cleaning.Counts() {
		r.Cleaning = append(r.Cleaning, Some{c.Name, c.Count})
	}
	r.readText(q)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.readPictures(ctx, q); err != nil {
		return nil, err
	}
	r.judge()
	return r, nil
}

// judge turns what was counted into findings.
func (r *Report) judge() {
	for _, s := range r.Splits {
		if s.Images > 0 {
			continue
		}
		if s.Split == dataset.Test {
			r.find(Note, "no_test_split", 1, "the test split has no picture")
		} else {
			r.find(Error, "empty_split", 1, "the %s split has no picture", s.Split)
		}
	}
	r.judgeGroups("identical", "byte for byte", r.Pictures.Identical)
	r.judgeGroups("near_identical", "to the eye", r.Pictures.Near)

	kinds := map[string]int{}
	for _, b := range r.Pictures.Broken {
		kinds[b.Kind]++
	}
	for _, k := range []struct{ kind, say string }{
		{"missing", "missing"}, {"empty", "an empty file"}, {"truncated", "cut off"}, {"too_large", "too large to decode"},
		{"not_a_picture", "no picture"}, {"outside", "a link that leads out of the data folder"}, {"unreadable", "unreadable"},
	} {
		r.find(Warning, "pictures_"+k.kind, kinds[k.kind], "%s: %s (a run stops there)", english.Plural(kinds[k.kind], "picture", ""), k.say)
	}
	r.find(Warning, "rows", len(r.Rows), "%s of the loader, as on rows that it repaired or left out", english.Plural(len(r.Rows), "remark", ""))
	if r.CaptionsPerImage.Min != r.CaptionsPerImage.Max {
		r.find(Note, "captions_per_image", 1, "%d to %d captions an image", r.CaptionsPerImage.Min, r.CaptionsPerImage.Max)
	}
	r.find(Note, "long_captions", r.Length.Over, "%s longer than text.max_length = %d", english.Plural(r.Length.Over, "caption", ""), r.Length.MaxLength)
	r.find(Warning, "broken_emoji", r.BrokenEmoji, "%s of emoji that were cut apart", english.Plural(r.BrokenEmoji, "fragment", ""))
	for _, s := range r.Shared {
		r.find(Note, "shared_captions", s.Captions, "the %s split shares %s (%d different) with the training split, word for word", s.Split, english.Plural(s.Captions, "caption", ""), s.Distinct)
	}
	p := r.Pictures
	r.find(Note, "cmyk", p.CMYK, "%s in CMYK: read as RGB", english.Plural(p.CMYK, "picture", ""))
	r.find(Note, "palette", p.Palette, "%s with a palette", english.Plural(p.Palette, "picture", ""))
	r.find(Note, "turned", p.Turned, "%s stored sideways or mirrored: turned upright by EXIF", english.Plural(p.Turned, "picture", ""))
	r.find(Note, "deep", p.Deep, "%s of 16 bits a channel: read as 8", english.Plural(p.Deep, "picture", ""))
	r.find(Note, "transparent", p.Through, "%s with transparent parts: shown on white", english.Plural(p.Through, "picture", ""))

	order := map[string]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return order[a.Severity] - order[b.Severity] })
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	r.OK = len(r.Errors()) == 0
}

// judgeGroups: the same picture in two splits is a leak, in one split a doubled example.
func (r *Report) judgeGroups(kind, say string, groups []Group) {
	leaks, doubles, pictures := 0, 0, 0
	for _, g := range groups {
		if g.Splits > 1 {
			leaks++
		} else {
			doubles++
			pictures += len(g.Pictures)
		}
	}
	r.find(Error, "leak_"+kind, leaks, "a leak: %s in more than one split, the same %s", pictureIs(leaks), say)
	severity := Warning
	if kind != "identical" {
		severity = Note
	}
	r.find(severity, kind, doubles, "%s of one split are the same %s, in %s", english.Plural(pictures, "picture", ""), say, english.Plural(doubles, "group", ""))
}

func pictureIs(n int) string {
	if n == 1 {
		return "1 picture is"
	}
	return fmt.Sprintf("%d pictures are", n)
}
