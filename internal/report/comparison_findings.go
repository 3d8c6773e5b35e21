package report

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/compare"
)

// leading is the metric that findings speak of first.
const leading = "cider"

// manyGroups is from how many groups on findings count instead of naming each.
const manyGroups = 8

// findings say in words which differences from the baseline are there.
func findings(c *compare.Comparison) []string {
	col, ok := c.Column(leading)
	if !ok {
		return nil
	}
	best := 0
	for n, g := range c.Groups {
		if g.Figures[leading].Mean > c.Groups[best].Figures[leading].Mean {
			best = n
		}
	}
	out := []string{bestFinding(c, col, best)}
	var better, worse, same []string
	for n, g := range c.Groups {
		if n == c.Baseline {
			continue
		}
		up, down, unclear := split(c, n)
		switch {
		case len(c.Groups) <= manyGroups:
			out = append(out, groupFinding(c, g, up, down, unclear))
		default:
			d, _ := c.Difference(n, leading)
			switch {
			case !d.Distinguishable:
				same = append(same, g.Tag)
			case d.Difference.Difference > 0:
				better = append(better, g.Tag)
			default:
				worse = append(worse, g.Tag)
			}
		}
	}
	for _, count := range []struct {
		tags []string
		what string
	}{{better, "higher than"}, {worse, "lower than"}, {same, "not distinguishable from"}} {
		if len(count.tags) > 0 {
			out = append(out, fmt.Sprintf("%s of %s: %s the baseline's (%s).", metricName(leading), english.Plural(len(count.tags), "group", ""), count.what, strings.Join(count.tags, ", ")))
		}
	}
	return out
}

func bestFinding(c *compare.Comparison, col compare.Column, best int) string {
	f := c.Groups[best].Figures[leading]
	text := fmt.Sprintf("%s has the highest %s: %s (%s–%s).", c.Groups[best].Name(), metricName(leading), columnValue(col, f.Mean, fixed),
		columnValue(col, f.Low, fixed), columnValue(col, f.High, fixed))
	if best == c.Baseline {
		return text + " It is the baseline."
	}
	d, _ := c.Difference(best, leading)
	if !d.Distinguishable {
		return text + " That is not distinguishable from the baseline."
	}
	return text + fmt.Sprintf(" That is %s points more than the baseline (%s to %s).", fixed(100*d.Difference.Difference, 1), points(d.Low), points(d.High))
}

// split sorts the metrics by what can be said of a group's difference.
func split(c *compare.Comparison, group int) (better, worse, unclear []string) {
	for _, d := range c.Differences {
		switch {
		case d.Group != group:
		case !d.Distinguishable:
			unclear = append(unclear, metricName(d.Name))
		case d.Difference.Difference > 0:
			better = append(better, metricName(d.Name))
		default:
			worse = append(worse, metricName(d.Name))
		}
	}
	return better, worse, unclear
}

func groupFinding(c *compare.Comparison, g *compare.Group, better, worse, unclear []string) string {
	base := c.Groups[c.Baseline].Tag
	if len(better)+len(worse) == 0 {
		return fmt.Sprintf("%s is not distinguishable from %s in any metric.", g.Name(), base)
	}
	if total := len(better) + len(worse) + len(unclear); len(better) == total || len(worse) == total {
		what := "better"
		if len(worse) == total {
			what = "worse"
		}
		return fmt.Sprintf("%s is %s than %s in every metric.", g.Name(), what, base)
	}
	var parts []string
	for _, part := range []struct {
		what  string
		names []string
	}{{"better than " + base + " in", better}, {"worse than " + base + " in", worse}, {"not distinguishable in", unclear}} {
		if len(part.names) > 0 {
			parts = append(parts, part.what+" "+strings.Join(part.names, ", "))
		}
	}
	return fmt.Sprintf("%s is %s.", g.Name(), strings.Join(parts, "; "))
}
