package compare

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

// sameTest keeps the runs that are tested on the same pictures against the same references as the baseline, or else as
// the first run. The training data may differ: that is what a study of the data set's size changes.
//
// Runs that kept only the cleaned references make all be compared on these.
func (c *Comparison) sameTest(runs []*Run, baseline string) []*Run {
	if len(runs) == 0 {
		return nil
	}
	first := runs[0]
	if n := slices.IndexFunc(runs, func(r *Run) bool { return r.Dir == baseline }); n >= 0 {
		first = runs[n]
	}
	references := func(p runfolder.Prediction) []string { r, _ := p.Scored(); return r }
	if n := slices.IndexFunc(runs, func(r *Run) bool { return !r.Whole() }); n >= 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s was made by a version that kept the cleaned references only: all captions are scored against these here, "+
			"so the scores differ from those of the runs' own reports.", runs[n].Name))
		for _, r := range runs {
			for i := range r.Predictions {
				r.Predictions[i].ScoredReferences = nil
			}
		}
	}
	var kept []*Run
	want := first.fingerprint(references)
	for _, r := range runs {
		if r.fingerprint(references) == want {
			kept = append(kept, r)
			continue
		}
		c.leaveOut(r, otherTest(first, r, c.Split))
	}
	return kept
}

// otherTest says how a run's test differs.
func otherTest(first, r *Run, split string) string {
	known := map[string]bool{}
	for _, p := range first.Predictions {
		known[p.ImageID] = true
	}
	shared := 0
	for _, p := range r.Predictions {
		if known[p.ImageID] {
			shared++
		}
	}
	if shared != len(first.Predictions) || shared != len(r.Predictions) {
		return fmt.Sprintf("other pictures: %d %s pictures, of which %d are among the %d of %s", len(r.Predictions), split, shared,
			len(first.Predictions), first.Name)
	}
	const key = "evaluation.references"
	if a, b := first.Settings[key], r.Settings[key]; a != b {
		return fmt.Sprintf("scored against other references: %s = %s, that of %s is %s", key, b, first.Name, a)
	}
	return fmt.Sprintf("the pictures are those of %s, but their reference captions are not", first.Name)
}

// measure scores every run's captions anew, and draws the pictures for the bootstrap.
func (c *Comparison) measure(ctx context.Context, runs []*Run, b score.Bootstrap) error {
	for _, r := range runs {
		images := make([]score.Image, len(r.Predictions))
		for n, p := range r.Predictions {
			references, _ := p.Scored()
			images[n] = score.Image{ID: p.ImageID, Candidate: p.Caption, References: references}
		}
		var err error
		if r.Scores, err = score.Measure(ctx, images, score.Options{Metrics: metrics}); err != nil {
			return fmt.Errorf("captions of %s: %w", filepath.Base(r.Dir), err)
		}
		if r.draws, err = r.Scores.Resample(b); err != nil {
			return err
		}
		for _, m := range r.Scores.Metrics {
			r.Figures[m.Name] = m.Corpus
		}
	}
	for _, m := range runs[0].Scores.Metrics {
		c.Columns = append(c.Columns, Column{Name: m.Name, Kind: Metric, Signature: m.Signature})
	}
	for _, col := range columns {
		if slices.ContainsFunc(runs, func(r *Run) bool { _, ok := r.Figures[col.Name]; return ok }) {
			c.Columns = append(c.Columns, col)
		}
	}
	return nil
}
