package encoder

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/onnx-gomlx/onnx"
	"github.com/gomlx/onnx-gomlx/onnx/parser"
	"google.golang.org/protobuf/proto"

	"github.com/captionlab/captionlab/internal/checkout"
)

// onnxModel is an image network whose graph comes from an ONNX file. GoMLX's importer builds it; Layers are its nodes,
// named by their outputs.
type onnxModel struct {
	model         onnx.Model
	input         string
	channelsFirst map[string]bool // by name: of the input and of every node's output
	batch         int             // that the file was exported for; 0 for any
}

// importONNX reads the model of encoder.weights. Any of its tensors can be tapped; the default is its first output.
// Tensors with height and width come out as [height, width, channels], whatever their order in the file.
func importONNX(s Settings) (network, error) {
	if s.Weights == "" {
		return network{}, errors.New("onnx is a network in a file: name the file in encoder.weights")
	}
	data, err := os.ReadFile(checkout.Find(s.Weights))
	if err != nil {
		return network{}, err
	}
	net, err := parseONNX(data)
	if err != nil {
		return network{}, fmt.Errorf("%s: %w", s.Weights, err)
	}
	return net, nil
}

func parseONNX(data []byte) (net network, err error) {
	defer func() { // the importer panics on what it can't do
		if r := recover(); r != nil {
			if err, _ = r.(error); err == nil {
				err = fmt.Errorf("%v", r)
			}
			err = fmt.Errorf("the importer can't use it: %w", err)
		}
	}()
	var file protos.ModelProto
	if err := proto.Unmarshal(data, &file); err != nil || file.GetGraph() == nil || len(file.Graph.Output) == 0 {
		return network{}, errors.Join(errors.New("not an ONNX model, or a damaged one"), err)
	}
	weights := map[string]*protos.TensorProto{}
	for _, t := range file.Graph.Initializer {
		if err := wholeTensor(t); err != nil {
			return network{}, fmt.Errorf("weights %q: %w", t.Name, err)
		}
		weights[t.Name] = t
	}
	for _, node := range file.Graph.Node {
		for _, a := range node.Attribute {
			if err := wholeTensor(a.GetT()); err != nil {
				return network{}, fmt.Errorf("%s %q: %w", node.OpType, node.Name, err)
			}
		}
	}
	// Old files list their weights among the inputs, where the importer would wait for them.
	file.Graph.Input = slices.DeleteFunc(file.Graph.Input, func(in *protos.ValueInfoProto) bool { return weights[in.Name] != nil })
	if len(file.Graph.Input) != 1 {
		return network{}, fmt.Errorf("expected a network with one input, the picture; it has %d", len(file.Graph.Input))
	}
	if data, err = proto.Marshal(&file); err != nil {
		return network{}, err
	}
	m := &onnxModel{input: file.Graph.Input[0].Name, channelsFirst: map[string]bool{}}
	if m.model, err = parser.Parse(data); err != nil {
		return network{}, err
	}
	_, inputs := m.model.Inputs()
	in := inputs[0].Dimensions
	switch {
	case inputs[0].DType != dtypes.Float32:
		return network{}, fmt.Errorf("its input %q is of type %s, expected float32", m.input, inputs[0].DType)
	case len(in) == 4 && in[1] == 3 && in[2] > 0 && in[3] > 0:
		m.channelsFirst[m.input] = true
		in = []int{in[0], in[2], in[3], 3}
	case len(in) == 4 && in[3] == 3 && in[1] > 0 && in[2] > 0:
	default:
		return network{}, fmt.Errorf("its input %q has shape %v, expected [batch, 3, height, width] or [batch, height, width, 3] with height and width fixed "+
			"(-1 is a size left open: export the model for one size)", m.input, in)
	}
	m.batch = max(in[0], 0)
	m.traceChannels(file.Graph.Node)
	shapes, err := m.shapes(file.Graph.Node, in)
	if err != nil {
		return network{}, err
	}
	ls := layers{{Name: m.input, Kind: "InputLayer", Output: in[1:]}}
	counted := map[string]bool{}
	for _, node := range file.Graph.Node {
		l := Layer{Kind: node.OpType}
		for at, name := range node.Input {
			t := weights[name]
			if t == nil {
				l.inputs = append(l.inputs, name)
			} else if t.DataType == int32(protos.TensorProto_FLOAT) && !counted[name] {
				size := 1
				for _, d := range t.Dims {
					size *= int(d)
				}
				counted[name] = true
				l.Params += size
				if node.OpType == "BatchNormalization" && at >= 3 { // mean and variance
					l.Fixed += size
				}
			}
		}
		for _, name := range node.Output {
			if shape, ok := shapes[name]; ok {
				l.Name, l.Output = name, shape
				ls = append(ls, l)
				l.Params, l.Fixed = 0, 0
			}
		}
	}
	return network{layers: ls, feature: file.Graph.Output[0].Name, imported: m}, nil
}

