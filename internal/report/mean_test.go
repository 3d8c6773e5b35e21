package report

import (
	"math"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// TestMeanOfEpochs: the table of epochs ends with the mean of the last ones' weights, and the figures are the mean's where it
// was kept, the best epoch's where it wasn't.
func TestMeanOfEpochs(t *testing.T) {
	d := Data{Epochs: []runfolder.Epoch{{Epoch: 1, ValidationLoss: 2}, {Epoch: 2, ValidationLoss: 1.5}, {Epoch: 3, ValidationLoss: 1.75}}}
	for _, c := range []struct {
		mean  runfolder.Epoch
		value string
		row   string
	}{
		{runfolder.Epoch{Epoch: 3, MeanOf: 2, ValidationLoss: 1.25, TrainLoss: math.NaN(), Best: true}, "1.250", "kept → mean of the last 2"},
		{runfolder.Epoch{Epoch: 3, MeanOf: 2, ValidationLoss: 1.625, TrainLoss: math.NaN()}, "1.500", "mean of the last 2"},
	} {
		d.Mean = &c.mean
		figure := keyFigures(d)[0]
		if figure.Value != c.value || strings.Contains(figure.Meaning, "mean of the last 2") != c.mean.Best {
			t.Errorf("the first figure is %+v, want %s", figure, c.value)
		}
		table := withMean(epochTable(d), d.Mean)
		last := table.Rows[len(table.Rows)-1].Cells
		if len(table.Rows) != 4 || last[0] != c.row || last[2] != fixed(c.mean.ValidationLoss, 4) || len(last) != len(table.Columns) {
			t.Errorf("the last row is %q", last)
		}
	}
}

// TestEnsembleHasNoEpochs: an ensemble's first figures are those of its validation, and the page says that nothing was trained.
func TestEnsembleHasNoEpochs(t *testing.T) {
	d := Data{Members: 3, Controls: []Control{{Name: modelName, Split: "validation", Loss: 1.25, Accuracy: 0.5}}}
	figures := keyFigures(d)
	if len(figures) < 2 || figures[0].Value != "1.250" || !strings.Contains(figures[0].Meaning, "3 models") || figures[1].Value != "50.0 %" {
		t.Errorf("figures %+v", figures)
	}
	if text := noEpochs(d); !strings.Contains(text, "3 runs are decoded together") {
		t.Error(text)
	}
	if figures := keyFigures(Data{Controls: d.Controls}); len(figures) > 0 && figures[0].Name == "Validation loss" {
		t.Errorf("a run without a finished epoch has %+v", figures[0])
	}
}
