package encoder_test

import (
	"encoding/json"
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

// noise is reference.py's formula: values in [-0.5, 0.5).
func noise(count, seed int) []float32 {
	values := make([]float32, count)
	for n := range values {
		x := uint32(n+seed*1000003) * 2654435761
		x ^= x >> 15
		x *= 2246822519
		x ^= x >> 13
		values[n] = float32(x>>8)/(1<<24) - 0.5
	}
	return values
}

// made is reference.py's weights.
func made(seed int, shape ...int) *tensors.Tensor {
	count, inputs := 1, 1
	for n, d := range shape {
		count *= d
		if n < len(shape)-1 {
			inputs *= d
		}
	}
	values := noise(count, seed)
	if len(shape) > 1 {
		scale := float32(2 * math.Sqrt(6/float64(inputs)))
		for n := range values {
			values[n] *= scale
		}
	}
	return tensors.FromFlatDataAndDimensions(values, shape...)
}

// sample is what reference.py keeps of a layer's output.
type sample struct {
	Shape     []int `json:"shape"`
	RMS, Mean float64
	At        []int     `json:"at"`
	Values    []float64 `json:"values"`
}

// TestWholeModelIsKeras compares layers of all kinds, and the class layer through which all of them go, with Keras'
// VGG16 on the same made-up weights.
func TestWholeModelIsKeras(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 138 million weights")
	}
	var golden struct {
		Layers map[string]sample `json:"layers"`
	}
	data, err := os.ReadFile("testdata/keras.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"block3_conv1", "fc1", "predictions"}

	store := model.NewStore()
	defer store.Finalize()
	var encoders []*encoder.Encoder
	for _, name := range names {
		e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: name, Pooling: "none"})
		if err != nil {
			t.Fatal(err)
		}
		encoders = append(encoders, e)
	}
	seed, in := 0, []int{224, 224, 3}
	for _, l := range encoders[0].Layers(true) {
		if l.Params > 0 {
			shape := []int{in[len(in)-1], l.Output[len(l.Output)-1]}
			if l.Kind == "Conv2D" {
				shape = append([]int{3, 3}, shape...)
			}
			kernel := made(seed, shape...)
			if l.Name == "predictions" {
				tensors.MustMutableFlatData(kernel, func(values []float32) {
					for n := range values {
						values[n] /= 1 << 7
					}
				})
			}
			must(store.CreateVariable("/"+l.Name+"/kernel", kernel))
			must(store.CreateVariable("/"+l.Name+"/bias", made(seed+1, shape[len(shape)-1])))
			seed += 2
		}
		in = l.Output
	}
	exec := model.MustNewExec(acceltest.XLA(t), store, func(scope *model.Scope, x *Node) (outputs []*Node) {
		for _, e := range encoders {
			outputs = append(outputs, e.Graph(scope, x))
		}
		return outputs
	})
	defer exec.Finalize()
	for n, out := range exec.MustCall(tensors.FromFlatDataAndDimensions(pattern(1), 1, 224, 224, 3)) {
		want := golden.Layers[names[n]]
		if len(want.Values) == 0 {
			t.Fatalf("keras.json has no %s", names[n])
		}
		if shape := out.Shape().Dimensions[1:]; !slices.Equal(shape, want.Shape) || !slices.Equal(shape, encoders[n].FeatureShape()) {
			t.Errorf("%s has shape %v, want %v", names[n], shape, want.Shape)
			continue
		}
		values := tensors.MustCopyFlatData[float32](out)
		near(t, names[n], values, want)
	}
}
