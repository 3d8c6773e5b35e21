package encoder

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// A naming recognises one convention of names and layouts in weight files and gives a Keras layer's kernel and
// bias in them.
type naming struct {
	about         string
	preprocessing string
	kernel, bias  func(layer Layer, nth int) []string // candidates; nth counts the layers with weights from 0
	torch         bool                                // kernels are OIHW, dense [out, in] over channels first
}

var namings = []naming{
	{about: "Keras", preprocessing: "caffe",
		kernel: func(l Layer, _ int) []string {
			return []string{l.Name + "/kernel", l.Name + ".kernel", l.Name + "/kernel:0", l.Name + "/" + l.Name + "_W_1:0", l.Name + "/" + l.Name + "/kernel:0"}
		},
		bias: func(l Layer, _ int) []string {
			return []string{l.Name + "/bias", l.Name + ".bias", l.Name + "/bias:0", l.Name + "/" + l.Name + "_b_1:0", l.Name + "/" + l.Name + "/bias:0"}
		}},
	{about: "torchvision", preprocessing: "torch", torch: true,
		kernel: func(l Layer, nth int) []string { return torchNames(l, nth, "weight") },
		bias:   func(l Layer, nth int) []string { return torchNames(l, nth, "bias") }},
	{about: "Keras exported by tf2onnx", preprocessing: "caffe", torch: true,
		kernel: func(l Layer, _ int) []string {
			return []string{"functional_1/" + l.Name + "_1/convolution/ReadVariableOp:0"}
		},
		bias: func(l Layer, _ int) []string { return []string{"functional_1/" + l.Name + "_1/Squeeze:0"} }},
}

// torchFeatures are the indices of VGG16's convolutions in torchvision's features, between ReLUs and pools.
var torchFeatures = []int{0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}

// torchNames are torchvision's and timm's names; timm keeps fc1 and fc2 as convolutions.
func torchNames(l Layer, nth int, part string) []string {
	switch l.Name {
	case "fc1":
		return []string{"classifier.0." + part, "pre_logits.fc1." + part}
	case "fc2":
		return []string{"classifier.3." + part, "pre_logits.fc2." + part}
	case "predictions":
		return []string{"classifier.6." + part, "head.fc." + part}
	}
	if nth < len(torchFeatures) {
		return []string{fmt.Sprintf("features.%d.%s", torchFeatures[nth], part)}
	}
	return nil
}

// nameTensors picks the layers' kernels and biases out of a file's tensors, whatever convention it follows.
func nameTensors(raw map[string]*tensors.Tensor, layers []Layer) (values map[string]*tensors.Tensor, preprocessing string, err error) {
	for _, n := range namings {
		values, missing, err := n.pick(raw, layers)
		if err != nil {
			return nil, "", err
		}
		if missing == "" {
			return values, n.preprocessing, nil
		}
		if len(values) > 0 {
			return nil, "", fmt.Errorf("named as %s does, but %s is missing", n.about, missing)
		}
	}
	var known []string
	for _, n := range namings {
		known = append(known, n.about)
	}
	return nil, "", fmt.Errorf("its tensors are named in no known way (%s)", strings.Join(known, ", "))
}

func (n naming) pick(raw map[string]*tensors.Tensor, layers []Layer) (values map[string]*tensors.Tensor, missing string, err error) {
	values = map[string]*tensors.Tensor{}
	find := func(names []string) *tensors.Tensor {
		for _, name := range names {
			if t, ok := raw[name]; ok {
				return t
			}
		}
		return nil
	}
	nth := 0
	in := []int{vggSide, vggSide, 3} // shape before the layer
	for _, l := range layers {
		if l.Params > 0 {
			kernel, bias := find(n.kernel(l, nth)), find(n.bias(l, nth))
			if kernel == nil || bias == nil {
				return values, l.Name, nil
			}
			if kernel, err = n.layout(kernel, l, in); err != nil {
				return nil, "", fmt.Errorf("%s: %w", l.Name, err)
			}
			if got := kernel.Shape().Size() + bias.Shape().Size(); got != l.Params {
				return nil, "", fmt.Errorf("%s has %d values, expected %d", l.Name, got, l.Params)
			}
			values[l.Name+"/kernel"], values[l.Name+"/bias"] = kernel, bias
			nth++
		}
		if l.Kind != "Flatten" { // fc1 needs the shape that was flattened
			in = l.Output
		}
	}
	return values, "", nil
}

// layout turns a kernel into Keras' layout.
func (n naming) layout(kernel *tensors.Tensor, l Layer, in []int) (*tensors.Tensor, error) {
	dims := kernel.Shape().Dimensions
	if !n.torch {
		return kernel, nil
	}
	values := tensors.MustCopyFlatData[float32](kernel)
	if l.Kind == "Conv2D" {
		if len(dims) != 4 {
			return nil, fmt.Errorf("kernel has shape %v, expected [out, in, height, width]", dims)
		}
		return transposed(values, dims, []int{2, 3, 1, 0}), nil
	}
	out := dims[0]
	if len(in) == 3 { // flattened channels first: [out, channels, height, width] -> [height, width, channels, out]
		if len(values) != out*in[0]*in[1]*in[2] {
			return nil, fmt.Errorf("kernel has shape %v, expected %d inputs", dims, in[0]*in[1]*in[2])
		}
		t := transposed(values, []int{out, in[2], in[0], in[1]}, []int{2, 3, 1, 0})
		return tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](t), len(values)/out, out), nil
	}
	t := transposed(values, []int{out, len(values) / out}, []int{1, 0})
	return t, nil
}

// transposed permutes the axes: result axis n is input axis order[n].
func transposed(values []float32, dims, order []int) *tensors.Tensor {
	strides := make([]int, len(dims))
	for n, s := len(dims)-1, 1; n >= 0; n-- {
		strides[n], s = s, s*dims[n]
	}
	outDims := make([]int, len(dims))
	for n, axis := range order {
		outDims[n] = dims[axis]
	}
	out := make([]float32, len(values))
	index := make([]int, len(dims))
	from := 0
	for n := range out {
		out[n] = values[from]
		for axis := len(index) - 1; axis >= 0; axis-- {
			index[axis]++
			from += strides[order[axis]]
			if index[axis] < outDims[axis] {
				break
			}
			from -= strides[order[axis]] * outDims[axis]
			index[axis] = 0
		}
	}
	return tensors.FromFlatDataAndDimensions(out, outDims...)
}
