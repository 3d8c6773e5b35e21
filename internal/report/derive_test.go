package report

import (
	"math"
	"strings"
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

// TestCountedPadding: loss and accuracy that padding is among say so.
func TestCountedPadding(t *testing.T) {
	for padding, want := range map[string]int{"masked": 0, "counted": 4} {
		d := Data{Epochs: []runfolder.Epoch{{Epoch: 1, ValidationLoss: 1}}, Resolved: "[training]\npadding = \"" + padding + "\"\n"}
		n := 0
		for _, f := range keyFigures(d) {
			n += strings.Count(f.Meaning, "Padding counts")
		}
		for _, p := range plotFigures(d) {
			n += strings.Count(p.Meaning, "Padding counts")
		}
		if n != want {
			t.Errorf("%s: said %d times, want %d", padding, n, want)
		}
	}
}
