package score

import "slices"

// Retrieval is how well captions find their pictures among Pictures ones.
type Retrieval struct {
	Pictures                         int
	RecallAt1, RecallAt5, RecallAt10 float64 // share of captions whose picture is among the first 1, 5, 10; of equals, its chance to be
	MedianRank                       float64 // 1 is best
}

// Place is where the right picture stands when all are ranked by one caption, the highest score first: behind Higher others, with
// Equal others as high. Any order of equals is as good as another, so that a model that ignores pictures finds as many as chance.
type Place struct{ Higher, Equal int }

// PlaceOf is the place of one score among all.
func PlaceOf(scores []float64, at int) (p Place) {
	for n, s := range scores {
		switch {
		case n == at:
		case s > scores[at]:
			p.Higher++
		case s == scores[at]:
			p.Equal++
		}
	}
	return p
}

// Rank is the place from 1 on; equals share the mean of their places.
func (p Place) Rank() float64 { return 1 + float64(p.Higher) + float64(p.Equal)/2 }

// within is the chance to be among the first k.
func (p Place) within(k int) float64 {
	return min(1, float64(max(0, k-p.Higher))/float64(p.Equal+1))
}

// Places are those of the right pictures when every caption ranks all pictures: scores [captions, pictures], as many
// of one as of the other, caption n being of picture n.
func Places(scores []float64, pictures int) []Place {
	places := make([]Place, pictures)
	for n := range places {
		places[n] = PlaceOf(scores[n*pictures:(n+1)*pictures], n)
	}
	return places
}

// NewRetrieval sums up the places of as many captions as there are pictures.
func NewRetrieval(places []Place) Retrieval {
	r := Retrieval{Pictures: len(places)}
	if len(places) == 0 {
		return r
	}
	var ranks []float64
	for _, p := range places {
		ranks = append(ranks, p.Rank())
		r.RecallAt1 += p.within(1)
		r.RecallAt5 += p.within(5)
		r.RecallAt10 += p.within(10)
	}
	for _, recall := range []*float64{&r.RecallAt1, &r.RecallAt5, &r.RecallAt10} {
		*recall /= float64(len(places))
	}
	slices.Sort(ranks)
	middle := len(ranks) / 2
	if r.MedianRank = ranks[middle]; len(ranks)%2 == 0 {
		r.MedianRank = (ranks[middle-1] + ranks[middle]) / 2
	}
	return r
}
