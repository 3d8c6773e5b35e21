package score

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"unicode"

	"github.com/rivo/uniseg"
)

// Confusion is a confusion matrix: Counts[t][p] is how often the true label t was predicted as p. Its accuracy is
// (TP + TN) / (TP + TN + FP + FN) of the two-class case, generalised: the diagonal's share of all counts.
type Confusion struct {
	Labels []string
	Counts [][]int
	at     map[string]int
}

// NewConfusion is a matrix without counts.
func NewConfusion(labels []string) *Confusion {
	c := &Confusion{Labels: labels, at: make(map[string]int, len(labels))}
	for n, label := range labels {
		c.at[label] = n
		c.Counts = append(c.Counts, make([]int, len(labels)))
	}
	return c
}

// Add counts one prediction. Labels that the matrix lacks count as Other, or, where it has no such label, not at all.
func (c *Confusion) Add(truth, predicted string) {
	t, p := c.index(truth), c.index(predicted)
	if t >= 0 && p >= 0 {
		c.Counts[t][p]++
	}
}

func (c *Confusion) index(label string) int {
	if n, ok := c.at[label]; ok {
		return n
	}
	if n, ok := c.at[Other]; ok {
		return n
	}
	return -1
}

// Other is the label of the tokens that have none of their own; Nothing is what stands against a token that was left
// out or added, in alignments by edit distance.
const (
	Other   = "other"
	Nothing = "∅"
)

// Total is the number of predictions.
func (c *Confusion) Total() int {
	total := 0
	for _, row := range c.Counts {
		for _, n := range row {
			total += n
		}
	}
	return total
}

// Accuracy is the share of predictions on the diagonal; 0 when there are none.
func (c *Confusion) Accuracy() float64 {
	hits := 0
	for n := range c.Counts {
		hits += c.Counts[n][n]
	}
	return float64(hits) / float64(max(c.Total(), 1))
}

// Shares are the counts with every row divided by its sum: what became of each true label. A row without counts is 0.
func (c *Confusion) Shares() [][]float64 {
	shares := make([][]float64, len(c.Counts))
	for t, row := range c.Counts {
		sum := 0
		for _, n := range row {
			sum += n
		}
		shares[t] = make([]float64, len(row))
		for p, n := range row {
			shares[t][p] = float64(n) / float64(max(sum, 1))
		}
	}
	return shares
}

// WriteCSV writes the matrix, a row a true label: counts, or shares of the row.
func (c *Confusion) WriteCSV(w io.Writer, shares bool) error {
	out := csv.NewWriter(w)
	record := append([]string{`true \ predicted`}, c.Labels...)
	if err := out.Write(record); err != nil {
		return err
	}
	share := c.Shares()
	for t, label := range c.Labels {
		record = append(record[:0], label)
		for p, n := range c.Counts[t] {
			if shares {
				record = append(record, strconv.FormatFloat(share[t][p], 'f', 6, 64))
			} else {
				record = append(record, strconv.Itoa(n))
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Classes are the classes of tokens, in the order of their matrix.
var Classes = []string{"letter", "digit", "space", "punctuation", "emoji", "end", Other}

// Bytes is the class of the tokens that are part of a character, which tokenizers of bytes have besides Classes.
const Bytes = "bytes"

// Class is the class of a token by its first character that is not a space; of the end token it is "end". Where tokens are single
// code points, whatever can be shown as an emoji is one, and so are the pieces of emoji: what follows a base is another token.
func Class(token string, isEnd, codePoints bool) string {
	if isEnd {
		return "end"
	}
	space := false
	for text, state := token, -1; text != ""; {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		r := []rune(cluster)[0]
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case unicode.IsLetter(r):
			return "letter"
		case unicode.IsDigit(r) && len([]rune(cluster)) == 1:
			return "digit"
		case isEmoji(cluster, codePoints):
			return "emoji"
		case unicode.IsPunct(r) || unicode.IsSymbol(r):
			return "punctuation"
		}
		return Other
	}
	if space {
		return "space"
	}
	return Other
}

// isEmoji is whether a grapheme cluster is an emoji as ReadEmoji has it, a fragment of one, or, of code points, its base.
func isEmoji(cluster string, codePoints bool) bool {
	runes := []rune(cluster)
	end, whole := parseEmoji(runes)
	base := codePoints && runes[0] >= 0x80 && unicode.Is(emojiRunes, runes[0])
	return whole || base || fragment(runes, end) != ""
}

// Alignment is one step of the way from a reference to a candidate: equal or different tokens, or Nothing on one side.
type Alignment struct{ Reference, Candidate string }

// Align is a shortest way from the reference's tokens to the candidate's by insertions, deletions and substitutions
// (Levenshtein 1966), and its length. Of equally short ways the one is taken that, from the end, has at each step a match or a
// substitution where it can, else a deletion.
func Align(reference, candidate []string) (steps []Alignment, distance int) {
	rows, columns := len(reference)+1, len(candidate)+1
	cost := make([]int, rows*columns)
	for i := range rows {
		for j := range columns {
			switch {
			case i == 0:
				cost[j] = j
			case j == 0:
				cost[i*columns] = i
			default:
				substitute := cost[(i-1)*columns+j-1]
				if reference[i-1] != candidate[j-1] {
					substitute++
				}
				cost[i*columns+j] = min(substitute, cost[(i-1)*columns+j]+1, cost[i*columns+j-1]+1)
			}
		}
	}
	for i, j := rows-1, columns-1; i > 0 || j > 0; {
		here := cost[i*columns+j]
		switch {
		case i > 0 && j > 0 && (reference[i-1] == candidate[j-1] && here == cost[(i-1)*columns+j-1] ||
			reference[i-1] != candidate[j-1] && here == cost[(i-1)*columns+j-1]+1):
			steps = append(steps, Alignment{reference[i-1], candidate[j-1]})
			i, j = i-1, j-1
		case i > 0 && here == cost[(i-1)*columns+j]+1:
			steps = append(steps, Alignment{reference[i-1], Nothing})
			i--
		default:
			steps = append(steps, Alignment{Nothing, candidate[j-1]})
			j--
		}
	}
	slices.Reverse(steps)
	return steps, cost[len(cost)-1]
}
