package report

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// keptMean is the mean of the last epochs' weights, where it and not the best epoch is the model that was kept, and what the
// report says of it.
func keptMean(d Data, best runfolder.Epoch) (mean runfolder.Epoch, text string, kept bool) {
	if d.Mean == nil || !d.Mean.Best {
		return mean, "", false
	}
	return *d.Mean, fmt.Sprintf("Of the mean of the last %d epochs' weights, which is better than any epoch by itself and was kept; the best of %s, number %d, has %s.",
		d.Mean.MeanOf, english.Plural(len(d.Epochs), "epoch", ""), best.Epoch, fixed(best.ValidationLoss, 3)), true
}

// withMean ends the table of epochs with the mean of the last ones' weights.
func withMean(t table, mean *runfolder.Epoch) table {
	if mean == nil {
		return t
	}
	name := fmt.Sprintf("mean of the last %d", mean.MeanOf)
	if mean.Best {
		name = "kept → " + name
	}
	row := []string{name, missing, fixed(mean.ValidationLoss, 4), fixed(mean.ValidationNatsPerCharacter, 4), fixed(mean.ValidationNatsPerCharacter/math.Ln2, 4),
		fixed(mean.ValidationNatsPerCaption, 2), missing, percent(mean.ValidationAccuracy), missing, fixed(mean.Seconds, 1), missing}
	if len(t.Columns) > len(row) { // what training.select names
		row = append(row, fixed(100*mean.SelectionMetric, 1))
	}
	t.row(row...)
	return t
}
