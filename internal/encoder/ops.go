package encoder

import (
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// weight is one of the layer's variables.
func (l Layer) weight(scope *model.Scope, name string, dims ...int) *model.Variable {
	return scope.At("%s", l.Name).VariableWithShape(name, shapes.Make(dtypes.Float32, dims...))
}

// convolution of x [batch, height, width, in] with the kernel [kernel, kernel, in, out], and the bias.
func (l Layer) convolution(scope *model.Scope, x *Node) *Node {
	g, in, out := x.Graph(), x.Shape().Dim(-1), l.Output[2]
	kernel := l.weight(scope, "kernel", l.kernel, l.kernel, in, out)
	switch {
	case l.kernel == 1: // a matrix product at every pixel
		if l.stride > 1 {
			x = Slice(x, AxisRange(), AxisRange().Stride(l.stride), AxisRange().Stride(l.stride), AxisRange())
		}
		batch, height, width := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
		x = Dot(Reshape(x, batch*height*width, in), Reshape(kernel.NodeValue(g), in, out)).Product()
		x = Reshape(x, batch, height, width, out)
	case l.winograd(in) && onCPU(g) && kernel.MustValue() != nil:
		at := scope.At("%s", l.Name)
		v := at.GetVariable("winograd")
		if v == nil {
			v = at.VariableWithValue("winograd", tensors.FromFlatDataAndDimensions(
				winogradKernel(tensors.MustCopyFlatData[float32](kernel.MustValue()), in, out), 16, in, out)).SetTrainable(false)
		}
		x = winograd(x, v.NodeValue(g))
	default:
		before, after := l.same(x.Shape().Dim(1))
		x = Convolve(x, kernel.NodeValue(g)).Strides(l.stride).PaddingPerDim([][2]int{{before, after}, {before, after}}).Done()
	}
	return l.plusBias(scope, x)
}

// winograd reports whether package encoder's Winograd convolution can do this layer and is worth it. It reads a kernel that was
// transformed once, so that a trained layer can't have it.
func (l Layer) winograd(in int) bool {
	return !l.trained && l.kernel == 3 && l.stride == 1 && !l.valid && in >= minWinogradChannels && l.Output[0]%2 == 0 && l.Output[1]%2 == 0
}

// maxPool is the maximum of windows without padding, as that of strided slices: XLA's own windows are slow on a CPU.
func (l Layer) maxPool(x *Node) *Node {
	var most *Node
	for h := range l.kernel {
		for w := range l.kernel {
			part := Slice(x, AxisRange(), AxisRange(h, h+l.stride*(l.Output[0]-1)+1).Stride(l.stride),
				AxisRange(w, w+l.stride*(l.Output[1]-1)+1).Stride(l.stride), AxisRange())
			if most == nil {
				most = part
			} else {
				most = Max(most, part)
			}
		}
	}
	return most
}

// same is the padding before and after an axis so long, as TensorFlow does it: if it is odd, there is more after.
func (l Layer) same(size int) (before, after int) {
	if l.valid {
		return l.padding, l.padding
	}
	total := max(((size+l.stride-1)/l.stride-1)*l.stride+l.kernel-size, 0)
	return total / 2, total - total/2
}

// padded has zeros around height and width.
func padded(x *Node, before, after int) *Node {
	around := PadAxis{Start: before, End: after}
	return Pad(x, ScalarZero(x.Graph(), x.DType()), PadAxis{}, around, around, PadAxis{})
}

// depthwise convolves every channel by itself, with the kernel [kernel, kernel, channels, 1]. A sum of shifted
// pictures is several times as fast on XLA's CPU as its convolution in groups.
func (l Layer) depthwise(scope *model.Scope, x *Node) *Node {
	g, channels := x.Graph(), x.Shape().Dim(-1)
	kernel := l.weight(scope, "kernel", l.kernel, l.kernel, channels, 1).NodeValue(g)
	before, after := l.same(x.Shape().Dim(1))
	x = padded(x, before, after)
	rows, columns := (l.Output[0]-1)*l.stride+1, (l.Output[1]-1)*l.stride+1
	var sum *Node
	for h := range l.kernel {
		for w := range l.kernel {
			shifted := Slice(x, AxisRange(), AxisRange(h, h+rows).Stride(l.stride), AxisRange(w, w+columns).Stride(l.stride), AxisRange())
			factor := Reshape(Slice(kernel, AxisRange(h, h+1), AxisRange(w, w+1), AxisRange(), AxisRange()), 1, 1, 1, channels)
			if part := Mul(shifted, factor); sum == nil {
				sum = part
			} else {
				sum = Add(sum, part)
			}
		}
	}
	return l.plusBias(scope, sum)
}

// batchNormalization by the moving statistics: Ioffe & Szegedy (2015), algorithm 2.
func (l Layer) batchNormalization(scope *model.Scope, x *Node) *Node {
	value := func(name string) *Node { return l.weight(scope, name, x.Shape().Dim(-1)).NodeValue(x.Graph()) }
	scale := Div(value("gamma"), Sqrt(AddScalar(value("moving_variance"), l.epsilon)))
	shift := Sub(value("beta"), Mul(value("moving_mean"), scale))
	return Add(Mul(x, ExpandLeftToRank(scale, x.Rank())), ExpandLeftToRank(shift, x.Rank()))
}

// dense is x [batch, in] times the kernel [in, out], and the bias.
func (l Layer) dense(scope *model.Scope, x *Node) *Node {
	kernel := l.weight(scope, "kernel", x.Shape().Dim(-1), l.Output[0]).NodeValue(x.Graph())
	return l.plusBias(scope, Dot(x, kernel).Product())
}

// locationMean is the mean of x [batch, height, width, channels] over height and width, as a product. Trained layers are part of
// graphs that generate captions, where a kind of reduction may occur in one function only, and the search has its own.
func locationMean(x *Node) *Node {
	x = locations(x)
	shares := make([]float32, x.Shape().Dim(1))
	for n := range shares {
		shares[n] = 1 / float32(len(shares))
	}
	return Einsum("l,blc->bc", Const(x.Graph(), shares), x)
}

// locationMax is the maximum in the mean's place, as that of halves.
func locationMax(x *Node) *Node {
	x = locations(x)
	for n := x.Shape().Dim(1); n > 1; n = x.Shape().Dim(1) {
		most := Max(SliceAxis(x, 1, AxisRange(0, n/2)), SliceAxis(x, 1, AxisRange(n-n/2, n)))
		if n%2 == 1 {
			most = Concatenate([]*Node{most, SliceAxis(x, 1, AxisRange(n/2, n/2+1))}, 1)
		}
		x = most
	}
	return Squeeze(x, 1)
}

// locations makes [batch, height*width, channels] of x.
func locations(x *Node) *Node {
	return Reshape(x, x.Shape().Dim(0), x.Shape().Dim(1)*x.Shape().Dim(2), x.Shape().Dim(3))
}

func (l Layer) plusBias(scope *model.Scope, x *Node) *Node {
	if l.noBias {
		return x
	}
	bias := l.weight(scope, "bias", x.Shape().Dim(-1)).NodeValue(x.Graph())
	return Add(x, ExpandLeftToRank(bias, x.Rank()))
}

func (l Layer) activate(x *Node) *Node {
	switch l.activation {
	case "relu":
		return Max(x, ZerosLike(x))
	case "relu6":
		return ClipScalar(x, 0, 6)
	case "softmax":
		return Softmax(x, -1)
	}
	return x
}

// onCPU reports whether the graph is for XLA on a CPU.
func onCPU(g *Graph) bool {
	return g.Backend().Name() == "xla" && strings.Contains(strings.ToLower(g.Backend().DeviceDescription(0)), "cpu")
}
