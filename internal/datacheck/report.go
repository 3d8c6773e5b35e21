package datacheck

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/captionlab/captionlab/internal/dataset"
)

// Severities of findings.
const (
	Error   = "error"   // makes results wrong: a leak, an empty split
	Warning = "warning" // worth a look: what is missing, broken or doubled
	Note    = "note"    // good to know
)

// Finding is one thing that was found, in words and, for machines, by a fixed name.
type Finding struct {
	Severity string `json:"severity"` // error, warning, note
	Kind     string `json:"kind"`     // such as leak_identical, empty_split, pictures_truncated
	Count    int    `json:"count"`    // of what the message speaks of
	Message  string `json:"message"`
}

// Report is all that a check found. Its JSON is what `captionlab data check --json` prints.
type Report struct {
	Config string `json:"config"` // path
	Format string `json:"format"` // data.format
	Root   string `json:"root"`   // data.root; empty for what captionlab makes itself
	Hash   string `json:"data_hash"`
	OK     bool   `json:"ok"` // no finding is an error

	Findings []Finding `json:"findings"` // errors first, then warnings, then notes

	Splits           []Split `json:"splits"`
	Images           int     `json:"images"`             // of all splits
	Captions         int     `json:"captions"`           // cleaned ones, of all splits
	DistinctCaptions int     `json:"distinct_captions"`  // after cleaning
	CaptionsPerImage Spread  `json:"captions_per_image"` //
	Length           Lengths `json:"length"`

	Characters  Tally  `json:"characters"`   // after cleaning; a space is one
	Emoji       Tally  `json:"emoji"`        // whole ones, after UTS #51; those of several code points count as one
	BrokenEmoji int    `json:"broken_emoji"` // fragments of sequences
	Words       Words  `json:"words"`
	Cleaning    []Some `json:"cleaning"` // what cleaning did, counted

	Rows   []Row    `json:"rows"`            // repaired and dropped rows and pictures, every remark of the loader
	Shared []Shared `json:"shared_captions"` // captions that two splits have

	Pictures Pictures `json:"pictures"`
	Files    []string `json:"files"` // that the check wrote
}

// Split counts one split.
type Split struct {
	Split    string `json:"split"`
	Images   int    `json:"images"`
	Captions int    `json:"captions"`
}

// Spread describes a distribution of whole numbers.
type Spread struct {
	Min    int     `json:"min"`
	Mean   float64 `json:"mean"`
	Median int     `json:"median"`
	P95    int     `json:"p95"` // 95 % are at most so large
	Max    int     `json:"max"`
}

// Lengths are the captions' lengths in text.unit, cleaned but not yet cut to text.max_length, nor dropped for it.
type Lengths struct {
	Unit      string `json:"unit"`
	Spread    Spread `json:"spread"`
	MaxLength int    `json:"max_length"` // text.max_length
	Over      int    `json:"over"`       // captions longer than that
	Bins      []Bin  `json:"histogram"`
}

// Bin counts the captions whose length is From to To, both included.
type Bin struct {
	From  int `json:"from"`
	To    int `json:"to"`
	Count int `json:"count"`
}

// Some is one thing with its count.
type Some struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Tally counts things of one sort.
type Tally struct {
	Distinct int    `json:"distinct"`
	Total    int    `json:"total"`
	Counts   []Some `json:"counts"` // the most frequent first
}

// Words describes the word vocabulary: what text.tokenizer = "word" would see.
type Words struct {
	Distinct  int         `json:"distinct"` // in the training split
	Total     int         `json:"total"`    // there
	Once      int         `json:"seen_once"`
	FiveTimes int         `json:"seen_five_times"` // at least: the vocabulary at text.min_count = 5
	Counts    []Some      `json:"counts"`          // the most frequent 100
	Unknown   []WordShare `json:"unknown"`         // of the other splits
}

// WordShare says how many words of a split the training split never has.
type WordShare struct {
	Split   string `json:"split"`
	Total   int    `json:"total"`
	Unknown int    `json:"unknown"`
}

// Row is a row or a picture that was repaired or left out.
type Row struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

// String is file:line: reason.
func (r Row) String() string {
	return dataset.Problem{File: r.File, Line: r.Line, Reason: r.Reason}.String()
}

// Shared counts what a held-out split has in common with the training split.
type Shared struct {
	Split    string   `json:"split"`    // with the training split
	Captions int      `json:"captions"` // of this split whose text the training split has too
	Distinct int      `json:"distinct"` // texts
	Examples []string `json:"examples"` // the most frequent three
}

// Place is a picture by its id, its file and its split.
type Place struct {
	ID    string `json:"id"`
	Path  string `json:"path"`
	Split string `json:"split"`
}

// Broken is a picture that can't be used.
type Broken struct {
	Place
	Kind   string `json:"kind"` // missing, empty, truncated, too_large, not_a_picture, outside, unreadable
	Reason string `json:"reason"`
}

// Group is pictures that are the same, byte for byte or to the eye.
type Group struct {
	Pictures []Place `json:"pictures"`
	Splits   int     `json:"splits"`             // that they lie in: more than one is a leak
	Bits     int     `json:"distance,omitempty"` // near-identical ones: the largest Hamming distance that links them
}

// Pictures is what the files say. Without decoding, only files are looked for and compared byte for byte.
type Pictures struct {
	Decoded   bool     `json:"decoded"`
	Whole     int      `json:"whole"` // pictures that could be decoded
	Formats   []Some   `json:"formats"`
	Smallest  [2]int   `json:"smallest"` // width and height, upright, of the one with the fewest pixels
	Largest   [2]int   `json:"largest"`
	CMYK      int      `json:"cmyk"`
	Palette   int      `json:"palette"`
	Turned    int      `json:"turned"` // stored another way up than seen, by EXIF
	Deep      int      `json:"deep"`   // 16 bits a channel
	Through   int      `json:"transparent"`
	Broken    []Broken `json:"broken"`
	Identical []Group  `json:"identical"`
	Near      []Group  `json:"near_identical"`
}

func (r *Report) find(severity, kind string, count int, format string, args ...any) {
	if count > 0 {
		r.Findings = append(r.Findings, Finding{severity, kind, count, fmt.Sprintf(format, args...)})
	}
}

// Errors are the findings that make results wrong.
func (r *Report) Errors() []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Severity == Error {
			out = append(out, f)
		}
	}
	return out
}

// JSON is the report for machines, indented, with a line feed at its end.
func (r *Report) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(r)
	return b.Bytes(), err
}
