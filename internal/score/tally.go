package score

import (
	"maps"
	"slices"
)

// Tally counts predictions of tokens, each right or wrong.
//
// With the counts of one token against all others, a confusion matrix has the accuracy (TP + TN) / (TP + TN + FP + FN).
// Over all tokens at once that is the diagonal's share, Correct / Total: every token counts the same, so that frequent
// ones decide (micro-averaged). Macro is the mean of the tokens' own shares TP / (TP + FN): every kind of token counts
// the same (macro-averaged recall).
type Tally struct {
	Correct, Total int
	of             map[string]*[2]int // by true token: right, all
}

// NewTally is a tally without counts.
func NewTally() *Tally { return &Tally{of: map[string]*[2]int{}} }

// Add counts one prediction. A token that was added in an alignment, where nothing is true, counts in Total alone.
func (t *Tally) Add(truth, predicted string) {
	t.Total++
	if truth == Nothing {
		return
	}
	of := t.of[truth]
	if of == nil {
		of = new([2]int)
		t.of[truth] = of
	}
	of[1]++
	if truth == predicted {
		of[0]++
		t.Correct++
	}
}

// Micro is Correct / Total; 0 without counts.
func (t *Tally) Micro() float64 { return float64(t.Correct) / float64(max(t.Total, 1)) }

// Macro is the mean share of right ones over the true tokens; 0 without counts.
func (t *Tally) Macro() float64 {
	sum := 0.0
	for _, token := range slices.Sorted(maps.Keys(t.of)) { // in an order: sums of fractions depend on it
		sum += float64(t.of[token][0]) / float64(t.of[token][1])
	}
	return sum / float64(max(len(t.of), 1))
}
