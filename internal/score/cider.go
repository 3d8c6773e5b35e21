package score

import (
	"context"
	"math"
)

// CIDEr (Vedantam et al. 2015) has three names here:
//
//   - cider is what pycocoevalcap returns under "CIDEr". It is CIDEr-D: coco-caption's cider_scorer.py clips the
//     candidate's weights at the reference's and has the Gaussian penalty of a length difference.
//   - cider_d is the same formula under its own name, as vrama91/cider's ciderD computes it with the document
//     frequencies of the set's own references ("corpus"): the numbers are equal.
//   - cider_plain is CIDEr by the paper's equations 2 and 3: the mean cosine, without clipping and without penalty,
//     times 10 as all that code has it, and without the paper's stemming, as vrama91/cider's cider.
//
// The document frequencies are those of the references of the whole set, in bootstrap resamples too: a score depends
// on the set that it is computed on.
const (
	ciderScale = 10
	ciderSigma = 6
)

func measureCIDErD(_ context.Context, s *set) (*measured, error)     { return measureCIDEr(s, false) }
func measureCIDErPlain(_ context.Context, s *set) (*measured, error) { return measureCIDEr(s, true) }

func measureCIDEr(s *set, plain bool) (*measured, error) {
	g := s.grams()
	m := &measured{width: 1, rows: make([]float64, len(s.images)), finish: mean}
	log := logs(len(s.images))
	all := log[len(s.images)]
	weight := func(order int, one gram) float64 { return float64(one.count) * (all - log[g.documents[order][one.id]]) }
	norm := func(p profile, order int) (sum float64) {
		for _, one := range p[order] {
			w := weight(order, one)
			sum += w * w
		}
		return math.Sqrt(sum)
	}
	// bigrams is what cider_scorer.py takes for a caption's length.
	bigrams := func(n int) float64 { return float64(max(0, len(s.tokens()[n].words)-1)) }
	parallel(len(s.images), func(image int) {
		candidate := s.first[image]
		mine := g.profiles[candidate]
		var norms [maxOrder]float64
		for order := range maxOrder {
			norms[order] = norm(mine, order)
		}
		total := 0.
		for n := candidate + 1; n < s.first[image+1]; n++ {
			theirs := g.profiles[n]
			penalty := 1.
			if d := bigrams(candidate) - bigrams(n); !plain {
				penalty = math.Exp(-d * d / (2 * ciderSigma * ciderSigma))
			}
			for order := range maxOrder {
				value := 0.
				common(mine[order], theirs[order], func(at int, count int32) {
					one := mine[order][at]
					w, r := weight(order, one), weight(order, gram{one.id, count})
					if !plain {
						w = min(w, r)
					}
					value += w * r
				})
				if other := norm(theirs, order); norms[order] != 0 && other != 0 {
					value /= norms[order] * other
				}
				total += value * penalty
			}
		}
		m.rows[image] = ciderScale * total / maxOrder / float64(s.first[image+1]-candidate-1)
	})
	return m, nil
}

func signCIDEr(name string, s *set) string {
	pairs := []string{"case:lc", "clip:yes", "df:references", "n:4", "sigma:6", "stem:no", "tok:" + tokenizer}
	switch name {
	case "cider":
		return signature("CIDEr", s, reference, append([]string{"variant:d"}, pairs...)...)
	case "cider_d":
		return signature("CIDEr-D", s, reference, pairs...)
	}
	return signature("CIDEr", s, "vedantam-2015", "variant:plain", "case:lc", "clip:no", "df:references", "n:4", "sigma:none", "stem:no", "tok:"+tokenizer)
}
