package report

import (
	"fmt"
	"math"

	"github.com/captionlab/captionlab/internal/score"
)

// retrievalTable shows how well captions find their pictures, beside what chance gives.
func retrievalTable(d Data) (table, string) {
	if d.Retrieval == nil || len(d.Controls) == 0 {
		return table{}, ""
	}
	r := d.Retrieval
	n := float64(r.Pictures)
	k := func(k float64) float64 { return math.Min(1, k/n) }
	chance := &score.Retrieval{RecallAt1: k(1), RecallAt5: k(5), RecallAt10: k(10), MedianRank: (n + 1) / 2}
	note := fmt.Sprintf("Perplexity is %s a token (validation, teacher-forced). For each of %d validation pictures, its first caption ranks all %d of them by "+
		"the probability that they give it (Tanti et al. 2018).", fixed(math.Exp(d.Controls[0].Loss), 2), r.Pictures, r.Pictures)
	columns, all := []string{"Model", "Chance"}, []*score.Retrieval{r, chance}
	if d.RetrievalBoth != nil {
		columns, all = []string{"Forward", "Both directions", "Chance"}, []*score.Retrieval{r, d.RetrievalBoth, chance}
		note += " Forward is the direction from left to right, of which perplexity is; both directions rank by the sum of their log-probabilities."
	}
	t := table{Caption: "Pictures found by the likelihood of their captions", Columns: []column{{Name: "Figure"}}}
	for _, name := range columns {
		t.Columns = append(t.Columns, column{Name: name, Number: true})
	}
	row := func(name string, of func(*score.Retrieval) string) {
		cells := []string{name}
		for _, r := range all {
			cells = append(cells, of(r))
		}
		t.row(cells...)
	}
	row("Recall at 1", func(r *score.Retrieval) string { return percent(r.RecallAt1) })
	row("Recall at 5", func(r *score.Retrieval) string { return percent(r.RecallAt5) })
	row("Recall at 10", func(r *score.Retrieval) string { return percent(r.RecallAt10) })
	row("Median rank", func(r *score.Retrieval) string { return fixed(r.MedianRank, 1) })
	return t, note
}
