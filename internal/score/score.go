// Package score measures captions against reference captions: coco-caption's metrics and chrF, over strings.
package score

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/captionlab/captionlab/internal/ptb"
)

// Image is one image: the caption to be scored and the captions that people wrote.
type Image struct {
	ID         string
	Candidate  string
	References []string
}

// kind is a metric, or several that are computed in one go.
type kind struct {
	names   []string // of its scores
	asked   bool     // only where it is asked for by name
	measure func(ctx context.Context, s *set) (*measured, error)
	// signature says what was computed, for one of the names.
	signature func(name string, s *set) string
}

// kinds are the metrics. Those whose names differ in a digit are one kind.
var kinds = map[string]kind{
	"bleu":        {names: []string{"bleu_1", "bleu_2", "bleu_3", "bleu_4"}, measure: measureBLEU, signature: signBLEU},
	"meteor":      {names: []string{"meteor"}, measure: measureMETEOR, signature: signMETEOR},
	"rouge_l":     {names: []string{"rouge_l"}, measure: measureROUGE, signature: signROUGE},
	"cider":       {names: []string{"cider"}, measure: measureCIDErD, signature: signCIDEr},
	"cider_d":     {names: []string{"cider_d"}, measure: measureCIDErD, signature: signCIDEr},
	"cider_plain": {names: []string{"cider_plain"}, asked: true, measure: measureCIDErPlain, signature: signCIDEr},
	"chrf":        {names: []string{"chrf"}, measure: measureCHRF, signature: signCHRF},
}

// order is how metrics are listed: as coco-caption lists them.
var order = []string{"bleu", "meteor", "rouge_l", "cider", "cider_d", "cider_plain", "chrf"}

// measured is what a metric found: for every image a row of sufficient statistics. The scores of one image are made
// of its row, those of a corpus of the rows' sum.
type measured struct {
	width  int
	rows   []float64 // [images, width]
	finish func(sum []float64, images float64, scores []float64)
}

// mean is the finish of metrics whose corpus score is the mean of the images' scores.
func mean(sum []float64, images float64, scores []float64) { scores[0] = sum[0] / images }

// Options say what is computed.
type Options struct {
	Metrics []string // names, or kinds' names such as bleu; empty: all, but METEOR only where it can run
	METEOR  *METEOR  // nil: METEOR can't run here
}

// Metric is one score of a corpus and of its images.
type Metric struct {
	Name      string
	Signature string
	Corpus    float64
	Images    []float64 // in the order of the images

	measured *measured
	column   int
}

// Scores are the metrics of one system's captions.
type Scores struct {
	IDs     []string
	Metrics []Metric
}

// Get returns a metric by its name.
func (s *Scores) Get(name string) (Metric, bool) {
	n := slices.IndexFunc(s.Metrics, func(m Metric) bool { return m.Name == name })
	if n < 0 {
		return Metric{}, false
	}
	return s.Metrics[n], true
}

// Names are the names of all metrics, in the order in which they are listed.
func Names() (names []string) {
	for _, k := range order {
		names = append(names, kinds[k].names...)
	}
	return names
}

// Known are the names that Options.Metrics may hold: those of the metrics, and bleu for four of them.
func Known() []string {
	names := Names()
	for name := range kinds {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Prepare builds the tokenizer, which Measure does where it was not called: while files are read it costs no time.
func Prepare() { ptb.Tokenize("") }

// Measure scores captions. Captions are tokenized once, in the images' order; the scores do not depend on the number
// of processors. Empty captions have scores (0, but for references that are empty too); text that is not UTF-8, an
// image without references and an ID that stands twice are errors.
func Measure(ctx context.Context, images []Image, o Options) (*Scores, error) {
	wanted, err := chosen(o)
	if err != nil {
		return nil, err
	}
	s, err := newSet(images, o.METEOR)
	if err != nil {
		return nil, err
	}
	out := &Scores{IDs: make([]string, len(images))}
	for n, image := range images {
		out.IDs[n] = image.ID
	}
	done := map[string]*measured{} // by the function's results that kinds share
	for _, name := range order {
		k := kinds[name]
		var names []string
		for _, n := range k.names {
			if wanted[n] {
				names = append(names, n)
			}
		}
		if len(names) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := done[name]
		if name == "cider_d" {
			m = done["cider"] // the same numbers under the two names that they are known by
		}
		if m == nil {
			if m, err = k.measure(ctx, s); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		done[name] = m
		for _, n := range names {
			out.Metrics = append(out.Metrics, m.metric(n, slices.Index(k.names, n), len(k.names), len(images), k.signature(n, s)))
		}
	}
	return out, nil
}

// metric reads one column of what was measured.
func (m *measured) metric(name string, column, columns, images int, signature string) Metric {
	out := Metric{Name: name, Signature: signature, Images: make([]float64, images), measured: m, column: column}
	scores := make([]float64, columns)
	sum := make([]float64, m.width)
	for n := range images {
		row := m.rows[n*m.width : (n+1)*m.width]
		m.finish(row, 1, scores)
		out.Images[n] = scores[column]
		for at, v := range row {
			sum[at] += v
		}
	}
	m.finish(sum, float64(images), scores)
	out.Corpus = scores[column]
	return out
}

// chosen are the names of the metrics that are asked for.
func chosen(o Options) (map[string]bool, error) {
	wanted := map[string]bool{}
	if len(o.Metrics) == 0 {
		for name, k := range kinds {
			for _, n := range k.names {
				wanted[n] = !k.asked && (name != "meteor" || o.METEOR != nil)
			}
		}
		return wanted, nil
	}
	for _, name := range o.Metrics {
		switch {
		case kinds[name].names != nil:
			for _, n := range kinds[name].names {
				wanted[n] = true
			}
		case slices.Contains(Names(), name):
			wanted[name] = true
		default:
			return nil, fmt.Errorf("unknown metric %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")+", bleu_1 to bleu_4")
		}
	}
	if wanted["meteor"] && o.METEOR == nil {
		return nil, errors.New("meteor: it needs Java and meteor-1.5.jar, which are not here")
	}
	return wanted, nil
}

// check refuses what has no score.
func check(images []Image) error {
	if len(images) == 0 {
		return errors.New("no images to score")
	}
	seen := make(map[string]bool, len(images))
	for _, image := range images {
		if seen[image.ID] {
			return fmt.Errorf("image %q stands twice", image.ID)
		}
		seen[image.ID] = true
		if len(image.References) == 0 {
			return fmt.Errorf("image %q has no references", image.ID)
		}
		if !utf8.ValidString(image.Candidate) {
			return fmt.Errorf("image %q: the candidate %.40q is not valid UTF-8", image.ID, image.Candidate)
		}
		for _, r := range image.References {
			if !utf8.ValidString(r) {
				return fmt.Errorf("image %q: the reference %.40q is not valid UTF-8", image.ID, r)
			}
		}
	}
	return nil
}

// signature writes key:value pairs as sacreBLEU does: metric|variant:…|tok:…|nrefs:…|version:….
func signature(metric string, s *set, version string, pairs ...string) string {
	parts := append([]string{metric, "nrefs:" + s.nrefs()}, pairs...)
	return strings.Join(append(parts, "version:"+version), "|")
}
