package score

import "testing"

func TestTally(t *testing.T) {
	for _, c := range []struct {
		reason         string
		pairs          []string // truth and prediction
		correct, total int
		micro, macro   float64
	}{
		{"nothing", nil, 0, 0, 0, 0},
		{"the frequent token decides micro, not macro", []string{"aa", "aa", "aa", "ba"}, 3, 4, 0.75, 0.5},
		{"a token never predicted right, one always", []string{"ab", "bb", "cc", "ca"}, 2, 4, 0.5, 0.5},
		{"an added token is wrong, and no kind of token", []string{"aa", "∅b", "b∅"}, 1, 3, 1.0 / 3, 0.5},
		{"nothing is never right", []string{"∅∅"}, 0, 1, 0, 0},
	} {
		got := NewTally()
		for _, pair := range c.pairs {
			r := []rune(pair)
			got.Add(string(r[0]), string(r[1]))
		}
		if got.Correct != c.correct || got.Total != c.total || got.Micro() != c.micro || got.Macro() != c.macro {
			t.Errorf("%s: %d of %d, %g, %g", c.reason, got.Correct, got.Total, got.Micro(), got.Macro())
		}
	}
	// A matrix that has every token is the same: its accuracy is micro.
	matrix, tally := NewConfusion([]string{"a", "b", "c"}), NewTally()
	for _, pair := range []string{"aa", "ab", "bb", "ca", "cc", "cc"} {
		matrix.Add(pair[:1], pair[1:])
		tally.Add(pair[:1], pair[1:])
	}
	if matrix.Accuracy() != tally.Micro() || matrix.Total() != tally.Total {
		t.Errorf("matrix %g of %d, tally %g of %d", matrix.Accuracy(), matrix.Total(), tally.Micro(), tally.Total)
	}
}
