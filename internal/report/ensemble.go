package report

import (
	"fmt"

	"github.com/dustin/go-humanize/english"
)

// ensembleFigures are an ensemble's key figures in the place of the best epoch's.
func ensembleFigures(d Data) []keyFigure {
	if d.Members == 0 || len(d.Controls) == 0 {
		return nil
	}
	model := d.Controls[0]
	return []keyFigure{
		{"Validation loss", fixed(model.Loss, 3), "nats a token", fmt.Sprintf("Teacher-forced: each token is predicted from the true ones before it, "+
			"by the mean of the probabilities of %s.", english.Plural(d.Members, "model", ""))},
		{"Validation accuracy", percent(model.Accuracy), "of tokens", "Teacher-forced, by the same mean: accuracy a token, not the share of good captions. " +
			"Not comparable between characters and words."},
	}
}

// noEpochs stands in the place of the learning curves.
func noEpochs(d Data) string {
	if d.Members > 0 {
		return fmt.Sprintf("Nothing was trained: %s are decoded together, those of ensemble.runs in the config.", english.Plural(d.Members, "run", ""))
	}
	return "No epoch was finished."
}
