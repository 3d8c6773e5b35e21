package report

import "fmt"

// ensembleFigures are an ensemble's key figures in the place of the best epoch's.
func ensembleFigures(d Data) []keyFigure {
	if d.Members == 0 || len(d.Controls) == 0 {
		return nil
	}
	model, by, same := d.Controls[0], "", ""
	if d.Members > 1 {
		by = fmt.Sprintf(", by the mean of the probabilities of %d models", d.Members)
		same = ", by the same mean"
	}
	return []keyFigure{
		{"Validation loss", fixed(model.Loss, 3), "nats a token", "Teacher-forced: each token is predicted from the true ones before it" + by + "." + paddingNote(d)},
		{"Validation accuracy", percent(model.Accuracy), "of tokens", "Teacher-forced" + same + ": accuracy a token, not the share of good captions. " +
			"Not comparable between characters and words." + paddingNote(d)},
	}
}

// noEpochs stands in the place of the learning curves.
func noEpochs(d Data) string {
	switch d.Members {
	case 0:
		return "No epoch was finished."
	case 1:
		return "Nothing was trained: the model is that of the run that ensemble.runs in the config names."
	}
	return fmt.Sprintf("Nothing was trained: %d runs are decoded together, those of ensemble.runs in the config.", d.Members)
}
