package config

import (
	"os"
	"slices"

	"github.com/captionlab/captionlab/internal/checkout"
)

// checkEnsemble wants run folders, and nothing that would need training.
func (l *loader) checkEnsemble() {
	runs := l.config.Ensemble.Runs
	if len(runs) == 0 {
		return
	}
	for _, run := range runs {
		if stat, err := os.Stat(checkout.Find(run)); err != nil || !stat.IsDir() {
			l.refuse([]string{"ensemble.runs"}, "expected run folders; there is no folder %s", run)
		}
	}
	if slices.Contains(l.config.Evaluation.Controls, "blind") {
		l.refuse([]string{"evaluation.controls", "ensemble.runs"}, "the blind control is a second training, and an ensemble trains nothing; expected \"zeroed\" and \"shuffled\" at most")
	}
}
