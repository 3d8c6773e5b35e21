package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// guesser is a system that is right on each image with a probability.
func guesser(t *testing.T, images int, right float64, seed uint64) *Scores {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	var all []Image
	for n := range images {
		truth := fmt.Sprintf("a dog number %d runs over the grass", n)
		image := Image{ID: fmt.Sprint(n), Candidate: "nothing to be seen there", References: []string{truth, fmt.Sprintf("dog %d is running", n)}}
		if random.Float64() < right {
			image.Candidate = truth
		}
		all = append(all, image)
	}
	s, err := Measure(context.Background(), all, Options{Metrics: []string{"bleu_4", "rouge_l"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func resampled(t *testing.T, b Bootstrap, systems ...*Scores) []*Draws {
	t.Helper()
	var out []*Draws
	for _, s := range systems {
		d, err := s.Resample(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// TestGroupsOfOneAreSystems: with one system a group, everything is as Compare and Intervals have it.
func TestGroupsOfOneAreSystems(t *testing.T) {
	b := Bootstrap{Resamples: 200, Seed: 3}
	x, y := guesser(t, 80, 0.5, 1), guesser(t, 80, 0.7, 2)
	got, err := CompareGroups(resampled(t, b, x), resampled(t, b, y))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Compare(t.Context(), x, y, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d differences, want %d", len(got), len(want))
	}
	for n := range want {
		if got[n] != want[n] {
			t.Errorf("%+v, want %+v", got[n], want[n])
		}
	}
	intervals, err := GroupIntervals(resampled(t, b, x))
	if err != nil {
		t.Fatal(err)
	}
	single, err := x.Intervals(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range single {
		if intervals[n] != single[n] {
			t.Errorf("%+v, want %+v", intervals[n], single[n])
		}
	}
}

// TestSeedsVariance: where the images tell nothing, the resamples' variance is that of a mean over seeds, s²/n.
func TestSeedsVariance(t *testing.T) {
	b := Bootstrap{Resamples: 20000, Seed: 4}
	for _, rights := range [][]float64{{1, 0}, {1, 0, 0}, {1, 1, 0, 0, 0}} {
		var systems []*Scores
		mean, variance, n := 0., 0., float64(len(rights))
		for _, right := range rights {
			systems = append(systems, guesser(t, 3, right, 1))
			mean += right / n
		}
		for _, right := range rights {
			variance += (right - mean) * (right - mean) / (n - 1)
		}
		means, score := groupMeans(resampled(t, b, systems...), 1, 0)
		if math.Abs(score-mean) > 1e-12 {
			t.Errorf("mean %g, want %g", score, mean)
		}
		var first, second float64
		for _, m := range means {
			first += m / float64(len(means))
			second += m * m / float64(len(means))
		}
		if got := second - first*first; math.Abs(got/(variance/n)-1) > 0.05 {
			t.Errorf("%v: variance of the mean %.4f, want %.4f", rights, got, variance/n)
		}
	}
}

// TestFalseDifferences: of groups that are equally good, about one in twenty is told apart, as the confidence says, or fewer, where
// pictures matter. Where seeds matter far more than pictures, too few of them to know by how much, the share is the one that the
// comparison's page names.
func TestFalseDifferences(t *testing.T) {
	for _, c := range []struct {
		what       string
		seeds      int
		compare    func(a, b []*Draws) ([]Difference, error)
		seedsAlone [2]float64
	}{
		{"groups", 2, CompareGroups, [2]float64{0.27, 0.38}}, {"groups", 3, CompareGroups, [2]float64{0.10, 0.18}}, {"pairs", 5, ComparePairs, [2]float64{0.11, 0.19}},
	} {
		told := func(trials int, system func(random *rand.Rand) *Draws) float64 {
			random, n := rand.New(rand.NewPCG(uint64(c.seeds), 7)), 0
			for range trials {
				var groups [2][]*Draws
				for range c.seeds {
					groups[0], groups[1] = append(groups[0], system(random)), append(groups[1], system(random))
				}
				d, err := c.compare(groups[0], groups[1])
				if err != nil {
					t.Fatal(err)
				}
				if d[len(d)-1].Distinguishable {
					n++
				}
			}
			return float64(n) / float64(trials)
		}
		b := Bootstrap{Resamples: 300, Seed: 5, Confidence: 0.95}
		if share := told(60, func(random *rand.Rand) *Draws { return resampled(t, b, guesser(t, 60, 0.5, random.Uint64()))[0] }); share > 1.0/6 { // a binomial of 0.05 has more in 1 of 2,000 cases
			t.Errorf("%d seeds in %s: %.3f of the differences by chance alone are called distinguishable", c.seeds, c.what, share)
		}
		// A system's score is its seed's, whatever the pictures are.
		one := guesser(t, 2, 1, 1)
		one.Metrics = one.Metrics[:1]
		bySeed := func(random *rand.Rand) *Draws {
			own := *one
			own.Metrics = slices.Clone(one.Metrics)
			own.Metrics[0].Corpus = random.NormFloat64()
			return &Draws{&own, b, [][]float64{slices.Repeat([]float64{own.Metrics[0].Corpus}, b.Resamples)}}
		}
		if share := told(1000, bySeed); share < c.seedsAlone[0] || share > c.seedsAlone[1] {
			t.Errorf("%d seeds in %s, seeds alone: %.3f of the differences by chance are called distinguishable, want %v", c.seeds, c.what, share, c.seedsAlone)
		} else {
			t.Logf("%d seeds in %s, seeds alone: %.3f", c.seeds, c.what, share)
		}
	}
}

// TestFewImages: over few images, differences by chance alone are called real as often as FewImages says.
func TestFewImages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	b := Bootstrap{Resamples: 300, Seed: 6}
	const trials = 800
	for _, c := range []struct {
		images int
		share  float64
	}{{5, 1.0 / 6}, {10, 1.0 / 9}, {20, 1.0 / 13}, {fewImages, 1.0 / 17}} {
		system := func(spread float64) *Scores {
			s := &Scores{IDs: make([]string, c.images)}
			rows, sum := make([]float64, c.images), 0.
			for n := range rows {
				rows[n] = spread * random.NormFloat64()
				sum += rows[n] / float64(c.images)
			}
			s.Metrics = []Metric{{Name: "mean", Corpus: sum, Images: rows, measured: &measured{1, rows, mean}}}
			return s
		}
		told := 0
		for range trials {
			d, err := Compare(t.Context(), system(1), system(1), b)
			if err != nil {
				t.Fatal(err)
			}
			if d[0].Distinguishable {
				told++
			}
		}
		if share := float64(told) / trials; math.Abs(share-c.share) > 4*math.Sqrt(c.share*(1-c.share)/trials) {
			t.Errorf("%d images: %.3f of the differences by chance are called real, want about %.3f", c.images, share, c.share)
		} else {
			t.Logf("%d images: %.3f", c.images, share)
		}
	}
	if FewImages(fewImages) != "" || FewImages(20) == "" {
		t.Error("the note is not of few images")
	}
}

// TestPairsLeaveOutWhatSeedsDoAlike: where the images tell nothing and every seed gains the same, pairs see it, and groups that
// are drawn apart don't.
func TestPairsLeaveOutWhatSeedsDoAlike(t *testing.T) {
	b := Bootstrap{Resamples: 500, Seed: 6}
	var worse, better []*Scores
	for seed := range 5 { // of 10 images, seed+1 are right, or two more
		first := func(right int) *Scores {
			var all []Image
			for n := range 10 {
				image := Image{ID: fmt.Sprint(n), Candidate: "nothing to be seen there", References: []string{"a dog runs over the grass"}}
				if n < right {
					image.Candidate = image.References[0]
				}
				all = append(all, image)
			}
			s, err := Measure(context.Background(), all, Options{Metrics: []string{"rouge_l"}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		worse, better = append(worse, first(seed+1)), append(better, first(seed+3))
	}
	groups, err := CompareGroups(resampled(t, b, better...), resampled(t, b, worse...))
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := ComparePairs(resampled(t, b, better...), resampled(t, b, worse...))
	if err != nil {
		t.Fatal(err)
	}
	if g, p := groups[0], pairs[0]; g.Distinguishable || !p.Distinguishable || math.Abs(p.Difference-0.2) > 1e-9 || p.High-p.Low >= g.High-g.Low {
		t.Errorf("pairs %+v, groups %+v", p, g)
	}
	if _, err := ComparePairs(resampled(t, b, better...), resampled(t, b, worse[:4]...)); err == nil {
		t.Error("five systems and four are called pairs")
	}
}

// TestNegligible: BLEU-4 of a few millionths, without a match of four words, is no better than one of fewer, and neither is a score
// of which some resamples have no more than that.
func TestNegligible(t *testing.T) {
	b := Bootstrap{Resamples: 100, Confidence: 0.95}
	for _, c := range []struct {
		least, step float64 // of the resamples' differences
		want        bool
	}{{1e-6, 1e-8, false}, {0.1, 0.001, true}, {5e-6, 0.001, false}, {-0.1, -0.001, true}, {-5e-6, -0.001, false}} {
		mine, theirs := make([]float64, b.Resamples), make([]float64, b.Resamples)
		for n := range mine {
			mine[n] = c.least + float64(max(0, n-5))*c.step
		}
		if d := b.difference("bleu_4", mine[50], 0, mine, theirs); d.Low*d.High <= 0 || d.Distinguishable != c.want {
			t.Errorf("%+v, want distinguishable %v", d, c.want)
		}
	}
}

func TestGroupsAreChecked(t *testing.T) {
	b := Bootstrap{Resamples: 10}
	x, other := guesser(t, 20, 0.5, 1), guesser(t, 21, 0.5, 1)
	for reason, groups := range map[string][2][]*Draws{
		"no system":       {nil, resampled(t, b, x)},
		"other images":    {resampled(t, b, x), resampled(t, b, other)},
		"other resamples": {resampled(t, b, x), resampled(t, Bootstrap{Resamples: 10, Seed: 9}, x)},
	} {
		if _, err := CompareGroups(groups[0], groups[1]); err == nil {
			t.Errorf("%s: no error", reason)
		}
	}
}

// endsAfter is a context that ends once it was asked so often whether it has.
type endsAfter struct {
	context.Context
	left atomic.Int64
}

func (c *endsAfter) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestBootstrapEnds: the bootstrap hears of its context between resamples.
func TestBootstrapEnds(t *testing.T) {
	b := Bootstrap{Resamples: 1000, Seed: 3}
	x := guesser(t, 20, 0.5, 1)
	for name, call := range map[string]func(context.Context) error{
		"Intervals": func(ctx context.Context) error { _, err := x.Intervals(ctx, b); return err },
		"Compare":   func(ctx context.Context) error { _, err := Compare(ctx, x, x, b); return err },
		"Resample":  func(ctx context.Context) error { _, err := x.Resample(ctx, b); return err },
	} {
		ctx := &endsAfter{Context: t.Context()}
		ctx.left.Store(5)
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
