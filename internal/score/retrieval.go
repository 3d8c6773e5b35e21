package score

import "slices"

// Retrieval is how well captions find their pictures among Pictures ones.
type Retrieval struct {
	Pictures                         int
	RecallAt1, RecallAt5, RecallAt10 float64 // share of captions whose picture is among the first 1, 5, 10
	MedianRank                       float64 // 1 is best
}

// Rank is the place, from 1, of one score among all when the highest comes first. Equal scores share the mean of
// their places, so that a model that ignores pictures gets the middle, not the first.
func Rank(scores []float64, at int) float64 {
	higher, equal := 0, 0
	for n, s := range scores {
		switch {
		case n == at:
		case s > scores[at]:
			higher++
		case s == scores[at]:
			equal++
		}
	}
	return 1 + float64(higher) + float64(equal)/2
}

// Ranks are the places of the right pictures when every caption ranks all pictures: scores [captions, pictures], as many
// of one as of the other, caption n being of picture n.
func Ranks(scores []float64, pictures int) []float64 {
	ranks := make([]float64, pictures)
	for n := range ranks {
		ranks[n] = Rank(scores[n*pictures:(n+1)*pictures], n)
	}
	return ranks
}

// NewRetrieval sums up the ranks of as many captions as there are pictures.
func NewRetrieval(ranks []float64) Retrieval {
	r := Retrieval{Pictures: len(ranks)}
	if len(ranks) == 0 {
		return r
	}
	recall := func(k float64) float64 {
		n := 0
		for _, rank := range ranks {
			if rank <= k {
				n++
			}
		}
		return float64(n) / float64(len(ranks))
	}
	r.RecallAt1, r.RecallAt5, r.RecallAt10 = recall(1), recall(5), recall(10)
	sorted := slices.Sorted(slices.Values(ranks))
	middle := len(sorted) / 2
	if r.MedianRank = sorted[middle]; len(sorted)%2 == 0 {
		r.MedianRank = (sorted[middle-1] + sorted[middle]) / 2
	}
	return r
}