// onnxWidths are the bytes of a value in raw_data.
var onnxWidths = map[protos.TensorProto_DataType]int{
	protos.TensorProto_FLOAT: 4, protos.TensorProto_DOUBLE: 8, protos.TensorProto_FLOAT16: 2, protos.TensorProto_BFLOAT16: 2, protos.TensorProto_BOOL: 1,
	protos.TensorProto_INT8: 1, protos.TensorProto_INT16: 2, protos.TensorProto_INT32: 4, protos.TensorProto_INT64: 8,
	protos.TensorProto_UINT8: 1, protos.TensorProto_UINT16: 2, protos.TensorProto_UINT32: 4, protos.TensorProto_UINT64: 8,
}

// wholeTensor refuses a tensor whose shape is not that of its values: the importer would make room for it first.
func wholeTensor(t *protos.TensorProto) error {
	if t == nil {
		return nil
	}
	if t.DataLocation == protos.TensorProto_EXTERNAL {
		return errors.New("its values lie in another file; export the model as one file")
	}
	values := max(len(t.FloatData), len(t.DoubleData), len(t.Int32Data), len(t.Int64Data), len(t.Uint64Data), len(t.StringData))
	if len(t.RawData) > 0 {
		width := onnxWidths[protos.TensorProto_DataType(t.DataType)]
		if width == 0 {
			return fmt.Errorf("its values are of ONNX type %d, which the importer doesn't know", t.DataType)
		}
		values = len(t.RawData) / width
	}
	if !sized(t.Dims, int64(values)) {
		return fmt.Errorf("shape %v does not fit its %d values", t.Dims, values)
	}
	return nil
}

// traceChannels finds out which tensors have their channels before height and width: what ONNX' convolutions and pools
// give, until a Transpose moves them.
func (m *onnxModel) traceChannels(nodes []*protos.NodeProto) {
	for _, node := range nodes {
		first := len(node.Input) > 0 && m.channelsFirst[node.Input[0]]
		switch node.OpType {
		case "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization":
			first = true
		case "Transpose":
			for _, a := range node.Attribute {
				if a.Name == "perm" {
					first = slices.Equal(a.Ints, []int64{0, 3, 1, 2})
				}
			}
		case "Add", "Mul", "Concat": // a scale or shift may come first
			for _, name := range node.Input {
				first = first || m.channelsFirst[name]
			}
		}
		for _, name := range node.Output {
			m.channelsFirst[name] = first
		}
	}
}

// shapes are those of the tensors that can be tapped, without the batch axis: float32 with one entry a picture. Many
// files don't say them, so the graph is built once, and not run.
func (m *onnxModel) shapes(nodes []*protos.NodeProto, in []int) (map[string][]int, error) {
	backend, err := compute.NewWithConfig("go") // which the importer itself computes with
	if err != nil {
		return nil, err
	}
	defer backend.Finalize()
	store := model.NewStore()
	defer store.Finalize()
	if err := m.install(store); err != nil {
		return nil, err
	}
	g := NewGraph(backend, "shapes")
	defer g.Finalize()
	batch := 2 // tells a batch from a size of 1
	if m.batch > 0 {
		batch = m.batch
	}
	x := Parameter(g, "pixels", shapes.Make(dtypes.Float32, batch, in[1], in[2], in[3]))
	var names []string
	for _, node := range nodes {
		names = append(names, node.Output...)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	out := map[string][]int{}
	for n, node := range m.call(store.RootScope(), x, names...) {
		if node == nil || node.DType() != dtypes.Float32 || node.Rank() < 2 || node.Shape().Dim(0) != batch {
			continue
		}
		out[names[n]] = m.arranged(node, names[n]).Shape().Dimensions[1:]
	}
	return out, nil
}

// install puts the model's weights into the store.
func (m *onnxModel) install(store *model.Store) error {
	if err := m.model.VariablesToScope(store.RootScope()); err != nil {
		return fmt.Errorf("weights of the ONNX model: %w", err)
	}
	for v := range store.IterVariables() {
		v.SetTrainable(false)
	}
	return nil
}

// run builds the graph from preprocessed pixels [batch, height, width, 3] up to the named tensor.
func (m *onnxModel) run(scope *model.Scope, x *Node, name string) *Node {
	if name == m.input {
		return x
	}
	return m.arranged(m.call(scope, x, name)[0], name)
}

func (m *onnxModel) call(scope *model.Scope, x *Node, names ...string) []*Node {
	if m.channelsFirst[m.input] {
		x = TransposeAllDims(x, 0, 3, 1, 2)
	}
	return m.model.CallGraph(scope, x.Graph(), map[string]*Node{m.input: x}, names...)
}

// arranged brings a tensor to [batch, height, width, channels]; one pixel becomes a row.
func (m *onnxModel) arranged(x *Node, name string) *Node {
	if x.Rank() != 4 || !m.channelsFirst[name] {
		return x
	}
	if x.Shape().Dim(2) == 1 && x.Shape().Dim(3) == 1 {
		return Reshape(x, x.Shape().Dim(0), -1)
	}
	return TransposeAllDims(x, 0, 2, 3, 1)
}
