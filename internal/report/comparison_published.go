package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/compare"
)

// comparedWithPublished holds every group's mean scores against published ones on the same data set, where all groups
// are of one that has some.
func comparedWithPublished(c *compare.Comparison) (table, string) {
	t := table{Caption: "Published scores on the same data set (in percent)", Columns: []column{{Name: "System"}}}
	base := c.Groups[c.Baseline].Runs[0]
	format := base.Settings["data.format"]
	rows := published[strings.Trim(format, `"`)]
	if len(rows) == 0 || slices.ContainsFunc(c.Groups, func(g *compare.Group) bool { return g.Runs[0].Settings["data.format"] != format }) {
		return t, ""
	}
	var names []string
	for _, col := range c.Columns {
		if slices.ContainsFunc(rows, func(r publishedRow) bool { return r.scores[col.Name] != "" }) {
			names = append(names, col.Name)
			t.Columns = append(t.Columns, column{Name: metricName(col.Name), Number: true})
		}
	}
	t.Columns = append(t.Columns, column{Name: "What differs from the baseline"})
	for n, g := range c.Groups {
		cells := []string{g.Name()}
		for _, name := range names {
			text := missing
			if f, ok := g.Figures[name]; ok {
				text = fixed(100*f.Mean, 1)
				if f.N > 1 {
					text += " ± " + fixed(100*f.SD, 1)
				}
			}
			cells = append(cells, text)
		}
		is := settingsConditions(c.Split, g.Runs[0].Settings)
		what := fmt.Sprintf("– (%s; %s; %s)", is.split, is.encoder, is.decoding)
		if n != c.Baseline {
			differ := slices.DeleteFunc(slices.Clone(c.Keys), func(key string) bool { return g.Settings[key] == c.Groups[c.Baseline].Settings[key] })
			what = strings.Join(differ, ", ")
		}
		t.row(append(cells, what)...)
	}
	note := addPublished(&t, rows, names, settingsConditions(c.Split, base.Settings))
	return t, note
}
