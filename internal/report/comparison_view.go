package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// comparisonView is what both renderings of a comparison show, formatted.
type comparisonView struct {
	Title, Description, Meta string
	Findings, Notes          []string
	Groups                   table
	GroupsNote               string
	Differences              table
	DifferencePlots          []plotFigure
	Curves                   []plotFigure
	CurvesNote               string
	SizeCurves               []plotFigure
	SizeFits                 table
	SizeNote                 string
	Pictures                 []comparedPicture
	PicturesNote             string
	Legend                   []*compare.Group
	Published                table
	PublishedNote            string
	Runs                     table
	LeftOut                  table
	Method                   []string
}

// ManyGroups says whether plots name groups by their tags alone.
func (v comparisonView) ManyGroups() bool { return len(v.Legend) > fewNames }

// figures are all that is drawn.
func (v *comparisonView) figures() []*plotFigure {
	var all []*plotFigure
	for _, plots := range [][]plotFigure{v.DifferencePlots, v.Curves, v.SizeCurves} {
		for n := range plots {
			all = append(all, &plots[n])
		}
	}
	return all
}

func newComparisonView(d ComparisonData) comparisonView {
	c := d.Comparison
	v := comparisonView{
		Title: d.Title, Description: d.Description, Notes: c.Notes,
		Findings: findings(c), Groups: groupTable(c), Differences: differenceTable(c), DifferencePlots: differencePlots(c),
		Legend: c.Groups, SizeFits: sizeFits(c), SizeCurves: sizePlots(c), Runs: runsTable(c), LeftOut: leftOutTable(c), Method: method(c),
	}
	runs := len(c.Runs())
	v.Meta = fmt.Sprintf("%s in %s · %s split, %s · measured against %s", english.Plural(runs, "run", ""), english.Plural(len(c.Groups), "group", ""), c.Split,
		english.Plural(len(c.Groups[0].Runs[0].Predictions), "picture", ""), c.Groups[c.Baseline].Name())
	v.GroupsNote = "A group is a config; its runs differ in seeds alone. Figures are means over the group's runs, ± their standard deviation; " +
		"metrics are in percent. ≈: not distinguishable from the baseline."
	v.Curves, v.CurvesNote = curvePlots(c)
	if len(v.SizeCurves) > 0 {
		v.SizeNote = "Every dot is a run. Lines are power laws, y = a·n^(−b) + c, over n training pictures; shaded: the 95 % interval of the line."
	}
	v.Published, v.PublishedNote = comparedWithPublished(c)
	v.Pictures, v.PicturesNote = comparedPictures(c, d.Pictures)
	return v
}

// columnName is a figure's name with its unit.
func columnName(name string) string {
	names := map[string]string{"nats_per_character": "Nats a character", "teacher_forced_loss": "Loss (nats a token)",
		"teacher_forced_accuracy": "Accuracy a token (%)", compare.TrainingSeconds: "Training (min)"}
	if known, ok := names[name]; ok {
		return known
	}
	return metricName(name)
}

// columnValue writes a figure of a column: metrics and shares in percent, losses with three decimals.
func columnValue(col compare.Column, x float64, write func(float64, int) string) string {
	switch {
	case col.Kind == compare.Metric || strings.HasSuffix(col.Name, "accuracy"):
		return write(100*x, 1)
	case col.Kind == compare.Cost:
		return write(x/60, 1)
	}
	return write(x, 3)
}

// shown leaves BLEU-2 and BLEU-3 to the CSV.
func shown(columns []compare.Column) []compare.Column {
	return slices.DeleteFunc(slices.Clone(columns), func(col compare.Column) bool { return col.Name == "bleu_2" || col.Name == "bleu_3" })
}

// fewKeys is how many differing keys leave room for a table's figures behind them.
const fewKeys = 3

// groupTable is the main table: what differs, and the figures.
func groupTable(c *compare.Comparison) table {
	t := table{Caption: "Groups: what differs between their configs, and their figures", Columns: []column{{Name: "Group"}}}
	few := len(c.Keys) <= fewKeys // many come last, for the figures to be seen
	keys := func() {
		for _, key := range c.Keys {
			t.Columns = append(t.Columns, column{Name: key, Code: true})
		}
	}
	if few {
		keys()
	}
	t.Columns = append(t.Columns, column{Name: "Runs", Number: true})
	columns := shown(c.Columns)
	for _, col := range columns {
		t.Columns = append(t.Columns, column{Name: columnName(col.Name), Number: true})
	}
	if !few {
		keys()
	}
	for n, g := range c.Groups {
		cells := []string{g.Tag}
		if !labelIsKeys(c, g) {
			cells[0] = g.Name()
		}
		if n == c.Baseline {
			cells[0] += " (baseline)"
		}
		var values []string
		for _, key := range c.Keys {
			values = append(values, g.Settings[key])
		}
		if few {
			cells = append(cells, values...)
		}
		cells = append(cells, comma(len(g.Runs)))
		for _, col := range columns {
			cells = append(cells, groupCell(c, n, col))
		}
		if !few {
			cells = append(cells, values...)
		}
		t.row(cells...)
	}
	return t
}

// labelIsKeys says whether a group's label says no more than its values of the keys that differ.
func labelIsKeys(c *compare.Comparison, g *compare.Group) bool {
	return len(c.Keys) > 0 && len(c.Keys) <= fewKeys && strings.HasPrefix(g.Label, compare.ShortKey(c.Keys[0], c.Keys)+" ")
}

