package encoder_test

import (
	"io"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// TestTrainFrom: where training may begin, and what is kept of a picture then.
func TestTrainFrom(t *testing.T) {
	for _, c := range []struct {
		reason          string
		settings        encoder.Settings
		kept            string // the layer
		size, trainable int    // its values, and the parameters that are trained
		err             string
	}{
		{"VGG16's last block", encoder.Settings{Name: "vgg16", Layer: "block5_pool", TrainFrom: "block5_conv1"}, "block4_pool", 14 * 14 * 512, 7_079_424, ""},
		{"its last convolution, for attention", encoder.Settings{Name: "vgg16", Layer: "block5_conv3", TrainFrom: "block5_conv3"}, "block5_conv2", 14 * 14 * 512, 2_359_808, ""},
		{"all of it", encoder.Settings{Name: "vgg16", Layer: "block1_conv2", TrainFrom: "block1_conv1"}, "input_layer", 224 * 224 * 3, 38_720, ""},
		{"a dense layer", encoder.Settings{Name: "vgg16", Layer: "fc2", TrainFrom: "fc2"}, "fc1", 4096, 4096*4096 + 4096, ""},
		{"none", encoder.Settings{Name: "vgg16", Layer: "block5_pool"}, "block5_pool", 7 * 7 * 512, 0, ""},
		// 14,998,528 parameters, 22,528 of them moving statistics.
		{"a residual stage", encoder.Settings{Name: "resnet50", TrainFrom: "conv5_block1_1_conv"}, "conv4_block6_out", 14 * 14 * 1024, 14_976_000, ""},
		{"a small CNN", encoder.Settings{Name: "cnn"}, "input_layer", 64 * 64 * 3, 388_416, ""},
		{"a smaller one", encoder.Settings{Name: "cnn", Size: 32, Blocks: 1, Channels: 8}, "input_layer", 32 * 32 * 3, 3*9*8 + 8, ""},
		{"within a residual block", encoder.Settings{Name: "resnet50", TrainFrom: "conv5_block2_2_conv"}, "", 0, 0,
			"read the outputs of conv5_block2_1_relu and conv5_block1_out, and one layer's is kept of each picture; expected a layer as conv5_block2_1_conv"},
		{"no such layer", encoder.Settings{Name: "vgg16", Layer: "block5_pool", TrainFrom: "block5_conv4"}, "", 0, 0, `no layer "block5_conv4" (did you mean "block5_conv`},
		{"after the tapped one", encoder.Settings{Name: "vgg16", Layer: "block4_pool", TrainFrom: "block5_conv1"}, "", 0, 0, "block5_conv1 is not among the layers that block4_pool needs"},
		{"nothing to train", encoder.Settings{Name: "vgg16", Layer: "block5_pool", TrainFrom: "block5_pool"}, "", 0, 0, "there is nothing to train"},
		{"the picture", encoder.Settings{Name: "vgg16", Layer: "block5_pool", TrainFrom: "input_layer"}, "", 0, 0, "expected a layer after it, as block1_conv1"},
		{"classes", encoder.Settings{Name: "vgg16", Layer: "predictions", TrainFrom: "fc2"}, "", 0, 0, "encoder.layer: the probabilities of predictions are not trained"},
		{"imported", encoder.Settings{Name: "onnx", Weights: "testdata/cnn_first.onnx", TrainFrom: "x"}, "", 0, 0, "the layers of an ONNX file are not trained"},
		{"a part of what begins at random", encoder.Settings{Name: "cnn", TrainFrom: "block2_conv1"}, "", 0, 0, "encoder.train_from: cnn begins at random"},
		{"statistics of random features", encoder.Settings{Name: "cnn", Normalize: "standardize"}, "", 0, 0, "encoder.normalize: cnn begins at random"},
		{"too many halvings", encoder.Settings{Name: "cnn", Size: 16, Blocks: 5}, "", 0, 0, "encoder.size: 5 blocks halve 16 pixels to nothing; expected encoder.size of at least 32"},
		{"no parameters up to the layer", encoder.Settings{Name: "cnn", Layer: "input_layer"}, "", 0, 0, "encoder.train_from: block1_conv1 is not among the layers that input_layer needs"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			e, err := encoder.New(c.settings)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			trainable := 0
			for _, l := range e.TappedLayers() {
				if e.IsTrained(l.Name) {
					trainable += l.Params - l.Fixed
				}
			}
			frozen := e.Frozen()
			if frozen.Layer() != c.kept || frozen.FeatureSize() != c.size || trainable != c.trainable || e.Trains() != (trainable > 0) {
				t.Errorf("kept %s of %d values, %d trained parameters, want %s, %d, %d", frozen.Layer(), frozen.FeatureSize(), trainable, c.kept, c.size, c.trainable)
			}
			if frozen.Trains() || frozen.Frozen().Layer() != frozen.Layer() {
				t.Error("layers of the frozen part are trained")
			}
		})
	}
}

