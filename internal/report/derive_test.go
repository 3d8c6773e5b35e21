package report

import (
	"math"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// TestBestEpoch: the loss's lowest, or the metric's highest where one selects; the first of equals.
func TestBestEpoch(t *testing.T) {
	byLoss := []runfolder.Epoch{{Epoch: 1, ValidationLoss: math.NaN()}, {Epoch: 2, ValidationLoss: 2}, {Epoch: 3, ValidationLoss: 1}, {Epoch: 4, ValidationLoss: 1}}
	metric := []runfolder.Epoch{{Epoch: 1, ValidationLoss: 3}, {Epoch: 2, ValidationLoss: 2, SelectionMetric: 0.4},
		{Epoch: 3, ValidationLoss: 1, SelectionMetric: 0.1}, {Epoch: 4, ValidationLoss: 4, SelectionMetric: 0.4}}
	for want, epochs := range map[int][]runfolder.Epoch{3: byLoss, 2: metric} {
		if best, ok := bestEpoch(epochs); !ok || best.Epoch != want {
			t.Errorf("epoch %d (%v), want %d", best.Epoch, ok, want)
		}
	}
	if _, ok := bestEpoch(nil); ok {
		t.Error("no epochs have a best one")
	}
	if table := epochTable(metric); len(table.Columns) != len(table.Rows[0].Cells) {
		t.Errorf("%d columns, %d cells", len(table.Columns), len(table.Rows[0].Cells))
	}
}
