package experiments_test

import (
	"math"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestAttend: a run of a decoder with attention has captions, and its captioner says the same with a distribution over the picture's
// parts for each token, which can be drawn.
func TestAttend(t *testing.T) {
	config, _ := crashFolder(t, crashData(t))
	r, err := experiments.Run(t.Context(), config, []string{"encoder.name=cnn", "encoder.size=16", "encoder.blocks=2", "encoder.channels=4", "encoder.layer=block2_pool", "encoder.normalize=none", "training.epochs=2",
		"training.checkpoint_minutes=0", "evaluation.controls=[]", "decoding.splits=validation", "runtime.tensorboard=false",
		"encoder.pooling=none", "decoder.name=attention", "decoder.attention_units=8", "evaluation.retrieval=0"}, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := predictions(t, opened(t, r.Dir))[0]
	said, err := experiments.AttendFiles(t.Context(), r.Dir, []string{first.Path}, nil, experiments.Options{})
	if err != nil || len(said) != 1 || said[0].Caption != first.Caption {
		t.Fatalf("the captioner says %+v (error %v), the run said %q", said, err, first.Caption)
	}
	a := said[0].Attention
	text := ""
	for n, token := range a.Tokens {
		sum := 0.0
		for _, w := range token.Weights {
			sum += float64(w)
		}
		if len(token.Weights) != 4*4 || math.Abs(sum-1) > 1e-5 {
			t.Errorf("token %d has %d weights, which add up to %v", n, len(token.Weights), sum)
		}
		text += token.Token
	}
	if a.Height != 4 || a.Width != 4 || strings.TrimSpace(strings.TrimSuffix(text, "<end>")) != first.Caption {
		t.Errorf("a grid of %d×%d for %q, want 4×4 for %q", a.Height, a.Width, text, first.Caption)
	}
	for _, longest := range []int{0, math.MaxInt32} {
		if _, _, err := said[0].Maps(longest); err == nil || !strings.Contains(err.Error(), "expected 1 to 4,096") {
			t.Errorf("maps of %d pixels: %v", longest, err)
		}
	}
	picture, maps, err := said[0].Maps(32)
	if err != nil || len(maps) != len(a.Tokens) || picture.Bounds().Dx() != 32 || picture.Bounds().Dy() != 24 || maps[0].Bounds() != picture.Bounds() {
		t.Errorf("%d maps of %v (error %v)", len(maps), picture, err)
	}

	said, err = experiments.CaptionFiles(t.Context(), r.Dir, []string{first.Path}, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := said[0].Maps(32); err == nil || !strings.Contains(err.Error(), "without attention") {
		t.Errorf("maps of a caption alone: error %v", err)
	}
}
