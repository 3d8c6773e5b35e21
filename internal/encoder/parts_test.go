package encoder_test

import (
	"encoding/json"
	"io"
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

func withWeights(t *testing.T, path string) (*encoder.Encoder, error) {
	t.Helper()
	e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: "block1_conv1", Pooling: "none", Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	return e, e.LoadWeights(t.Context(), acceltest.CacheDir(), io.Discard)
}

// Every kind of file gives the same layer: kernels in Keras' layout, whatever the file's names and axes.
func TestWeightFiles(t *testing.T) {
	tests := map[string]string{
		"keras.safetensors": "caffe", "torch.safetensors": "torch", "torch.onnx": "torch",
		"torch_zip.pth": "torch", "torch_legacy.pth": "torch",
		"keras2.h5": "caffe", "model.h5": "caffe", "keras3.weights.h5": "caffe",
	}
	var first []float32
	for _, file := range []string{"keras.safetensors", "torch.safetensors", "torch.onnx", "torch_zip.pth", "torch_legacy.pth", "keras2.h5", "model.h5", "keras3.weights.h5"} {
		e, err := withWeights(t, "testdata/"+file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if e.Preprocessing() != tests[file] {
			t.Errorf("%s: preprocessing %s, want %s", file, e.Preprocessing(), tests[file])
		}
		if len(e.WeightsHash()) != 64 || e.WeightsSource() != "file "+file {
			t.Errorf("%s: hash %q, source %q", file, e.WeightsHash(), e.WeightsSource())
		}
		store := model.NewStore()
		if err := e.Install(store); err != nil {
			t.Fatal(err)
		}
		kernel := tensors.MustCopyFlatData[float32](store.GetVariable("/block1_conv1/kernel").MustValue())
		bias := tensors.MustCopyFlatData[float32](store.GetVariable("/block1_conv1/bias").MustValue())
		store.Finalize()
		values := append(kernel, bias...)
		if first == nil {
			first = values
			continue
		}
		if !slices.Equal(values, first) {
			t.Errorf("%s: other values than keras.safetensors", file)
		}
	}
}

// Batch normalization's four variables come out of Keras' files in their order.
func TestBatchNormalizationFromKeras(t *testing.T) {
	for _, file := range []string{"stem.h5", "stem.weights.h5"} {
		e := load(t, encoder.Settings{Name: "efficientnet_lite0", Layer: "stem_bn", Weights: "testdata/" + file})
		store := model.NewStore()
		if err := e.Install(store); err != nil {
			t.Fatal(err)
		}
		for seed, name := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
			got := tensors.MustCopyFlatData[float32](store.GetVariable("/stem_bn/" + name).MustValue())
			if want := noise(32, seed+1); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %v, want %v", file, name, got, want)
			}
		}
		store.Finalize()
	}
}

// Keras' imagenet_utils.preprocess_input on two pixels, from testdata/reference.py.
func TestPreprocess(t *testing.T) {
	var golden struct {
		Preprocessing map[string][]float64 `json:"preprocessing"`
	}
	data, err := os.ReadFile("testdata/keras.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil || len(golden.Preprocessing) != 2 {
		t.Fatal(err, golden)
	}
	for mode, want := range golden.Preprocessing {
		got := tensors.MustCopyFlatData[float32](MustNewExec(acceltest.Go(t), func(x *Node) *Node { return encoder.Preprocessings[mode](x) }).
			MustCall([][][][]float32{{{{200, 100, 50}, {0, 255, 128}}}})[0])
		for n := range want {
			if math.Abs(float64(got[n])-want[n]) > 1e-5*math.Abs(want[n]) {
				t.Errorf("%s: %v, want %v", mode, got, want)
				break
			}
		}
	}
}

// Winograd's way gives the plain convolution's values.
func TestWinograd(t *testing.T) {
	const batch, height, width, in, out = 2, 6, 8, 3, 4
	value := func(n int) float32 { return float32(n*2654435761%2001)/1000 - 1 }
	x, kernel := make([]float32, batch*height*width*in), make([]float32, 9*in*out)
	for n := range x {
		x[n] = value(n + 7)
	}
	for n := range kernel {
		kernel[n] = value(3 * n)
	}
	outputs := MustNewExec(acceltest.Go(t), func(x, plain, transformed *Node) (*Node, *Node) {
		return Convolve(x, plain).PadSame().Done(), encoder.Winograd(x, transformed)
	}).MustCall(tensors.FromFlatDataAndDimensions(x, batch, height, width, in), tensors.FromFlatDataAndDimensions(kernel, 3, 3, in, out),
		tensors.FromFlatDataAndDimensions(encoder.WinogradKernel(kernel, in, out), 16, in, out))
	want, got := tensors.MustCopyFlatData[float32](outputs[0]), tensors.MustCopyFlatData[float32](outputs[1])
	if !slices.Equal(outputs[0].Shape().Dimensions, outputs[1].Shape().Dimensions) {
		t.Fatalf("shape %v, want %v", outputs[1].Shape(), outputs[0].Shape())
	}
	for n := range want {
		if math.Abs(float64(got[n]-want[n])) > 1e-5 {
			t.Fatalf("[%d] is %v, want %v", n, got[n], want[n])
		}
	}
}
