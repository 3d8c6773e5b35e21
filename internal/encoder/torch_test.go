package encoder

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// torchTensor pickles zeros of a storage of 1728 values.
func torchTensor(class, key, shape, strides string) string {
	return fmt.Sprintf("ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\n%s\nS'%s'\nS'cpu'\nI1728\ntQI0\n(%st(%stI00\nNtR", class, key, shape, strides)
}

func torchKernel(class, key string) string {
	return torchTensor(class, key, "I64\nI3\nI3\nI3\n", "I27\nI9\nI3\nI1\n")
}

func torchBias(class, key string) string { return torchTensor(class, key, "I64\n", "I1\n") }

// torchDict pickles a dict of names and what is pickled.
func torchDict(entries ...string) string {
	out := "(d"
	for n := 0; n < len(entries); n += 2 {
		out += "S'" + entries[n] + "'\n" + entries[n+1] + "s"
	}
	return out
}

// What torch.save wrote of the first layer, or of something else.
func TestTorchStates(t *testing.T) {
	kernel, bias, counter := torchKernel("FloatStorage", "4"), torchBias("FloatStorage", "4"), torchBias("LongStorage", "8")
	half := torchKernel("HalfStorage", "2")
	parameter := func(tensor string) string {
		return "ctorch._utils\n_rebuild_parameter\n(" + tensor + "I01\nccollections\nOrderedDict\n(tRtR"
	}
	state := torchDict("features.0.weight", kernel, "features.0.bias", bias)
	for name, test := range map[string]struct{ object, err string }{
		"float32":       {torchDict("features.0.weight", kernel, "features.0.bias", bias, "counter", counter), ""},
		"half":          {torchDict("features.0.weight", half, "features.0.bias", torchBias("HalfStorage", "2")), "block1_conv1/kernel is F16, expected float32"},
		"bfloat16":      {torchDict("features.0.weight", torchKernel("BFloat16Storage", "2"), "features.0.bias", bias), "block1_conv1/kernel is BF16, expected float32"},
		"a double bias": {torchDict("features.0.weight", kernel, "features.0.bias", torchBias("DoubleStorage", "8")), "block1_conv1/bias is F64, expected float32"},
		"DataParallel":  {torchDict("module.features.0.weight", kernel, "module.features.0.bias", bias), ""},
		"parameters":    {torchDict("features.0.weight", parameter(kernel), "features.0.bias", parameter(bias)), ""},
		"under a name":  {torchDict("model", state, "epoch", "I3\n", "loss", "F0.5\n", "step", "I9\n"), `under "state_dict", but "epoch", "loss", "model", and 1 more; expected a state dict`},
		"a tensor":      {kernel, `under "state_dict", but no dict; expected a state dict`},
		"odd names":     {torchDict("model.0.weight", kernel, "model.0.bias", bias), `exported by tf2onnx): "model.0.bias", "model.0.weight"`},
		"a module":      {"ctorch.nn.modules.linear\nLinear\n(tR", "a.pth: it holds a torch.nn.modules.linear.Linear; expected a state dict"},
	} {
		path := filepath.Join(t.TempDir(), "a.pth")
		values := map[string]string{"x/data.pkl": test.object + "."}
		for _, width := range []int{2, 4, 8} {
			values[fmt.Sprint("x/data/", width)] = strings.Repeat("\x00", 1728*width)
		}
		if err := os.WriteFile(path, torchArchive(t, values), 0o644); err != nil {
			t.Fatal(err)
		}
		e, err := load(t, settings("block1_conv1", path), t.TempDir())
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "damaged")):
			t.Errorf("%s: no %q in: %v", name, test.err, err)
		case test.err == "" && (err != nil || len(e.weights.variables) != 2):
			t.Errorf("%s: %v", name, err)
		}
	}
}
