package experiments

import (
	"context"
	"slices"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/score"
)

// TestRewardedReadsAPictureOnce: a picture's features are computed once for all captions that are sampled of it, and training
// gets what it reads of a picture itself.
func TestRewardedReadsAPictureOnce(t *testing.T) {
	d, err := model.New(model.Settings{Name: "lstm", Inject: "pre", Units: 4, Embedding: 4}, model.Size{Features: 2, Vocabulary: 6})
	if err != nil {
		t.Fatal(err)
	}
	r := &rewarded{ctx: t.Context(), size: 6, samples: 3, length: 2, rows: [][]float32{{1, 2, 3}, {4, 5, 6}}, decode: func([]int32) string { return "a" }}
	settings := decode.Settings{Method: "sample", Batch: 6, Temperature: 1, TopP: 1}
	if r.sample, err = decode.New(acceltest.XLA(t), gomodel.NewStore(), d, settings, r.length); err != nil {
		t.Fatal(err)
	}
	if r.reward, err = score.NewCIDErD([][]string{{"a"}, {"b"}}); err != nil {
		t.Fatal(err)
	}
	var read [][]float32
	r.read = func(_ context.Context, rows [][]float32) ([][]float32, func(), error) {
		read = append(read, rows...)
		return [][]float32{{1, 0}, {0, 1}}, func() {}, nil
	}
	b, err := r.batch([]int{1, 0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != 2 || !slices.Equal(read[0], r.rows[1]) || !slices.Equal(read[1], r.rows[0]) {
		t.Errorf("features were computed of %v", read)
	}
	if got := b.Inputs[0].Shape().Dimensions; !slices.Equal(got, []int{6, 3}) || r.captions != 6 {
		t.Errorf("training reads %v, of %d captions", got, r.captions)
	}
}

// TestMeanOfOthers: the baseline of a sampled caption is the mean reward of the same picture's other ones.
func TestMeanOfOthers(t *testing.T) {
	got := meanOfOthers([]float64{1, 2, 6, 0, 3, 3}, 3)
	if want := []float64{4, 3.5, 1.5, 3, 1.5, 1.5}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
