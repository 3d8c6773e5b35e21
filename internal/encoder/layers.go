package encoder

import (
	"slices"

	"github.com/gomlx/gomlx/ml/model"

	. "github.com/gomlx/gomlx/core/graph"
)

// Layer is one row of a summary table, and what its part of the graph is built from.
type Layer struct {
	Name, Kind string // Keras' names
	Output     []int  // without the batch axis
	Params     int    // all of them
	Fixed      int    // of Params, those that training never changes: the moving statistics of batch normalization

	inputs         []string // the layers whose outputs it takes
	kernel, stride int      // of a window, in pixels
	valid          bool     // no padding but the next line's; else as much as Keras' "same" takes
	padding        int      // zeros on every side
	noBias         bool
	activation     string // relu, relu6, softmax; "" for none
	epsilon        float64
	trained        bool // its kernel changes while the graph is in use
}

// named is one of a layer's variables: its shape in Keras' layout, on an input of a known shape.
type named struct {
	name string
	dims []int
}

// variables lists a layer's variables in Keras' order.
func (l Layer) variables(in []int) (out []named) {
	last := l.Output[len(l.Output)-1]
	switch l.Kind {
	case "Conv2D":
		out = []named{{"kernel", []int{l.kernel, l.kernel, in[2], last}}}
	case "DepthwiseConv2D":
		out = []named{{"kernel", []int{l.kernel, l.kernel, in[2], 1}}}
	case "Dense":
		out = []named{{"kernel", []int{product(in), last}}}
	case "BatchNormalization":
		channels := []int{last}
		return []named{{"gamma", channels}, {"beta", channels}, {"moving_mean", channels}, {"moving_variance", channels}}
	default:
		return nil
	}
	if !l.noBias {
		out = append(out, named{"bias", []int{last}})
	}
	return out
}

// layers are a network's, in Keras' order.
type layers []Layer

// add appends a layer, after the last one unless it names its inputs, and works out its output's shape and its number
// of parameters. channels are those of a convolution's or dense layer's output.
func (ls *layers) add(l Layer, channels int) (name string) {
	if l.inputs == nil && len(*ls) > 0 {
		l.inputs = []string{(*ls)[len(*ls)-1].Name}
	}
	var in []int
	if len(l.inputs) > 0 {
		in = ls.get(l.inputs[0]).Output
	}
	l.stride = max(l.stride, 1)
	size := func(n int) int {
		if l.valid {
			n += 2*l.padding - (l.kernel - 1)
		}
		return (n + l.stride - 1) / l.stride
	}
	switch l.Kind {
	case "InputLayer": // its Output is given
	case "Conv2D":
		l.Output = []int{size(in[0]), size(in[1]), channels}
	case "DepthwiseConv2D", "MaxPooling2D":
		l.Output = []int{size(in[0]), size(in[1]), in[2]}
	case "ZeroPadding2D":
		l.Output = []int{in[0] + 2*l.padding, in[1] + 2*l.padding, in[2]}
	case "Flatten":
		l.Output = []int{product(in)}
	case "GlobalAveragePooling2D":
		l.Output = in[2:]
	case "Dense":
		l.Output = []int{channels}
	default: // as it comes
		l.Output = in
	}
	for _, v := range l.variables(in) {
		l.Params += product(v.dims)
	}
	if l.Kind == "BatchNormalization" {
		l.Fixed = l.Params / 2
	}
	*ls = append(*ls, l)
	return l.Name
}

// get returns the layer of that name, which must be there.
func (ls layers) get(name string) Layer {
	return ls[ls.index(name)]
}

// index is the place of the layer of that name, -1 if it isn't there.
func (ls layers) index(name string) int {
	return slices.IndexFunc(ls, func(l Layer) bool { return l.Name == name })
}

// upTo lists the layers that the named one needs, itself last.
func (ls layers) upTo(name string) layers {
	needed := map[string]bool{name: true}
	var out layers
	for n := len(ls) - 1; n >= 0; n-- {
		if l := ls[n]; needed[l.Name] {
			for _, in := range l.inputs {
				needed[in] = true
			}
			out = append(out, l)
		}
	}
	slices.Reverse(out)
	return out
}

// flops are the floating-point operations of one picture; see Encoder.FLOPs.
func (ls layers) flops() float64 {
	total := 0.0
	for _, l := range ls {
		positions := product(l.Output[:len(l.Output)-1]) // a kernel is used at every one
		total += 2 * float64(l.Params-l.Fixed) * float64(positions)
	}
	return total
}

// run builds the graph from the output of one layer, preprocessed pixels [batch, height, width, 3] where it is the input, up to
// the tapped layer and no further.
func (ls layers) run(scope *model.Scope, output *Node, of, tap string) *Node {
	built := map[string]*Node{of: output}
	for _, l := range ls.upTo(tap) {
		if l.Name == of {
			continue
		}
		x := built[l.inputs[0]]
		switch l.Kind {
		case "Conv2D":
			x = l.convolution(scope, x)
		case "DepthwiseConv2D":
			x = l.depthwise(scope, x)
		case "BatchNormalization":
			x = l.batchNormalization(scope, x)
		case "MaxPooling2D":
			x = l.maxPool(x)
		case "ZeroPadding2D":
			x = padded(x, l.padding, l.padding)
		case "Add":
			x = Add(x, built[l.inputs[1]])
		case "Flatten":
			x = Reshape(x, x.Shape().Dim(0), -1) // [batch, height*width*channels], Keras' order
		case "GlobalAveragePooling2D":
			if l.trained {
				x = locationMean(x)
			} else {
				x = ReduceMean(x, 1, 2)
			}
		case "Dense":
			x = l.dense(scope, x)
		}
		built[l.Name] = l.activate(x)
	}
	return built[tap]
}
