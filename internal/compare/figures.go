package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/captionlab/captionlab/internal/score"
)

// figures are each group's means, standard deviations and intervals.
func (c *Comparison) figures() error {
	for _, g := range c.Groups {
		g.Figures = map[string]Figure{}
		for _, col := range c.Columns {
			var values []float64
			for _, r := range g.Runs {
				if v, ok := r.Figures[col.Name]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				mean, sd := meanSD(values)
				g.Figures[col.Name] = Figure{Mean: mean, SD: sd, N: len(values)}
			}
		}
		intervals, err := score.GroupIntervals(g.draws())
		if err != nil {
			return fmt.Errorf("%s: %w", g.Name(), err)
		}
		for _, i := range intervals {
			f := g.Figures[i.Name]
			f.Interval, f.Low, f.High = true, i.Low, i.High
			g.Figures[i.Name] = f
		}
	}
	return nil
}

func (g *Group) draws() []*score.Draws {
	out := make([]*score.Draws, len(g.Runs))
	for n, r := range g.Runs {
		out[n] = r.draws
	}
	return out
}

// meanSD is the mean and the standard deviation of a sample; that of one value is 0.
func meanSD(values []float64) (mean, sd float64) {
	if len(values) < 2 {
		return stat.Mean(values, nil), 0
	}
	return stat.MeanStdDev(values, nil)
}

// leastPairs is how many seeds groups must share to be compared pair by pair: n pairs tell the seeds' variance by n-1 degrees of
// freedom, two groups of n runs by 2n-2, and fewer than 4 would call far too many differences real.
const leastPairs = 5

// difference compares two groups, pair by pair where both have the same seeds, each in one run.
func (c *Comparison) difference(a, b *Group) ([]score.Difference, error) {
	bySeeds := map[string]*Run{}
	for _, r := range b.Runs {
		bySeeds[c.seeds(r)] = r
	}
	var partners []*score.Draws
	for _, r := range a.Runs {
		if partner := bySeeds[c.seeds(r)]; partner != nil {
			partners = append(partners, partner.draws)
			delete(bySeeds, c.seeds(r))
		}
	}
	if n := len(partners); n >= leastPairs && n == len(a.Runs) && n == len(b.Runs) {
		return score.ComparePairs(a.draws(), partners)
	}
	return score.CompareGroups(a.draws(), b.draws())
}

// seeds are a run's seeds as one text.
func (c *Comparison) seeds(r *Run) string {
	seeds, text := c.Seeds(r), ""
	for _, key := range slices.Sorted(maps.Keys(seeds)) {
		text += key + "=" + seeds[key] + " "
	}
	return text
}

// differences compares every group with the baseline.
func (c *Comparison) differences() error {
	base := c.Groups[c.Baseline]
	for n, g := range c.Groups {
		if n == c.Baseline {
			continue
		}
		all, err := c.difference(g, base)
		if err != nil {
			return fmt.Errorf("%s against %s: %w", g.Name(), base.Name(), err)
		}
		for _, d := range all {
			c.Differences = append(c.Differences, Difference{n, d})
		}
	}
	return nil
}

// sameUnknown is a difference in the share of unknown tokens that a loss a character doesn't show: an unknown token stands for
// text that a model need not predict.
const sameUnknown = 0.001

// leavesOut are the settings by which a run's tokenizer loses some of the text, as case and punctuation; "" where it keeps all.
func (r *Run) leavesOut() string {
	kind := Bare(r.Settings["text.tokenizer"])
	if kind != "word" && kind != "ptb" {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(r.Settings)) {
		if strings.HasPrefix(key, "text.words.") {
			kind += " " + r.Settings[key]
		}
	}
	return kind
}

// Comparable says whether two groups' figures in a column are of the same thing.
func (c *Comparison) Comparable(col Column, a, b *Group) bool {
	x, y := a.Runs[0], b.Runs[0]
	switch col.Kind {
	case PerCharacter:
		return x.cleaned == y.cleaned && x.Settings["text.unit"] == y.Settings["text.unit"] && x.leavesOut() == y.leavesOut() &&
			math.Abs(x.unknown-y.unknown) < sameUnknown
	case PerToken:
		return x.cleaned == y.cleaned && x.Info.Hashes["vocabulary"] == y.Info.Hashes["vocabulary"] &&
			x.Settings["training.padding"] == y.Settings["training.padding"]
	case Cost:
		return x.Info.Host == y.Info.Host && x.Info.Device == y.Info.Device
	}
	return col.Signature != "" || x.tested == y.tested // what is computed here is of the same pictures
}

// remark collects what a reader must know.
func (c *Comparison) remark() {
	for _, kind := range []struct {
		kind          Kind
		figures, what string
	}{
		{PerCharacter, "Losses a character", "the captions were cleaned in other ways, a tokenizer leaves some of the text out, or more of it is unknown to a vocabulary"},
		{PerToken, "Losses and accuracies a token", "they predict other tokens (vocabulary, cleaning or padding)"},
		{Cost, "Times", "they ran on another machine or device"},
	} {
		var others []string
		for _, g := range c.Groups {
			if !c.Comparable(Column{Kind: kind.kind}, c.Groups[c.Baseline], g) {
				others = append(others, g.Tag)
			}
		}
		if len(others) > 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("%s of %s can't be compared with the baseline's: %s. They are marked *.", kind.figures,
				list(others), kind.what))
		}
	}
	commits := map[string]bool{}
	for _, r := range c.Runs() {
		for _, p := range r.Info.Processes() {
			commits[p.Commit()] = true
		}
	}
	if len(commits) > 1 {
		c.Notes = append(c.Notes, fmt.Sprintf("The runs were made from %d states of the code: see the table of runs.", len(commits)))
	}
	if n := slices.IndexFunc(c.Groups, func(g *Group) bool { return len(g.Runs) > 1 }); n < 0 {
		c.Notes = append(c.Notes, "Every configuration was run with one seed: the intervals say what other pictures would change, not what another seed would.")
	} else if n := slices.IndexFunc(c.Groups, func(g *Group) bool { return len(g.Runs) == 1 }); n >= 0 {
		var single []string
		for _, g := range c.Groups {
			if len(g.Runs) == 1 {
				single = append(single, g.Tag)
			}
		}
		c.Notes = append(c.Notes, fmt.Sprintf("%s ran with one seed: what another seed would change is not in the intervals.", list(single)))
	}
	if few := score.FewImages(len(c.Groups[0].Runs[0].Predictions)); few != "" {
		c.Notes = append(c.Notes, few)
	}
	if tests := len(c.Differences); tests > 20 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d differences are looked at, each with a 95 %% interval: of twenty where there is none, about one is called a difference by chance, more with few seeds.", tests))
	}
}

// list writes A, B and C.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
