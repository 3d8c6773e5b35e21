package score

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Draws are one system's scores on resampled images. Systems that are scored on the same images have the same draws
// for the same Bootstrap, so that their differences are paired.
type Draws struct {
	scores    *Scores
	bootstrap Bootstrap
	values    [][]float64 // [metric, resample]
}

// Resample draws the images as Intervals does, and keeps what every resample scores.
func (s *Scores) Resample(ctx context.Context, b Bootstrap) (*Draws, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	values, err := b.resample(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Draws{s, b, values}, nil
}

// GroupIntervals are the intervals of the mean score of systems that differ in their seed alone: see CompareGroups.
func GroupIntervals(group []*Draws) ([]Interval, error) {
	if err := checkGroups(group); err != nil {
		return nil, err
	}
	var out []Interval
	b := group[0].bootstrap
	for n, m := range group[0].scores.Metrics {
		means, score := groupMeans(group, n, 0)
		low, high := b.percentiles(means)
		out = append(out, Interval{m.Name, score, low, high})
	}
	return out, nil
}

// CompareGroups compares the mean scores of two groups of systems; the systems of a group differ in their seed alone.
//
// Every resample draws the images with replacement, the same for all systems (Koehn 2004), and of each group of n
// systems n-1 with replacement, for the two groups apart: so the interval covers what other images and what other seeds
// would change. Of n systems n would give the mean's variance a factor (n-1)/n too small, which counts where n is 2 or
// 3; with n-1 it is unbiased (McCarthy & Snowden 1985). A group of one system stands for this system, not for its seeds.
func CompareGroups(a, other []*Draws) ([]Difference, error) { return compareGroups(a, other, 1) }

// ComparePairs is CompareGroups for systems of the same seeds in the same order: a resample draws the same seeds of both
// groups. What a seed does to both systems alike, as where one goes on from the other's weights, is then not in the interval.
func ComparePairs(a, other []*Draws) ([]Difference, error) {
	if len(a) != len(other) {
		return nil, fmt.Errorf("groups of %d and %d systems have no pairs", len(a), len(other))
	}
	return compareGroups(a, other, 0)
}

// compareGroups draws the other group's systems from a stream of random numbers: a's own is 0.
func compareGroups(a, other []*Draws, stream uint64) ([]Difference, error) {
	if err := checkGroups(a, other); err != nil {
		return nil, err
	}
	var out []Difference
	b := a[0].bootstrap
	for n, m := range a[0].scores.Metrics {
		mine, myScore := groupMeans(a, n, 0)
		theirs, theirScore := groupMeans(other, n, stream)
		out = append(out, b.difference(m.Name, myScore, theirScore, mine, theirs))
	}
	return out, nil
}

// groupMeans is the mean of a metric over a group's systems, of each resample and of all images.
func groupMeans(group []*Draws, metric int, stream uint64) (means []float64, score float64) {
	b := group[0].bootstrap
	for _, d := range group {
		score += d.scores.Metrics[metric].Corpus / float64(len(group))
	}
	means = make([]float64, b.Resamples)
	drawn := max(1, len(group)-1)
	for i := range means {
		// apart from the images' streams, which begin with the seed itself
		random := rand.New(rand.NewPCG(b.Seed+0x9e3779b97f4a7c15*(stream+1), uint64(i)))
		for range drawn {
			means[i] += group[random.IntN(len(group))].values[metric][i] / float64(drawn)
		}
	}
	return means, score
}

// checkGroups refuses systems whose draws are not of the same images, or whose metrics are not the same ones.
func checkGroups(groups ...[]*Draws) error {
	var first *Draws
	for _, group := range groups {
		if len(group) == 0 {
			return errors.New("a group without a system")
		}
		for _, d := range group {
			if first == nil {
				first = d
			}
			switch {
			case d.bootstrap != first.bootstrap:
				return errors.New("the systems are not resampled in the same way")
			case !slices.Equal(d.scores.IDs, first.scores.IDs):
				return errors.New("the systems are not scored on the same images in the same order")
			case len(d.scores.Metrics) != len(first.scores.Metrics):
				return errors.New("the systems are not scored by the same metrics")
			}
			for n, m := range d.scores.Metrics {
				if f := first.scores.Metrics[n]; m.Signature != f.Signature {
					return fmt.Errorf("%s is measured in two ways: %s and %s", m.Name, f.Signature, m.Signature)
				}
			}
		}
	}
	return nil
}
