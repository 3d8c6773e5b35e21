package encoder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// naming is one convention of names and layouts in weight files.
type naming struct {
	about         string
	preprocessing string                         // of the weights that are named so
	names         func(l Layer, nth int) []names // candidates; nth counts the layers with weights from 0
	kernel        func(l Layer, in []int) layout // of a layer on an input of this shape
}

// names are one layer's tensors in a weight file.
type names struct{ kernel, bias string }

// layout is how a file keeps a kernel: shapes that it may have there, and the axes that bring it to Keras' layout,
// [height, width, in, out] or [in, out].
type layout struct {
	shapes [][]int
	axes   []int // of split
	split  []int // the file's shape with the flattened input taken apart
}

// namings are the conventions that are known, in the order they are tried.
var namings = []naming{
	{"Keras", "caffe", kerasNames, kerasLayout},
	{"torchvision and timm", "torch", torchNames, torchLayout},
	{"Keras exported by tf2onnx", "caffe", tf2onnxNames, tf2onnxLayout},
}

func kerasNames(l Layer, _ int) (out []names) {
	for _, form := range [][2]string{
		{"%s/kernel", "%s/bias"}, {"%s.kernel", "%s.bias"}, {"%s/kernel:0", "%s/bias:0"},
		{"%[1]s/%[1]s/kernel:0", "%[1]s/%[1]s/bias:0"}, {"%[1]s/%[1]s_W_1:0", "%[1]s/%[1]s_b_1:0"},
	} {
		out = append(out, names{fmt.Sprintf(form[0], l.Name), fmt.Sprintf(form[1], l.Name)})
	}
	return out
}

// torchFeatures are the indices of VGG16's convolutions in torchvision's features, between ReLUs and pools.
var torchFeatures = []int{0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}

// torchNames are torchvision's and timm's names; timm keeps fc1 and fc2 as convolutions.
func torchNames(l Layer, nth int) (out []names) {
	prefixes := map[string][]string{"fc1": {"classifier.0", "pre_logits.fc1"}, "fc2": {"classifier.3", "pre_logits.fc2"},
		"predictions": {"classifier.6", "head.fc"}}[l.Name]
	if len(prefixes) == 0 && nth < len(torchFeatures) {
		prefixes = []string{fmt.Sprintf("features.%d", torchFeatures[nth])}
	}
	for _, p := range prefixes {
		out = append(out, names{p + ".weight", p + ".bias"})
	}
	return out
}

// tf2onnxNames are what tf2onnx calls the weights of a Keras 3 model: the layer within a call of the model.
func tf2onnxNames(l Layer, _ int) (out []names) {
	for _, model := range []string{"functional_1", "functional", "vgg16_1", "vgg16"} {
		for _, layer := range []string{l.Name + "_1", l.Name} {
			at := model + "/" + layer + "/"
			if l.Kind == "Dense" {
				out = append(out, names{at + "MatMul/ReadVariableOp:0", at + "BiasAdd/ReadVariableOp:0"},
					names{at + "Cast/ReadVariableOp:0", at + "BiasAdd/ReadVariableOp:0"},
					names{at + "Cast/ReadVariableOp:0", at + "Add/ReadVariableOp:0"})
				continue
			}
			out = append(out, names{at + "convolution/ReadVariableOp:0", at + "Squeeze:0"},
				names{at + "Conv2D/ReadVariableOp:0", at + "BiasAdd/ReadVariableOp:0"})
		}
	}
	return out
}

func kerasLayout(l Layer, in []int) layout {
	if l.Kind == "Conv2D" {
		return layout{shapes: [][]int{{3, 3, in[2], l.Output[2]}}}
	}
	return layout{shapes: [][]int{{product(in), l.Output[0]}}}
}

// torchLayout has the output first. A dense layer over a flattened [height, width, channels] has its channels first.
func torchLayout(l Layer, in []int) layout {
	if l.Kind == "Conv2D" {
		shape := []int{l.Output[2], in[2], 3, 3}
		return layout{shapes: [][]int{shape}, split: shape, axes: []int{2, 3, 1, 0}}
	}
	out := l.Output[0]
	if len(in) == 3 {
		shape := []int{out, in[2], in[0], in[1]}
		return layout{shapes: [][]int{{out, product(in)}, shape}, split: shape, axes: []int{2, 3, 1, 0}}
	}
	return layout{shapes: [][]int{{out, in[0]}, {out, in[0], 1, 1}}, split: []int{out, in[0]}, axes: []int{1, 0}}
}

