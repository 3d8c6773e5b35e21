package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/score"
)

// TestRetrievalOfBothDirections: what a bidirectional decoder finds by both directions stands beside what the forward one finds,
// under another name.
func TestRetrievalOfBothDirections(t *testing.T) {
	d := Data{Controls: []Control{{Name: modelName, Loss: 1}}, Retrieval: &score.Retrieval{Pictures: 20, RecallAt1: 0.1, RecallAt5: 0.3, RecallAt10: 0.4, MedianRank: 8},
		RetrievalBoth: &score.Retrieval{Pictures: 20, RecallAt1: 0.2, RecallAt5: 0.35, RecallAt10: 0.5, MedianRank: 6.5}}
	table, note := retrievalTable(d)
	var cells []string
	for _, c := range table.Columns {
		cells = append(cells, c.Name)
	}
	for _, r := range table.Rows {
		cells = append(cells, r.Cells...)
	}
	want := []string{"Figure", "Forward", "Both directions", "Chance",
		"Recall at 1", "10.0 %", "20.0 %", "5.0 %", "Recall at 5", "30.0 %", "35.0 %", "25.0 %",
		"Recall at 10", "40.0 %", "50.0 %", "50.0 %", "Median rank", "8.0", "6.5", "10.5"}
	if !slices.Equal(cells, want) || !strings.Contains(note, "sum of their log-probabilities") {
		t.Errorf("the table is %q, want %q; %s", cells, want, note)
	}
}