// TestFrozenSharesTheCache: what is kept for training from a layer on is what a run without training has of the layer before
// it, and the layer is part of its fingerprint.
func TestFrozenSharesTheCache(t *testing.T) {
	fingerprint := func(s encoder.Settings) string {
		e, err := encoder.New(s)
		if err != nil {
			t.Fatal(err)
		}
		return e.Frozen().Fingerprint()
	}
	fine := fingerprint(encoder.Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", TrainFrom: "block5_conv1"})
	if plain := fingerprint(encoder.Settings{Name: "vgg16", Layer: "block4_pool", Pooling: "none"}); plain != fine {
		t.Error("the kept values don't share the cache of the same layer's")
	}
	for _, other := range []encoder.Settings{
		{Name: "vgg16", Layer: "block5_pool", Pooling: "avg"},
		{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", TrainFrom: "block5_conv2"},
	} {
		if fingerprint(other) == fine {
			t.Errorf("%+v has the same fingerprint", other)
		}
	}
	if fingerprint(encoder.Settings{Name: "cnn", Size: 32}) == fingerprint(encoder.Settings{Name: "cnn", Size: 64}) {
		t.Error("pictures of 32 and of 64 pixels share a cache")
	}
}

// TestTrainedGoOnFromFrozen: the frozen part and the trained layers after it give what the whole encoder gives, and batch
// normalization's moving statistics are not trained.
func TestTrainedGoOnFromFrozen(t *testing.T) {
	for _, c := range []struct {
		settings  encoder.Settings
		trainable []string
	}{
		{encoder.Settings{Name: "vgg16", Layer: "block1_conv1", Pooling: "max", Weights: "testdata/keras.safetensors", TrainFrom: "block1_conv1"},
			[]string{"/block1_conv1/kernel", "/block1_conv1/bias"}},
		{encoder.Settings{Name: "efficientnet_lite0", Layer: "stem_bn", Pooling: "avg", Weights: "testdata/stem.h5", TrainFrom: "stem_bn"},
			[]string{"/stem_bn/gamma", "/stem_bn/beta"}},
	} {
		e := load(t, c.settings)
		trained, err := e.Trained()
		if err != nil {
			t.Fatal(err)
		}
		pixels := make([]uint8, 224*224*3)
		for n := range pixels {
			pixels[n] = uint8(n * 2654435761 >> 7)
		}
		run := func(e *encoder.Encoder) *tensors.Tensor {
			store := model.NewStore()
			if err := e.Install(store); err != nil {
				t.Fatal(err)
			}
			return model.MustNewExec(acceltest.XLA(t), store, func(scope *model.Scope, x *Node) *Node {
				return Reshape(e.Graph(scope, x), 1, -1)
			}).MustCall(tensors.FromFlatDataAndDimensions(pixels, 1, 224, 224, 3))[0]
		}
		want, kept := tensors.MustCopyFlatData[float32](run(e)), run(e.Frozen())
		if kept.Shape().Dim(1) != trained.InputSize() {
			t.Fatalf("%d values are kept, %d read", kept.Shape().Dim(1), trained.InputSize())
		}
		store := model.NewStore()
		got := tensors.MustCopyFlatData[float32](model.MustNewExec(acceltest.XLA(t), store, trained.Graph).MustCall(kept)[0])
		if len(got) != len(want) {
			t.Fatalf("%s: %d features, want %d", c.settings.Name, len(got), len(want))
		}
		for n := range want {
			if math.Abs(float64(got[n]-want[n])) > 1e-4*math.Max(1, math.Abs(float64(want[n]))) {
				t.Errorf("%s: feature %d is %g, want %g", c.settings.Name, n, got[n], want[n])
				break
			}
		}
		var trainable []string
		for v := range store.IterVariables() {
			if v.Trainable {
				trainable = append(trainable, v.Path())
			}
		}
		if strings.Join(trainable, " ") != strings.Join(c.trainable, " ") {
			t.Errorf("%s: %v are trained, want %v", c.settings.Name, trainable, c.trainable)
		}
	}
}

// TestNetworkWithoutWeights: there is nothing to load, and a file is refused.
func TestNetworkWithoutWeights(t *testing.T) {
	if _, problems := encoder.Check(encoder.Settings{Name: "cnn", Sources: []string{"pypi"}}); len(problems) > 0 {
		t.Error(problems.Err())
	}
	if _, problems := encoder.Check(encoder.Settings{Name: "cnn", Weights: "x.onnx"}); len(problems) != 1 || problems[0].Keys[0] != "encoder.weights" {
		t.Errorf("a file of weights: %v", problems.Err())
	}
	e, err := encoder.New(encoder.Settings{Name: "cnn"})
	if err == nil {
		err = e.LoadWeights(t.Context(), t.TempDir(), io.Discard)
	}
	if err != nil || e.WeightsHash() != "" || e.Preprocessing() != "tf" {
		t.Errorf("hash %q, preprocessing %q, error %v", e.WeightsHash(), e.Preprocessing(), err)
	}
}
