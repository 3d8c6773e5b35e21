package score

import "context"

// chrF's setting (Popović 2015): character n-grams up to 6, recall weighs twice as much.
const (
	chrfOrder = 6
	chrfBeta  = 2
	chrfWidth = 3 * chrfOrder // for each length: the candidate's n-grams, the reference's, and those in common
)

// measureCHRF is chrF2 as sacreBLEU computes it with its default settings, from captions as they are written, without
// white space; as a fraction. Of several references, the one with the best score counts.
func measureCHRF(_ context.Context, s *set) (*measured, error) {
	m := &measured{width: chrfWidth, rows: make([]float64, len(s.images)*chrfWidth), finish: finishCHRF}
	parallelWith(len(s.images), func() func(int) {
		var c charGrams
		return func(n int) {
			image := s.images[n]
			c.learn(characters(image.Candidate))
			best := -1.
			for _, r := range image.References {
				row := c.row(characters(r))
				var score [1]float64
				if finishCHRF(row[:], 1, score[:]); score[0] > best {
					best = score[0]
					copy(m.rows[n*chrfWidth:], row[:])
				}
			}
		}
	})
	return m, nil
}

// characters are the code points that are no white space.
func characters(text string) []rune {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if !space(r) {
			out = append(out, r)
		}
	}
	return out
}

// charGrams counts the n-grams of one candidate, to compare references with.
type charGrams struct {
	length int
	table  [chrfOrder]*table
	counts [chrfOrder][]int32 // by n-gram
	theirs []int32            // the same of a reference
	ids    []int32            // at each place the number of the n-gram that begins there; -1: the candidate lacks it
}

// learn numbers the candidate's n-grams: each is the pair of the number of all but its last character, and that.
func (c *charGrams) learn(text []rune) {
	c.length = len(text)
	ids := make([]int32, len(text))
	for order := range chrfOrder {
		places := max(0, len(text)-order)
		t := newTable(places)
		for at := range places {
			ids[at] = t.number(uint64(uint32(ids[at]))<<32 | uint64(text[at+order]))
		}
		c.table[order] = t
		c.counts[order] = append(c.counts[order][:0], make([]int32, t.used)...)
		for _, id := range ids[:places] {
			c.counts[order][id]++
		}
	}
}

// row are the statistics of the candidate and a reference.
func (c *charGrams) row(text []rune) (row [chrfWidth]float64) {
	c.ids = append(c.ids[:0], make([]int32, len(text))...)
	for order := range chrfOrder {
		places := max(0, len(text)-order)
		counts := c.counts[order]
		c.theirs = append(c.theirs[:0], make([]int32, len(counts))...)
		matches := 0
		for at := range places {
			id := c.ids[at]
			if id >= 0 {
				id = c.table[order].find(uint64(uint32(id))<<32 | uint64(text[at+order]))
				c.ids[at] = id
			}
			if id >= 0 {
				if c.theirs[id]++; c.theirs[id] <= counts[id] {
					matches++
				}
			}
		}
		if places > 0 { // an order that the reference has no n-gram of does not count
			row[3*order] = float64(max(0, c.length-order))
		}
		row[3*order+1], row[3*order+2] = float64(places), float64(matches)
	}
	return row
}

func finishCHRF(sum []float64, _ float64, scores []float64) {
	var precision, recall, orders float64
	for n := 0; n < chrfWidth; n += 3 {
		if sum[n] > 0 && sum[n+1] > 0 {
			precision += sum[n+2] / sum[n]
			recall += sum[n+2] / sum[n+1]
			orders++
		}
	}
	scores[0] = 0
	if precision+recall > 0 {
		precision, recall = precision/orders, recall/orders
		scores[0] = (1 + chrfBeta*chrfBeta) * precision * recall / (chrfBeta*chrfBeta*precision + recall)
	}
}

func signCHRF(_ string, s *set) string {
	return signature("chrF2", s, "sacrebleu-2.6.0", "case:mixed", "eff:yes", "nc:6", "nw:0", "space:no")
}
