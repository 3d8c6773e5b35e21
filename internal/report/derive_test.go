package report

import (
	"math"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// TestBestEpoch: the loss's lowest, or the metric's highest where one selects, even if no caption scores anything; the first of equals.
func TestBestEpoch(t *testing.T) {
	byLoss := []runfolder.Epoch{{Epoch: 1, ValidationLoss: math.NaN()}, {Epoch: 2, ValidationLoss: 2}, {Epoch: 3, ValidationLoss: 1}, {Epoch: 4, ValidationLoss: 1}}
	metric := []runfolder.Epoch{{Epoch: 1, ValidationLoss: 3}, {Epoch: 2, ValidationLoss: 2, SelectionMetric: 0.4},
		{Epoch: 3, ValidationLoss: 1, SelectionMetric: 0.1}, {Epoch: 4, ValidationLoss: 4, SelectionMetric: 0.4}}
	for _, c := range []struct {
		by     string
		epochs []runfolder.Epoch
		want   int
	}{{"loss", byLoss, 3}, {"cider_d", metric, 2}, {"cider_d", byLoss, 1}} {
		d := Data{Epochs: c.epochs, Resolved: "[training]\nselect = \"" + c.by + "\"\n"}
		if best, ok := bestEpoch(d); !ok || best.Epoch != c.want {
			t.Errorf("by %s: epoch %d (%v), want %d", c.by, best.Epoch, ok, c.want)
		}
		if table := epochTable(d); len(table.Columns) != len(table.Rows[0].Cells) {
			t.Errorf("by %s: %d columns, %d cells", c.by, len(table.Columns), len(table.Rows[0].Cells))
		}
	}
	if _, ok := bestEpoch(Data{}); ok {
		t.Error("no epochs have a best one")
	}
}
