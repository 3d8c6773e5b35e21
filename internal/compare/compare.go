// Package compare puts finished runs beside each other: it groups those that differ in their seeds alone, and says which
// differences between groups their captions can tell from chance.
package compare

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

// Options say what is compared. Only Split has to be given.
type Options struct {
	Split    string            // whose captions are compared: validation or test
	Baseline string            // the folder of a run of the group that the others are measured against; empty: the first group
	Defaults map[string]string // TOML values of keys that runs of earlier versions lack
	LeftOut  []LeftOut         // runs that should be compared and aren't there
	// Resamples and Seed are the bootstrap's; 0: 1,000, and seed 1.
	Resamples int
	Seed      uint64
}

// Comparison is what runs are beside each other.
type Comparison struct {
	Split    string
	Keys     []string // the config keys in which groups differ, and no others
	Groups   []*Group
	Baseline int // the group that the others are measured against
	Columns  []Column
	// Differences are those of every group from the baseline, group by group, in the metrics that captions are scored by.
	Differences []Difference
	SizeCurves  []SizeCurve // where groups differ in the number of training pictures
	LeftOut     []LeftOut
	Notes       []string // what a reader must know before believing the figures
	Resamples   int
}

// Group is a set of runs whose configs differ in seeds alone.
type Group struct {
	Tag      string            // A, B, …: short enough for a plot
	Label    string            // by the keys that differ
	Settings map[string]string // the values of Comparison.Keys, as TOML
	Runs     []*Run
	Figures  map[string]Figure // by Column.Name
}

// Figure is a figure of a group: its mean over the runs, their standard deviation (of the sample; 0 where there is one
// run), and where it was bootstrapped its interval.
type Figure struct {
	Mean, SD  float64
	N         int
	Interval  bool
	Low, High float64
}

// Column is a figure that runs are compared in.
type Column struct {
	Name          string // as run.json has it, without the split: cider, nats_per_character
	Kind          Kind
	LowerIsBetter bool
	Signature     string // of metrics
}

// Kind says what a figure is made of, and so between which runs it can be compared.
type Kind int

// The kinds of figures.
const (
	Metric       Kind = iota // of free-running captions: comparable wherever pictures and references are the same
	PerCharacter             // teacher-forced: comparable where the cleaned captions are the same, too
	PerToken                 // teacher-forced: comparable where the vocabulary is the same, too
	Cost                     // seconds
)

// Difference is how a group differs from the baseline in one metric.
type Difference struct {
	Group int
	score.Difference
}

// LeftOut is a run that is not compared.
type LeftOut struct{ Dir, Name, Reason string }

// columns are the figures besides the metrics that are computed here.
var columns = []Column{
	{Name: meteor, Kind: Metric},
	{Name: "nats_per_character", Kind: PerCharacter, LowerIsBetter: true},
	{Name: "teacher_forced_loss", Kind: PerToken, LowerIsBetter: true},
	{Name: "teacher_forced_accuracy", Kind: PerToken},
	{Name: TrainingSeconds, Kind: Cost, LowerIsBetter: true},
}

// TrainingSeconds is the column of the training stage's time.
const TrainingSeconds = "training_seconds"

// meteor needs Java, so that it is taken from run.json where it is, unless the runs are compared on another test than theirs.
const meteor = "meteor"

// metrics are computed from the captions.
var metrics = []string{"bleu", "rouge_l", "cider", "chrf"}

// ErrNothing is wrapped by the error for runs of which fewer than two can be compared.
var ErrNothing = errors.New("nothing to compare")

// Runs compares run folders. What can't be compared is left out, with the reason; an error is returned only where
// fewer than two runs are left.
func Runs(ctx context.Context, folders []*runfolder.Folder, o Options) (*Comparison, error) {
	c := &Comparison{Split: o.Split, Resamples: o.Resamples, LeftOut: slices.Clone(o.LeftOut)}
	if c.Resamples == 0 {
		c.Resamples = 1000
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	runs, err := c.load(ctx, folders, o)
	if err != nil {
		return nil, err
	}
	runs = c.once(c.sameTest(runs, o.Baseline), o.Baseline)
	if o.Baseline != "" && !slices.ContainsFunc(runs, func(r *Run) bool { return r.Dir == o.Baseline }) {
		err := c.noBaseline(o.Baseline)
		if len(runs) < 2 {
			err = fmt.Errorf("%w\n%w", err, c.nothing(runs))
		}
		return nil, err
	}
	if len(runs) < 2 {
		return nil, c.nothing(runs)
	}
	if err := c.measure(ctx, runs, score.Bootstrap{Resamples: c.Resamples, Seed: o.Seed}); err != nil {
		return nil, err
	}
	c.group(runs)
	for n, g := range c.Groups {
		if slices.ContainsFunc(g.Runs, func(r *Run) bool { return r.Dir == o.Baseline }) {
			c.Baseline = n
		}
	}
	if err := c.figures(); err != nil {
		return nil, err
	}
	if err := c.differences(); err != nil {
		return nil, err
	}
	c.sizeCurves()
	c.remark()
	return c, nil
}

// noBaseline says why the run that all are to be measured against is not among them.
func (c *Comparison) noBaseline(dir string) error {
	reason := "it is not among the runs"
	if n := slices.IndexFunc(c.LeftOut, func(l LeftOut) bool { return l.Dir == dir }); n >= 0 {
		reason = c.LeftOut[n].Reason
	}
	return fmt.Errorf("the baseline %s can't be compared: %s", filepath.Base(dir), reason)
}

// nothing says why too few runs are left.
func (c *Comparison) nothing(left []*Run) error {
	err := fmt.Errorf("%w: of the runs, %d can be compared on the %s split, and it takes two", ErrNothing, len(left), c.Split)
	for n, l := range c.LeftOut {
		if n == 5 {
			return fmt.Errorf("%w\n… and %d more", err, len(c.LeftOut)-n)
		}
		err = fmt.Errorf("%w\n%s: %s", err, l.Name, l.Reason)
	}
	return err
}

// Column returns a column by its name.
func (c *Comparison) Column(name string) (Column, bool) {
	n := slices.IndexFunc(c.Columns, func(col Column) bool { return col.Name == name })
	if n < 0 {
		return Column{}, false
	}
	return c.Columns[n], true
}

// Difference is a group's difference from the baseline in a metric.
func (c *Comparison) Difference(group int, metric string) (Difference, bool) {
	n := slices.IndexFunc(c.Differences, func(d Difference) bool { return d.Group == group && d.Name == metric })
	if n < 0 {
		return Difference{}, false
	}
	return c.Differences[n], true
}

// Runs are the runs of all groups.
func (c *Comparison) Runs() (runs []*Run) {
	for _, g := range c.Groups {
		runs = append(runs, g.Runs...)
	}
	return runs
}
