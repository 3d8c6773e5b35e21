package encoder

import . "github.com/gomlx/gomlx/core/graph"

// preprocessings are the ways from RGB bytes to a network's input, by their names in encoder.preprocessing. caffe,
// torch and tf are those of Keras' imagenet_utils.preprocess_input.
var preprocessings = map[string]func(x *Node) *Node{
	// BGR minus the means, for the weights that Keras has of Oxford's and Microsoft's networks
	"caffe": func(x *Node) *Node { return Sub(Reverse(x, -1), channels(x, 103.939, 116.779, 123.68)) },
	// RGB/255, standardised, for torchvision's
	"torch": func(x *Node) *Node {
		return Div(Sub(DivScalar(x, 255), channels(x, 0.485, 0.456, 0.406)), channels(x, 0.229, 0.224, 0.225))
	},
	// RGB from -1 to 1
	"tf": func(x *Node) *Node { return SubScalar(DivScalar(x, 127.5), 1) },
	// RGB from -0.992 to 1, for EfficientNet-Lite
	"lite": func(x *Node) *Node { return DivScalar(SubScalar(x, 127), 128) },
	// RGB from 0 to 1
	"unit": func(x *Node) *Node { return DivScalar(x, 255) },
	// RGB from 0 to 255
	"raw": func(x *Node) *Node { return x },
}

// channels is one value a channel of a picture.
func channels(x *Node, a, b, c float32) *Node {
	return Const(x.Graph(), [][][][]float32{{{{a, b, c}}}})
}
