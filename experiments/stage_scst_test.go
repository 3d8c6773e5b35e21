package experiments_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestSelfCriticalEpochs: self-critical epochs follow those of cross-entropy, and say nothing of a teacher-forced training loss,
// which they have not. With one sample the baseline is the greedy caption's reward; with more there is no greedy caption, and
// the last batch may have fewer pictures than the others. There, layers of the encoder are trained, too.
func TestSelfCriticalEpochs(t *testing.T) {
	config, _ := crashFolder(t, crashData(t))
	cnn := []string{"encoder.name=cnn", "encoder.size=16", "encoder.blocks=2", "encoder.channels=4", "encoder.layer=block2_pool", "encoder.normalize=none"}
	for samples, notes := range map[string]string{"1": " sampled, ", "3": " sampled; "} {
		var trained []string
		if samples == "3" {
			trained = cnn
		}
		r, err := experiments.Run(t.Context(), config, append(trained, "training.epochs=1", "training.scst_epochs=2", "training.scst_samples="+samples,
			"training.select=cider_d", "training.batch=8", "evaluation.retrieval=0", "evaluation.controls=zeroed", "decoding.splits=validation"), experiments.Options{})
		if err != nil {
			t.Fatal(err)
		}
		epochs, err := opened(t, r.Dir).Curve()
		if err != nil || len(epochs) != 3 {
			t.Fatalf("%d epochs (%v)", len(epochs), err)
		}
		for _, e := range epochs {
			if critical := e.Epoch > 1; e.SelfCritical != critical || math.IsNaN(e.TrainLoss) != critical || math.IsNaN(e.ValidationLoss) {
				t.Errorf("%s samples: epoch %+v", samples, e)
			}
		}
		log, err := os.ReadFile(filepath.Join(r.Dir, "log.txt"))
		if err != nil || strings.Count(string(log), "self-critical: teacher-forced loss") != 2 || strings.Count(string(log), notes) != 2 {
			t.Errorf("%s samples: the log lacks %q (%v):\n%s", samples, notes, err, log)
		}
	}
}
