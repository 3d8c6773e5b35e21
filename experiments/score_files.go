package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/captionfile"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/score"
)

// ScoreOptions say what ScoreFiles reads and computes.
type ScoreOptions struct {
	References string   // COCO captions, Karpathy's JSON, a Flickr token file, or JSON lines {"image_id", "captions"}
	Candidates string   // COCO results, JSON lines {"image_id", "caption"} as a run's predictions, or lines of id, tab, caption
	Against    string   // a second system's candidates, to compare with; "": none
	Metrics    []string // names as MetricNames lists them; empty: all but cider_plain, METEOR only where it was fetched before
	Split      string   // of Karpathy's references; "": test
	Images     string   // a file that lists the images to be scored, one a line; "": all of the references
	Resamples  int      // of the bootstrap; 0: none, or 1,000 with Against
	Seed       uint64   // of the bootstrap; 0: 1
	Cache      string   // where METEOR's files are; "": .cache of the checkout
	Stderr     io.Writer
}

// defaultResamples are those of a comparison.
const defaultResamples = 1000

// FileScores are the scores of one system's captions, as fractions: what pycocoevalcap returns. CIDEr goes to 10.
type FileScores struct {
	Metrics    map[string]float64            `json:"metrics"`
	Signatures map[string]string             `json:"signatures"`
	Images     map[string]map[string]float64 `json:"images"` // by image id, as the references have it
	// Intervals are 95 % intervals by bootstrap over images.
	Intervals map[string]ScoreInterval `json:"intervals,omitempty"`
	Against   *FileComparison          `json:"against,omitempty"`
	// Note is what must be known before the intervals are believed: that there are few images.
	Note string `json:"note,omitempty"`
	// Absent says why a metric was not computed: one that was asked for, or METEOR where all are.
	Absent map[string]string `json:"absent,omitempty"`
	// Names are the metrics' names in the order of the field's tables.
	Names []string `json:"-"`
}

// ScoreInterval holds a score, or a difference of scores, in 95 % of the resamples.
type ScoreInterval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// FileComparison is a second system's scores on the same images, and what the first one gains over it.
type FileComparison struct {
	Metrics     map[string]float64         `json:"metrics"`
	Differences map[string]ScoreDifference `json:"differences"`
}

// ScoreDifference is the first system's score minus the second's, by paired bootstrap over images.
type ScoreDifference struct {
	Difference float64 `json:"difference"`
	ScoreInterval
	P float64 `json:"p"` // of next to nothing where the difference is Negligible
	// Distinguishable is false where the interval holds zero or ends next to it, and where all of it is less than a tenth of a point.
	Distinguishable bool `json:"distinguishable"`
}

// Negligible tells a difference all of whose interval is less than a tenth of a point.
func (d ScoreDifference) Negligible() bool {
	return score.Difference{Difference: d.Difference, Low: d.Low, High: d.High}.Negligible()
}

// MetricNames are the metrics' names. bleu stands for bleu_1 to bleu_4.
func MetricNames() []string { return score.Known() }

// CheckMetrics refuses names that are no metric's.
func CheckMetrics(names []string) error {
	for _, name := range names {
		if slices.Contains(score.Known(), name) {
			continue
		}
		near := ""
		if n := config.Nearest(name, score.Known()); n != "" {
			near = fmt.Sprintf(" (did you mean %q?)", n)
		}
		return fmt.Errorf("unknown metric %q%s; known are %s", name, near, strings.Join(score.Known(), ", "))
	}
	return nil
}

