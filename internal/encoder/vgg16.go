package encoder

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// vgg16Blocks are configuration D of Simonyan & Zisserman (2015): convolutions and channels a block. Every
// convolution is 3×3 with stride 1, every block ends in 2×2 max-pooling.
var vgg16Blocks = []struct{ convolutions, channels int }{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}

const (
	vggSide    = 224
	vggClasses = 1000
	vggHidden  = 4096
)

// vgg16 has Keras' layer names and counts: 138,357,544 parameters with its class layer.
func vgg16() network {
	layers := []Layer{{Name: "input_layer", Kind: "InputLayer", Output: []int{vggSide, vggSide, 3}}}
	side, in := vggSide, 3
	for b, block := range vgg16Blocks {
		for c := range block.convolutions {
			layers = append(layers, Layer{fmt.Sprintf("block%d_conv%d", b+1, c+1), "Conv2D", []int{side, side, block.channels},
				(9*in + 1) * block.channels})
			in = block.channels
		}
		side /= 2
		layers = append(layers, Layer{fmt.Sprintf("block%d_pool", b+1), "MaxPooling2D", []int{side, side, in}, 0})
	}
	flat := side * side * in
	layers = append(layers,
		Layer{"flatten", "Flatten", []int{flat}, 0},
		Layer{"fc1", "Dense", []int{vggHidden}, (flat + 1) * vggHidden},
		Layer{"fc2", "Dense", []int{vggHidden}, (vggHidden + 1) * vggHidden},
		Layer{"predictions", "Dense", []int{vggClasses}, (vggHidden + 1) * vggClasses})
	return network{height: vggSide, width: vggSide, layers: layers, run: runVGG16, sources: vgg16Sources}
}

// runVGG16 builds the layers up to the named one and no further.
func runVGG16(scope *model.Scope, x *Node, layer string) *Node {
	if layer == "input_layer" {
		return x
	}
	for b, block := range vgg16Blocks {
		for c := range block.convolutions {
			name := fmt.Sprintf("block%d_conv%d", b+1, c+1)
			if x = convolution(scope, x, name, block.channels); name == layer {
				return x
			}
		}
		x = MaxPool(x).Window(2).Strides(2).Done()
		if fmt.Sprintf("block%d_pool", b+1) == layer {
			return x
		}
	}
	x = Reshape(x, x.Shape().Dim(0), -1) // [batch, height*width*channels], Keras' order
	if layer == "flatten" {
		return x
	}
	x = dense(scope, x, "fc1", vggHidden)
	if layer == "fc1" {
		return Max(x, ZerosLike(x))
	}
	x = dense(scope, Max(x, ZerosLike(x)), "fc2", vggHidden)
	x = Max(x, ZerosLike(x))
	if layer == "fc2" {
		return x
	}
	return Softmax(dense(scope, x, "predictions", vggClasses), -1)
}

// convolution is 3×3, stride 1, same padding, bias and ReLU; kernel [3, 3, in, out].
func convolution(scope *model.Scope, x *Node, name string, channels int) *Node {
	g, in := x.Graph(), x.Shape().Dim(-1)
	scope = scope.At("%s", name)
	kernel := scope.VariableWithShape("kernel", shapes.Make(dtypes.Float32, 3, 3, in, channels))
	bias := scope.VariableWithShape("bias", shapes.Make(dtypes.Float32, channels)).NodeValue(g)
	if value := kernel.MustValue(); in >= minWinogradChannels && onCPU(g) && value != nil {
		v := scope.GetVariable("winograd")
		if v == nil {
			v = scope.VariableWithValue("winograd", tensors.FromFlatDataAndDimensions(
				winogradKernel(tensors.MustCopyFlatData[float32](value), in, channels), 16, in, channels)).SetTrainable(false)
		}
		x = winograd(x, v.NodeValue(g))
	} else {
		x = Convolve(x, kernel.NodeValue(g)).PadSame().Done()
	}
	x = Add(x, ExpandLeftToRank(bias, 4))
	return Max(x, ZerosLike(x))
}

// onCPU reports whether the graph is for XLA on a CPU.
func onCPU(g *Graph) bool {
	return g.Backend().Name() == "xla" && strings.Contains(strings.ToLower(g.Backend().DeviceDescription(0)), "cpu")
}

func dense(scope *model.Scope, x *Node, name string, out int) *Node {
	g, in := x.Graph(), x.Shape().Dim(-1)
	kernel := scope.At("%s", name).VariableWithShape("kernel", shapes.Make(dtypes.Float32, in, out)).NodeValue(g)
	bias := scope.At("%s", name).VariableWithShape("bias", shapes.Make(dtypes.Float32, out)).NodeValue(g)
	return Add(Dot(x, kernel).Product(), ExpandLeftToRank(bias, 2))
}

// preprocess is Keras' imagenet_utils.preprocess_input: "caffe" is BGR minus the means, for Oxford's weights;
// "torch" is RGB/255, standardised, for torchvision's.
func preprocess(x *Node, mode string) *Node {
	g := x.Graph()
	channel := func(a, b, c float32) *Node { return Const(g, [][][][]float32{{{{a, b, c}}}}) }
	if mode == "torch" {
		x = DivScalar(x, 255)
		return Div(Sub(x, channel(0.485, 0.456, 0.406)), channel(0.229, 0.224, 0.225))
	}
	return Sub(Reverse(x, -1), channel(103.939, 116.779, 123.68))
}
