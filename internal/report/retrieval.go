package report

import (
	"fmt"
	"math"
)

// retrievalTable shows how well captions find their pictures, beside what chance gives.
func retrievalTable(d Data) (table, string) {
	if d.Retrieval == nil || len(d.Controls) == 0 {
		return table{}, ""
	}
	r := d.Retrieval
	t := table{Caption: "Pictures found by the likelihood of their captions", Columns: []column{
		{Name: "Figure"}, {Name: "Model", Number: true}, {Name: "Chance", Number: true},
	}}
	n := float64(r.Pictures)
	chance := func(k float64) string { return percent(math.Min(1, k/n)) }
	t.row("Recall at 1", percent(r.RecallAt1), chance(1))
	t.row("Recall at 5", percent(r.RecallAt5), chance(5))
	t.row("Recall at 10", percent(r.RecallAt10), chance(10))
	t.row("Median rank", fixed(r.MedianRank, 1), fixed((n+1)/2, 1))
	return t, fmt.Sprintf("Perplexity is %s a token (validation, teacher-forced). For each of %d validation pictures, its first caption ranks all %d of them by "+
		"the probability that they give it (Tanti et al. 2018).", fixed(math.Exp(d.Controls[0].Loss), 2), r.Pictures, r.Pictures)
}