// ScoreFiles scores any system's captions against references. The formats are recognised by the files' content.
// Images that are missing, too many or there twice are an error that names them, and so are names that fit different
// images by two of the references' keys. METEOR, if it is among the metrics, is fetched; where it can't run the other
// metrics are scored and Absent says why.
func ScoreFiles(ctx context.Context, o ScoreOptions) (*FileScores, error) {
	if err := CheckMetrics(o.Metrics); err != nil {
		return nil, err
	}
	if o.Resamples < 0 {
		return nil, fmt.Errorf("bootstrap: Resamples is %d; expected at least 1, or 0 for none (1,000 with Against)", o.Resamples)
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	systems, err := readSystems(o)
	if err != nil {
		return nil, err
	}
	images := systems[0]
	if o.Against != "" && o.Resamples == 0 {
		o.Resamples = defaultResamples
	}
	o.Seed = cmp.Or(o.Seed, 1)
	out := &FileScores{Metrics: map[string]float64{}, Signatures: map[string]string{}, Images: map[string]map[string]float64{}}
	options, err := o.metrics(ctx, out)
	if err != nil {
		return nil, err
	}
	scores, err := score.Measure(ctx, images, options)
	if err != nil {
		return nil, err
	}
	for _, id := range scores.IDs {
		out.Images[id] = make(map[string]float64, len(scores.Metrics))
	}
	for _, m := range scores.Metrics {
		out.Names = append(out.Names, m.Name)
		out.Metrics[m.Name], out.Signatures[m.Name] = m.Corpus, m.Signature
		for n, id := range scores.IDs {
			out.Images[id][m.Name] = m.Images[n]
		}
	}
	if o.Resamples == 0 {
		return out, nil
	}
	b := score.Bootstrap{Resamples: o.Resamples, Seed: o.Seed}
	intervals, err := scores.Intervals(ctx, b)
	if err != nil {
		return nil, err
	}
	out.Note = score.FewImages(len(scores.IDs))
	out.Intervals = map[string]ScoreInterval{}
	for _, i := range intervals {
		out.Intervals[i.Name] = ScoreInterval{i.Low, i.High}
	}
	if o.Against == "" {
		return out, nil
	}
	second, err := score.Measure(ctx, systems[1], options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Against, err)
	}
	out.Against, err = compared(ctx, scores, second, b)
	return out, err
}

// readSystems reads all files at once, and returns each system's captions with the references of the same images.
func readSystems(o ScoreOptions) ([][]score.Image, error) {
	paths := []string{o.Candidates}
	if o.Against != "" {
		paths = append(paths, o.Against)
	}
	var references *captionfile.File
	candidates := make([]*captionfile.File, len(paths))
	var group errgroup.Group
	group.Go(func() (err error) {
		if references, err = captionfile.References(o.References, captionfile.Options{Split: o.Split}); err == nil && o.Images != "" {
			err = references.Keep(o.Images)
		}
		return err
	})
	for n, path := range paths {
		group.Go(func() (err error) {
			candidates[n], err = captionfile.Candidates(path)
			return err
		})
	}
	group.Go(func() error { score.Prepare(); return nil })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	systems := make([][]score.Image, len(paths))
	for n := range paths {
		pairs, err := captionfile.Match(references, candidates[n])
		var mismatch *captionfile.MismatchError
		if errors.As(err, &mismatch) && o.Images == "" {
			err = fmt.Errorf("%w\n  (to score some of the images alone, list them in a file: --images)", err)
		}
		if err != nil {
			return nil, err
		}
		systems[n] = make([]score.Image, len(pairs))
		for k, p := range pairs {
			systems[n][k] = score.Image{ID: p.ID, Candidate: p.Candidate, References: p.References}
		}
	}
	return systems, nil
}

// metrics gets METEOR ready, or says why it is absent.
func (o ScoreOptions) metrics(ctx context.Context, out *FileScores) (score.Options, error) {
	options := score.Options{Metrics: o.Metrics}
	cache := checkout.At(cmp.Or(o.Cache, ".cache"))
	var err error
	if len(o.Metrics) == 0 {
		if options.METEOR, err = score.FindMETEOR(meteorDir(cache)); errors.Is(err, fs.ErrNotExist) {
			out.Absent = map[string]string{"meteor": "it runs by its Java jar only, which is fetched when meteor is asked for by name"}
		} else if err != nil {
			out.Absent = map[string]string{"meteor": err.Error()}
		}
		return options, nil
	}
	if !slices.Contains(o.Metrics, "meteor") {
		return options, nil
	}
	if options.METEOR, err = fetchMETEOR(ctx, cache, o.Stderr); err == nil {
		return options, nil
	}
	if ctx.Err() != nil {
		return options, err
	}
	out.Absent = map[string]string{"meteor": err.Error()}
	options.Metrics = slices.DeleteFunc(slices.Clone(o.Metrics), func(name string) bool { return name == "meteor" })
	if len(options.Metrics) == 0 {
		return options, err
	}
	return options, nil
}

// compared is the comparison of two systems.
func compared(ctx context.Context, a, b *score.Scores, how score.Bootstrap) (*FileComparison, error) {
	differences, err := score.Compare(ctx, a, b, how)
	if err != nil {
		return nil, err
	}
	out := &FileComparison{Metrics: map[string]float64{}, Differences: map[string]ScoreDifference{}}
	for _, d := range differences {
		out.Metrics[d.Name] = d.B
		out.Differences[d.Name] = ScoreDifference{d.Difference, ScoreInterval{d.Low, d.High}, d.P, d.Distinguishable}
	}
	if len(out.Differences) == 0 {
		return nil, errors.New("the two systems have no metric in common")
	}
	return out, nil
}
