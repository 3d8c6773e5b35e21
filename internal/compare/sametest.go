package compare

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

// leastShared is the share of pictures, with the same references, that a run must have in common with the baseline.
const leastShared = 0.5

// splitSeed is the key that says which pictures a run holds out, where the data are split at random.
const splitSeed = "data.split_seed"

// sameTest keeps the runs that are tested on the baseline's pictures, or else the first run's, and of every run the
// pictures that all have, with the same references: cleaning may leave a picture without a caption. The training data
// may differ: that is what a study of the data set's size changes.
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
	if n := slices.IndexFunc(runs, func(r *Run) bool { return !r.Whole() }); n >= 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s was made by a version that kept the cleaned references only: all captions are scored against these here, "+
			"so the scores differ from those of the runs' own reports.", runs[n].Name))
		for _, r := range runs {
			for i := range r.Predictions {
				r.Predictions[i].ScoredReferences = nil
			}
			delete(r.Figures, meteor)
		}
	}
	var kept []*Run
	otherSplits := false
	common, most := first.tests(), 0
	for _, r := range runs {
		tests := r.tests()
		shared := 0
		for id, references := range first.tests() {
			if tests[id] == references {
				shared++
			}
		}
		if float64(shared) < leastShared*float64(max(len(tests), len(first.Predictions))) {
			reason, pictures := otherTest(first, r, c.Split)
			c.leaveOut(r, reason)
			otherSplits = otherSplits || pictures && r.Settings[splitSeed] != first.Settings[splitSeed]
			continue
		}
		r.tested = r.fingerprint(scored)
		kept, most = append(kept, r), max(most, len(tests))
		for id, references := range common {
			if tests[id] != references {
				delete(common, id)
			}
		}
	}
	if otherSplits {
		c.Notes = append(c.Notes, fmt.Sprintf("Only runs of one split, %s = %s, are compared: others hold out other pictures, on which no caption can be compared with these. "+
			"A study's table, study.md, has the means over all its seeds.", splitSeed, first.Settings[splitSeed]))
	}
	if len(common) < 2 {
		for _, r := range kept {
			c.leaveOut(r, "there are no two pictures that all runs have with the same references")
		}
		return nil
	}
	if len(common) < most {
		c.Notes = append(c.Notes, fmt.Sprintf("Not all runs are tested on the same: %d of up to %d pictures, those that all runs have with the same references, are compared here, "+
			"so the scores differ from those of the runs' own reports.", len(common), most))
	}
	for _, r := range kept {
		all := len(r.Predictions)
		r.Predictions = slices.DeleteFunc(r.Predictions, func(p runfolder.Prediction) bool { _, ok := common[p.ImageID]; return !ok })
		if len(r.Predictions) < all {
			delete(r.Figures, meteor)
		}
	}
	return kept
}

func scored(p runfolder.Prediction) []string {
	references, _ := p.Scored()
	return references
}

// tests are the run's pictures with their references.
func (r *Run) tests() map[string]string {
	tests := make(map[string]string, len(r.Predictions))
	for _, p := range r.Predictions {
		tests[p.ImageID] = fmt.Sprintf("%q", scored(p))
	}
	return tests
}

// otherTest says how a run's test differs, and whether it is of other pictures.
func otherTest(first, r *Run, split string) (reason string, pictures bool) {
	known := first.tests()
	shared := 0
	for _, p := range r.Predictions {
		if _, ok := known[p.ImageID]; ok {
			shared++
		}
	}
	if float64(shared) < leastShared*float64(max(len(r.Predictions), len(known))) {
		return fmt.Sprintf("other pictures: %d %s pictures, of which %d are among the %d of %s", len(r.Predictions), split, shared,
			len(known), first.Name), true
	}
	const key = "evaluation.references"
	if a, b := first.Settings[key], r.Settings[key]; a != b {
		return fmt.Sprintf("scored against other references: %s = %s, that of %s is %s", key, b, first.Name, a), false
	}
	return fmt.Sprintf("the pictures are those of %s, but their reference captions are not", first.Name), false
}

// measured are the metrics of a comparison: CIDEr-D, which seldom differs from CIDEr, where a run asks for it.
func measured(runs []*Run) []string {
	if slices.ContainsFunc(runs, func(r *Run) bool { return strings.Contains(r.Settings["evaluation.metrics"], `"cider_d"`) }) {
		return append(slices.Clone(metrics), "cider_d")
	}
	return metrics
}

// measure scores every run's captions anew, and draws the pictures for the bootstrap.
func (c *Comparison) measure(ctx context.Context, runs []*Run, b score.Bootstrap) error {
	metrics := measured(runs)
	for _, r := range runs {
		images := make([]score.Image, len(r.Predictions))
		for n, p := range r.Predictions {
			images[n] = score.Image{ID: p.ImageID, Candidate: p.Caption, References: scored(p)}
		}
		var err error
		if r.Scores, err = score.Measure(ctx, images, score.Options{Metrics: metrics}); err != nil {
			return fmt.Errorf("captions of %s: %w", filepath.Base(r.Dir), err)
		}
		if r.draws, err = r.Scores.Resample(ctx, b); err != nil {
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
