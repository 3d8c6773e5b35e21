package encoder

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The libraries' state dicts, by names and shapes, hold every variable of the network.
func TestLibraryNames(t *testing.T) {
	var libraries map[string]struct{ Weights [][2]json.RawMessage }
	data, err := os.ReadFile("testdata/torch_networks.json")
	if err == nil {
		err = json.Unmarshal(data, &libraries)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ network, library, err string }{
		{"vgg16", "vgg16_torchvision", ""}, {"vgg16", "vgg16_timm", ""}, {"vgg19", "vgg19_torchvision", ""}, {"vgg19", "vgg19_timm", ""},
		{"resnet50_torchvision", "resnet50_torchvision", ""}, {"resnet50_torchvision", "resnet50_timm", ""}, {"efficientnet_lite0", "efficientnet_lite0_timm", ""},
		{"resnet50", "resnet50_torchvision", `take encoder.name = "resnet50_torchvision"`},
		{"vgg16", "vgg19_torchvision", "block4_conv1 is not among them"}, {"vgg19", "resnet50_timm", "named in no known way"},
		{"efficientnet_lite0", "resnet50_timm", "named in no known way (efficientnet_lite_pytorch; timm; Keras)"},
	} {
		raw := map[string]stored{}
		for _, w := range libraries[test.library].Weights {
			var name string
			var s stored
			if err := json.Unmarshal(w[0], &name); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(w[1], &s.dims); err != nil {
				t.Fatal(err)
			}
			raw[name] = s
		}
		e, err := New(Settings{Name: test.network, Layer: "predictions"})
		if err != nil {
			t.Fatal(err)
		}
		variables, preprocessing, err := nameTensors(raw, e.tapped(), e.net.namings)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s from %s: no %q in %v", test.network, test.library, test.err, err)
			}
			continue
		}
		if err != nil || preprocessing == "" || len(variables) != len(raw) {
			t.Errorf("%s from %s: %d of %d tensors, preprocessing %q, %v", test.network, test.library, len(variables), len(raw), preprocessing, err)
		}
	}
	var keras struct{ Weights [][2]json.RawMessage }
	if data, err = os.ReadFile("testdata/keras_resnet50.json"); err == nil {
		err = json.Unmarshal(data, &keras)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]stored{}
	for _, w := range keras.Weights {
		raw[strings.Trim(string(w[0]), `"`)] = stored{}
	}
	e, err := New(Settings{Name: "resnet50_torchvision", Layer: "avg_pool"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := nameTensors(raw, e.tapped(), e.net.namings); err == nil || !strings.Contains(err.Error(), `take encoder.name = "resnet50"`) {
		t.Errorf("Keras' weights for torchvision's network: %v", err)
	}
}

// What can't be an image encoder is refused with its reason when the settings are checked.
func TestRefusedONNXModels(t *testing.T) {
	good, err := os.ReadFile("testdata/cnn_first.onnx")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) []byte {
		if len(old) != len(new) || !strings.Contains(string(good), old) {
			t.Fatalf("can't put %q for %q", new, old)
		}
		return []byte(strings.ReplaceAll(string(good), old, new))
	}
	tests := map[string]struct {
		data  []byte
		layer string
		want  string
	}{
		"empty":          {nil, "", "not an ONNX model"},
		"rubbish":        {[]byte("rubbish"), "", "not an ONNX model"},
		"cut":            {good[:len(good)/2], "", "not an ONNX model"},
		"unknown node":   {edit("GlobalAveragePool", "GlobalSomethingPo"), "", `the importer can't use it`},
		"unknown tensor": {good, "gird", `did you mean "grid"`},
	}
	for name, test := range tests {
		path := filepath.Join(t.TempDir(), "x.onnx")
		if err := os.WriteFile(path, test.data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := New(Settings{Name: "onnx", Weights: path, Layer: test.layer, Preprocessing: "unit"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: no %q in: %v", name, test.want, err)
		}
	}
	if _, problems := Check(Settings{Name: "onnx", Weights: "testdata/cnn_first.onnx"}); len(problems) != 1 || problems[0].Keys[0] != "encoder.preprocessing" {
		t.Errorf("without preprocessing: %v", problems)
	}
}