// tf2onnxLayout transposes convolutions to ONNX' layout and leaves dense kernels as they are.
func tf2onnxLayout(l Layer, in []int) layout {
	if l.Kind == "Conv2D" {
		return torchLayout(l, in)
	}
	return kerasLayout(l, in)
}

// variable is one variable of the network, still in its file.
type variable struct {
	name string // layer/kernel or layer/bias
	dims []int  // Keras' layout
	stored
	layout
}

var errLayerMissing = errors.New("the file lacks a layer")

// nameTensors finds the layers' kernels and biases among a file's tensors, whatever convention it follows.
func nameTensors(raw map[string]stored, layers []Layer) (variables []variable, preprocessing string, err error) {
	var known []string
	for _, n := range namings {
		variables, missing, err := n.pick(raw, layers)
		if err != nil {
			return nil, "", err
		}
		if missing == "" {
			return variables, n.preprocessing, nil
		}
		if len(variables) > 0 {
			return nil, "", fmt.Errorf("%w: its tensors are named as %s does, but %s is not among them", errLayerMissing, n.about, missing)
		}
		known = append(known, n.about)
	}
	return nil, "", fmt.Errorf("its tensors are named in no known way (%s)", strings.Join(known, "; "))
}

// pick returns what it found of the layers, and the first layer that it didn't find.
func (n naming) pick(raw map[string]stored, layers []Layer) (found []variable, missing string, err error) {
	nth := 0
	var in []int // shape before the layer
	for _, l := range layers {
		if l.Params > 0 {
			candidates := n.names(l, nth)
			at := slices.IndexFunc(candidates, func(c names) bool { return has(raw, c.kernel) && has(raw, c.bias) })
			if at < 0 {
				return found, l.Name, nil
			}
			kernel := variable{name: l.Name + "/kernel", stored: raw[candidates[at].kernel], layout: n.kernel(l, in)}
			bias := variable{name: l.Name + "/bias", stored: raw[candidates[at].bias], layout: layout{shapes: [][]int{l.Output[len(l.Output)-1:]}}}
			for _, v := range []*variable{&kernel, &bias} {
				if !slices.ContainsFunc(v.shapes, func(s []int) bool { return slices.Equal(s, v.stored.dims) }) {
					return nil, "", fmt.Errorf("%s has shape %v, expected %v", v.name, v.stored.dims, v.shapes[0])
				}
				if v.dtype != "" {
					return nil, "", fmt.Errorf("%s is %s, expected float32", v.name, v.dtype)
				}
				v.dims = v.stored.dims
			}
			kernel.dims = kerasLayout(l, in).shapes[0]
			found = append(found, kernel, bias)
			nth++
		}
		if l.Kind != "Flatten" { // fc1 needs the shape that was flattened
			in = l.Output
		}
	}
	return found, "", nil
}

func has(raw map[string]stored, name string) bool { _, ok := raw[name]; return ok }

// tensor reads a variable and brings it to Keras' layout.
func (v variable) tensor() (*tensors.Tensor, error) {
	t := tensors.FromShape(shapes.Make(dtypes.Float32, v.dims...))
	var failed error
	err := tensors.MutableFlatData(t, func(values []float32) {
		if v.axes == nil {
			failed = v.read(values)
			return
		}
		from := make([]float32, len(values))
		if failed = v.read(from); failed == nil {
			transpose(values, from, v.split, v.axes)
		}
	})
	return t, errors.Join(err, failed)
}

// transpose permutes the axes: axis n of to is axis order[n] of from, which has these dims.
func transpose(to, from []float32, dims, order []int) {
	strides := make([]int, len(dims))
	for n, s := len(dims)-1, 1; n >= 0; n-- {
		strides[n], s = s, s*dims[n]
	}
	index := make([]int, len(dims))
	at := 0
	for n := range to {
		to[n] = from[at]
		for axis := len(index) - 1; axis >= 0; axis-- {
			index[axis]++
			at += strides[order[axis]]
			if index[axis] < dims[order[axis]] {
				break
			}
			at -= strides[order[axis]] * dims[order[axis]]
			index[axis] = 0
		}
	}
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
