package encoder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// naming is one convention of names and layouts in weight files.
type naming struct {
	about         string
	preprocessing string                                         // of the weights that are named so
	names         func(l Layer, variable string) []string        // that the variable of a layer may have
	layout        func(l Layer, variable named, in []int) layout // of a variable of a layer on an input of this shape
	refused       string                                         // why weights that are named so are not this network's
}

// layout is how a file keeps a variable: shapes that it may have there, and the axes that bring it to Keras' layout.
type layout struct {
	shapes [][]int
	axes   []int // of split
	split  []int // the file's shape with the flattened input taken apart
}

func kerasNames(l Layer, variable string) (out []string) {
	forms := []string{"%s/%s", "%s.%s", "%s/%s:0", "%[1]s/%[1]s/%[2]s:0"}
	switch {
	case l.Kind == "DepthwiseConv2D": // Keras 2 has another name for it
		forms = append(forms, "%s/depthwise_%s", "%s/depthwise_%s:0", "%[1]s/%[1]s/depthwise_%[2]s:0")
	case variable == "kernel":
		forms = append(forms, "%[1]s/%[1]s_W_1:0")
	case variable == "bias":
		forms = append(forms, "%[1]s/%[1]s_b_1:0")
	}
	for _, form := range forms {
		out = append(out, fmt.Sprintf(form, l.Name, variable))
	}
	return out
}

// torchVariables are PyTorch's names for a layer's variables.
var torchVariables = map[string]string{"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
	"moving_variance": "running_var"}

// tf2onnxNames are what tf2onnx calls the weights of a Keras 3 model: the layer within a call of the model.
func tf2onnxNames(model string) func(l Layer, variable string) []string {
	return func(l Layer, variable string) (out []string) {
		ends := map[string][]string{"kernel": {"convolution/ReadVariableOp:0", "Conv2D/ReadVariableOp:0"}, "bias": {"Squeeze:0", "BiasAdd/ReadVariableOp:0"}}
		if l.Kind == "Dense" {
			ends = map[string][]string{"kernel": {"MatMul/ReadVariableOp:0", "Cast/ReadVariableOp:0"}, "bias": {"BiasAdd/ReadVariableOp:0", "Add/ReadVariableOp:0"}}
		}
		for _, in := range []string{"functional_1", "functional", model + "_1", model} {
			for _, layer := range []string{l.Name + "_1", l.Name} {
				for _, end := range ends[variable] {
					out = append(out, in+"/"+layer+"/"+end)
				}
			}
		}
		return out
	}
}

func kerasLayout(_ Layer, v named, _ []int) layout { return layout{shapes: [][]int{v.dims}} }

// torchLayout has the output first. A dense layer over a flattened [height, width, channels] has its channels first.
func torchLayout(l Layer, v named, in []int) layout {
	if v.name != "kernel" {
		return kerasLayout(l, v, in)
	}
	switch d := v.dims; {
	case l.Kind == "Conv2D":
		shape := []int{d[3], d[2], d[0], d[1]}
		return layout{shapes: [][]int{shape}, split: shape, axes: []int{2, 3, 1, 0}}
	case l.Kind == "DepthwiseConv2D":
		shape := []int{d[2], 1, d[0], d[1]}
		return layout{shapes: [][]int{shape}, split: shape, axes: []int{2, 3, 0, 1}}
	case len(in) == 3:
		shape := []int{d[1], in[2], in[0], in[1]}
		return layout{shapes: [][]int{{d[1], d[0]}, shape}, split: shape, axes: []int{2, 3, 1, 0}}
	default:
		return layout{shapes: [][]int{{d[1], d[0]}, {d[1], d[0], 1, 1}}, split: []int{d[1], d[0]}, axes: []int{1, 0}}
	}
}

// tf2onnxLayout transposes convolutions to ONNX' layout and leaves dense kernels as they are.
func tf2onnxLayout(l Layer, v named, in []int) layout {
	if l.Kind == "Conv2D" {
		return torchLayout(l, v, in)
	}
	return kerasLayout(l, v, in)
}

// variable is one variable of the network, still in its file.
type variable struct {
	name string // layer/kernel, layer/bias, ...
	dims []int  // Keras' layout
	stored
	layout
}

// layer names the variable's layer.
func (v variable) layer() string {
	name, _, _ := strings.Cut(v.name, "/")
	return name
}

var errLayerMissing = errors.New("the file lacks a layer")

// nameTensors finds the layers' variables among a file's tensors, whatever of the conventions it follows.
func nameTensors(raw map[string]stored, ls layers, namings []naming) (variables []variable, preprocessing string, err error) {
	raw = withoutModule(raw)
	var known []string
	for _, n := range namings {
		variables, missing, err := n.pick(raw, ls)
		if n.refused != "" && (err != nil || len(variables) > 0) {
			return nil, "", fmt.Errorf("its tensors are named as %s does: %s", n.about, n.refused)
		}
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
	return nil, "", fmt.Errorf("its tensors are named in no known way (%s): %s", strings.Join(known, "; "), firstNames(raw))
}

// withoutModule takes off what torch.nn.DataParallel puts before every name.
func withoutModule(raw map[string]stored) map[string]stored {
	out := make(map[string]stored, len(raw))
	for name, s := range raw {
		plain, ok := strings.CutPrefix(name, "module.")
		if !ok {
			return raw
		}
		out[plain] = s
	}
	return out
}

// firstNames quotes three names, and counts the others.
func firstNames[V any](all map[string]V) string {
	var quoted []string
	for n, name := range slices.Sorted(maps.Keys(all)) {
		if n == 3 {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(all)-n))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%.60q", name))
	}
	return strings.Join(quoted, ", ")
}

// pick returns what it found of the layers, and the first layer that it didn't find.
func (n naming) pick(raw map[string]stored, ls layers) (found []variable, missing string, err error) {
	for _, l := range ls {
		if l.Params == 0 {
			continue
		}
		before := ls.get(l.inputs[0])
		if before.Kind == "Flatten" { // fc1 needs the shape that was flattened
			before = ls.get(before.inputs[0])
		}
		for _, named := range l.variables(before.Output) {
			candidates := n.names(l, named.name)
			at := slices.IndexFunc(candidates, func(name string) bool { return has(raw, name) })
			if at < 0 {
				return found, l.Name, nil
			}
			v := variable{name: l.Name + "/" + named.name, dims: named.dims, stored: raw[candidates[at]], layout: n.layout(l, named, before.Output)}
			if !slices.ContainsFunc(v.shapes, func(s []int) bool { return slices.Equal(s, v.stored.dims) }) {
				return nil, "", fmt.Errorf("%s has shape %v, expected %v", v.name, v.stored.dims, v.shapes[0])
			}
			if v.dtype != "" {
				return nil, "", fmt.Errorf("%s is %s, expected float32", v.name, v.dtype)
			}
			found = append(found, v)
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
