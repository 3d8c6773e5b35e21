package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap says how often and from which seed images are drawn, with replacement (Koehn 2004).
type Bootstrap struct {
	Resamples  int
	Seed       uint64
	Confidence float64 // of the intervals; 0: 0.95
}

// Interval is where a score lies in most resamples, by percentiles.
type Interval struct {
	Name      string
	Score     float64
	Low, High float64
}

// Difference compares two systems on the same images.
type Difference struct {
	Name       string
	A, B       float64
	Difference float64 // A - B
	Low, High  float64
	// P is how often a difference as large would come about if there were none: the share of resamples whose
	// difference lies as far from the resamples' mean, as sacreBLEU's paired bootstrap has it (Riezler & Maxwell 2005).
	P float64
	// Distinguishable is false where the interval holds zero or ends next to it (noMatch), and where the difference is Negligible.
	Distinguishable bool
}

// noMatch is more than coco-caption's code gives as BLEU-4 of captions without a single match of four words: not 0, but next to it.
const noMatch = 1e-4

// fewImages are so few that resampling them tells too little of what other images would do.
const fewImages = 40

// FewImages is what a reader of intervals must know where there are only so few images; "" where there are enough. The shares are those
// of TestFewImages.
func FewImages(images int) string {
	if images >= fewImages {
		return ""
	}
	return fmt.Sprintf("Over so few pictures (%d) the bootstrap's intervals are too narrow: of differences by chance alone it takes one in six for real "+
		"with 5 pictures, one in nine with 10 and one in thirteen with 20, instead of one in twenty.", images)
}

// Negligible is a difference of less than a tenth of a point, of which even a narrow interval makes nothing.
func (d Difference) Negligible() bool {
	return max(math.Abs(d.Low), math.Abs(d.High), math.Abs(d.Difference)) < 0.001
}

// Intervals draws the images again and again, and makes each metric of a resample from its images' statistics: BLEU,
// chrF and METEOR anew as corpus scores, the others as means. CIDEr's document frequencies stay those of the whole set.
// Where ctx ends first, the error is its own, as that of all that resamples.
func (s *Scores) Intervals(ctx context.Context, b Bootstrap) ([]Interval, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	drawn, err := b.resample(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []Interval
	for n, m := range s.Metrics {
		low, high := b.percentiles(drawn[n])
		out = append(out, Interval{m.Name, m.Corpus, low, high})
	}
	return out, nil
}

// Compare draws the same images for two systems. Metrics that one of them lacks are left out.
func Compare(ctx context.Context, a, other *Scores, b Bootstrap) ([]Difference, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	if !slices.Equal(a.IDs, other.IDs) {
		return nil, errors.New("the two systems are not scored on the same images in the same order")
	}
	mine, err := b.resample(ctx, a)
	if err != nil {
		return nil, err
	}
	theirs, err := b.resample(ctx, other)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for n, m := range a.Metrics {
		at := slices.IndexFunc(other.Metrics, func(o Metric) bool { return o.Name == m.Name })
		if at < 0 {
			continue
		}
		if o := other.Metrics[at]; o.Signature != m.Signature {
			return nil, fmt.Errorf("%s is measured in two ways: %s and %s", m.Name, m.Signature, o.Signature)
		}
		out = append(out, b.difference(m.Name, m.Corpus, other.Metrics[at].Corpus, mine[n], theirs[at]))
	}
	return out, nil
}

// difference compares two systems' scores by those of their resamples, which drew the same images.
func (b Bootstrap) difference(name string, a, other float64, mine, theirs []float64) Difference {
	d := Difference{Name: name, A: a, B: other, Difference: a - other}
	differences := make([]float64, b.Resamples)
	center := 0.
	for i := range differences {
		differences[i] = mine[i] - theirs[i]
		center += differences[i] / float64(b.Resamples)
	}
	far := 1
	for _, one := range differences {
		if math.Abs(one-center) >= math.Abs(d.Difference) {
			far++
		}
	}
	d.P = min(1, float64(far)/float64(b.Resamples+1))
	d.Low, d.High = b.percentiles(differences)
	d.Distinguishable = (d.Low > noMatch || d.High < -noMatch) && !d.Negligible()
	return d
}

func (b *Bootstrap) check() error {
	if b.Confidence == 0 {
		b.Confidence = 0.95
	}
	if b.Resamples < 1 {
		return fmt.Errorf("bootstrap: %d resamples; expected at least 1", b.Resamples)
	}
	if b.Confidence < 0 || b.Confidence >= 1 {
		return fmt.Errorf("bootstrap: a confidence of %g; expected a share below 1", b.Confidence)
	}
	return nil
}

// resample returns each metric's scores of all resamples. Which images resample n draws depends on the seed and n
// alone, so that two systems draw the same.
func (b Bootstrap) resample(ctx context.Context, s *Scores) ([][]float64, error) {
	out := make([][]float64, len(s.Metrics))
	for n := range out {
		out[n] = make([]float64, b.Resamples)
	}
	var parts []*measured // each once, though several metrics come from it
	var widest, most int
	for _, m := range s.Metrics {
		if !slices.Contains(parts, m.measured) {
			parts = append(parts, m.measured)
		}
		widest, most = max(widest, m.measured.width), max(most, m.column+1, maxOrder)
	}
	images := len(s.IDs)
	parallelWith(b.Resamples, func() func(int) {
		times := make([]float64, images) // how often an image is drawn
		sum, scores := make([]float64, widest), make([]float64, most)
		ended := false
		return func(n int) {
			if n%16 == 0 {
				ended = ctx.Err() != nil
			}
			if ended {
				return
			}
			clear(times)
			random := rand.NewPCG(b.Seed, uint64(n))
			draw := rand.New(random)
			for range images {
				times[draw.Uint32N(uint32(images))]++
			}
			for _, part := range parts {
				clear(sum)
				for image, t := range times {
					if t == 0 {
						continue
					}
					for at, v := range part.rows[image*part.width : (image+1)*part.width] {
						sum[at] += t * v
					}
				}
				part.finish(sum[:part.width], float64(images), scores)
				for at, m := range s.Metrics {
					if m.measured == part {
						out[at][n] = scores[m.column]
					}
				}
			}
		}
	})
	return out, ctx.Err()
}

// percentiles are the ends of the middle share of values, between neighbours on a straight line.
func (b Bootstrap) percentiles(values []float64) (low, high float64) {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	at := func(share float64) float64 {
		place := share * float64(len(sorted)-1)
		below := int(place)
		if below+1 == len(sorted) {
			return sorted[below]
		}
		return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
	}
	tail := (1 - b.Confidence) / 2
	return at(tail), at(1 - tail)
}
