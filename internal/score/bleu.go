package score

import (
	"context"
	"math"
	"strings"
)

// The columns of BLEU's rows: the candidate's length, that of the closest reference, then for every n-gram length the
// candidate's n-grams and how many of them a reference has.
const (
	bleuLength = iota
	bleuReference
	bleuGrams
	bleuMatches = bleuGrams + maxOrder
	bleuWidth   = bleuMatches + maxOrder
)

// measureBLEU is BLEU (Papineni et al. 2002) as coco-caption computes it (bleu_scorer.py, option closest): the
// reference length of an image is that of the reference closest in length, the shorter of two. Images have the same
// formula as corpora, without smoothing but for the tiny numbers that avoid a division by zero.
func measureBLEU(_ context.Context, s *set) (*measured, error) {
	g := s.grams()
	m := &measured{width: bleuWidth, rows: make([]float64, len(s.images)*bleuWidth), finish: finishBLEU}
	parallelWith(len(s.images), func() func(int) {
		var most []int32 // of each of the candidate's n-grams, the most that one reference has
		return func(image int) {
			row := m.rows[image*bleuWidth : (image+1)*bleuWidth]
			candidate, references := s.of(image)
			length := len(candidate.words)
			closest := -1
			for _, r := range references {
				n := len(r.words)
				if d, best := abs(n-length), abs(closest-length); closest < 0 || d < best || d == best && n < closest {
					closest = n
				}
			}
			row[bleuLength], row[bleuReference] = float64(length), float64(closest)
			for order := range maxOrder {
				row[bleuGrams+order] = float64(max(0, length-order))
				mine := g.profiles[s.first[image]][order]
				most = append(most[:0], make([]int32, len(mine))...)
				for n := s.first[image] + 1; n < s.first[image+1]; n++ {
					common(mine, g.profiles[n][order], func(at int, theirs int32) { most[at] = max(most[at], theirs) })
				}
				matches := int32(0)
				for at, one := range mine {
					matches += min(one.count, most[at])
				}
				row[bleuMatches+order] = float64(matches)
			}
		}
	})
	return m, nil
}

// common calls found for every n-gram of a that b has too.
func common(a, b []gram, found func(at int, count int32)) {
	at := 0
	for _, one := range b {
		for at < len(a) && a[at].id < one.id {
			at++
		}
		if at == len(a) {
			return
		}
		if a[at].id == one.id {
			found(at, one.count)
		}
	}
}

func finishBLEU(sum []float64, _ float64, scores []float64) {
	const small, tiny = 1e-9, 1e-15 // as bleu_scorer.py has them
	ratio := (sum[bleuLength] + tiny) / (sum[bleuReference] + small)
	penalty := 1.
	if ratio < 1 {
		penalty = math.Exp(1 - 1/ratio)
	}
	product := 1.
	for order := range maxOrder {
		product *= (sum[bleuMatches+order] + tiny) / (sum[bleuGrams+order] + small)
		scores[order] = math.Pow(product, 1/float64(order+1)) * penalty
	}
}

func signBLEU(name string, s *set) string {
	return signature(strings.ToUpper(strings.Replace(name, "_", "-", 1)), s, reference, "case:lc", "ref_len:closest", "smooth:none", "tok:"+tokenizer)
}

// What signatures call the tokenizer, and the code whose numbers the metrics have.
const (
	tokenizer = "ptb-corenlp-3.4.1-nopunct"
	reference = "pycocoevalcap-1.2"
)

func abs(n int) int { return max(n, -n) }