func groupCell(c *compare.Comparison, group int, col compare.Column) string {
	g := c.Groups[group]
	f, ok := g.Figures[col.Name]
	if !ok {
		return missing
	}
	text := columnValue(col, f.Mean, fixed)
	if f.N > 1 {
		text += " ± " + columnValue(col, f.SD, fixed)
	}
	if f.N < len(g.Runs) {
		text += fmt.Sprintf(" (%d of %d runs)", f.N, len(g.Runs))
	}
	if d, ok := c.Difference(group, col.Name); ok && !d.Distinguishable {
		text += " ≈"
	}
	if !c.Comparable(col, c.Groups[c.Baseline], g) {
		text += " *"
	}
	return text
}

// differenceTable says of every group and metric what can be told from chance.
func differenceTable(c *compare.Comparison) table {
	base := c.Groups[c.Baseline]
	t := table{Caption: fmt.Sprintf("Difference from %s in percentage points, with its 95 %% interval", base.Name()), Columns: []column{{Name: "Group"}}}
	var names []string
	for _, col := range shown(c.Columns) {
		if col.Signature != "" {
			names = append(names, col.Name)
			t.Columns = append(t.Columns, column{Name: metricName(col.Name)})
		}
	}
	for n, g := range c.Groups {
		if n == c.Baseline {
			continue
		}
		cells := []string{g.Name()}
		for _, name := range names {
			d, ok := c.Difference(n, name)
			if !ok {
				cells = append(cells, missing)
				continue
			}
			if d.Negligible() {
				cells = append(cells, "less than 0.1: not distinguishable")
				continue
			}
			text := fmt.Sprintf("%s (%s to %s)", points(d.Difference.Difference), points(d.Low), points(d.High))
			if !d.Distinguishable {
				text += ": not distinguishable"
			}
			cells = append(cells, text)
		}
		t.row(cells...)
	}
	return t
}

// runsTable lists every run.
func runsTable(c *compare.Comparison) table {
	t := table{Caption: "The runs", Columns: []column{{Name: "Group"}, {Name: "Run", Code: true}, {Name: "Seeds"}, {Name: "Training pictures", Number: true},
		{Name: "Epochs", Number: true}, {Name: "CIDEr", Number: true}, {Name: "Nats a character", Number: true}, {Name: "Time", Number: true}, {Name: "Commit", Code: true}}}
	cider, _ := c.Column("cider")
	nats, _ := c.Column("nats_per_character")
	for _, g := range c.Groups {
		for _, r := range g.Runs {
			var seeds []string
			all := c.Seeds(r)
			for _, key := range slices.Sorted(maps.Keys(all)) {
				seeds = append(seeds, strings.TrimSuffix(strings.TrimSuffix(key, ".seed"), "_seed")+" "+all[key])
			}
			commits := r.Info.EachProcess(func(p runfolder.Process) string {
				commit := p.GitCommit[:min(10, len(p.GitCommit))]
				if commit != "" && p.GitDirty {
					commit += "+"
				}
				return commit
			})
			loss := missing
			if x, ok := r.Figures["nats_per_character"]; ok {
				loss = columnValue(nats, x, fixed)
			}
			t.row(g.Tag, r.Name, strings.Join(seeds, ", "), comma(r.TrainPictures), comma(len(r.Epochs)), columnValue(cider, r.Figures["cider"], fixed),
				loss, duration(stageSeconds(r.Info)), strings.Join(commits, ", "))
		}
	}
	return t
}

func leftOutTable(c *compare.Comparison) table {
	t := table{Caption: "Runs that can't be compared with these, and are in no figure of this page", Columns: []column{{Name: "Run", Code: true}, {Name: "Why"}}}
	for _, l := range c.LeftOut {
		t.row(l.Name, l.Reason)
	}
	return t
}

// method says how the figures came about.
func method(c *compare.Comparison) []string {
	text := []string{
		fmt.Sprintf("Metrics are computed anew from every run's captions and the references it was scored against: corpus scores of %s.", english.Plural(len(c.Groups[0].Runs[0].Predictions), "picture", "")),
		fmt.Sprintf("Differences are those of the groups' mean scores. Their intervals come from a paired bootstrap of %s resamples (Koehn 2004): each draws the pictures with "+
			"replacement, the same for all runs, and of each group of n > 1 runs n − 1 with replacement, which keeps the variance of a mean over few seeds unbiased (McCarthy and Snowden 1985); "+
			"groups of the same five seeds or more draw the same of both. "+
			"A difference whose 95 %% interval holds zero or ends next to it, or that is too small to matter, is called not distinguishable; that is not a proof that there is none. With few seeds the intervals are rough: where seeds matter far more than pictures, two of equal groups are "+
			"told apart in a third of the cases with two seeds each, in one of seven with three and with five pairs, instead of in one of twenty.",
			comma(c.Resamples)),
		"Losses and accuracies are teacher-forced and have no interval: they are not kept picture by picture. Their ± is over seeds.",
	}
	if _, ok := c.Column("meteor"); ok {
		text = append(text, "METEOR, which needs Java, is taken from those runs that measured it, on these pictures.")
	}
	var signatures []string
	for _, col := range c.Columns {
		if col.Signature != "" {
			signatures = append(signatures, col.Signature)
		}
	}
	return append(text, "Signatures: "+strings.Join(signatures, "; ")+".")
}
