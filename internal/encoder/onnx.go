package encoder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto3 (ModelProto, GraphProto, TensorProto).
const (
	onnxModelGraph       = 7
	onnxGraphInitializer = 5
	onnxTensorDims       = 1
	onnxTensorType       = 2
	onnxTensorFloats     = 4
	onnxTensorName       = 8
	onnxTensorRaw        = 9

	onnxFloat = 1
)

// readONNX returns the float32 initializers of an ONNX model by name. Nothing of its graph is used.
func readONNX(path string) (map[string]*tensors.Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]*tensors.Tensor{}
	err = fields(data, func(field protowire.Number, graph []byte, _ uint64) error {
		if field != onnxModelGraph {
			return nil
		}
		return fields(graph, func(field protowire.Number, tensor []byte, _ uint64) error {
			if field != onnxGraphInitializer {
				return nil
			}
			name, t, err := onnxTensor(tensor)
			if err != nil {
				return fmt.Errorf("initializer %q: %w", name, err)
			}
			if t != nil {
				out[name] = t
			}
			return nil
		})
	})
	if err == nil && len(out) == 0 {
		err = errors.New("no float32 initializers: not an ONNX model")
	}
	return out, err
}

func onnxTensor(data []byte) (name string, t *tensors.Tensor, err error) {
	var dims []int
	var values []byte // little-endian float32
	kind := uint64(0)
	err = fields(data, func(field protowire.Number, bytes []byte, n uint64) error {
		switch field {
		case onnxTensorDims:
			if bytes == nil {
				dims = append(dims, int(n))
				return nil
			}
			for len(bytes) > 0 {
				v, size := protowire.ConsumeVarint(bytes)
				if size < 0 {
					return protowire.ParseError(size)
				}
				dims, bytes = append(dims, int(v)), bytes[size:]
			}
		case onnxTensorType:
			kind = n
		case onnxTensorName:
			name = string(bytes)
		case onnxTensorRaw, onnxTensorFloats:
			values = append(values, bytes...)
		}
		return nil
	})
	if err != nil || kind != onnxFloat {
		return name, nil, err
	}
	t, err = floatTensor(values, dims)
	return name, t, err
}

// floatTensor reads little-endian float32 values.
func floatTensor(raw []byte, dims []int) (*tensors.Tensor, error) {
	size := 1
	for _, d := range dims {
		size *= d
	}
	if len(raw) != 4*size {
		return nil, fmt.Errorf("shape %v needs %d bytes, found %d", dims, 4*size, len(raw))
	}
	values := make([]float32, size)
	for n := range values {
		values[n] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*n:]))
	}
	return tensors.FromFlatDataAndDimensions(values, dims...), nil
}

// fields calls fn for each field of a protobuf message: bytes for length-delimited ones, n for varints.
func fields(data []byte, fn func(field protowire.Number, bytes []byte, n uint64) error) error {
	for len(data) > 0 {
		field, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		var bytes []byte
		var n uint64
		switch kind {
		case protowire.BytesType:
			bytes, size = protowire.ConsumeBytes(data)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(data)
		default:
			size = protowire.ConsumeFieldValue(field, kind, data)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		if kind == protowire.BytesType || kind == protowire.VarintType {
			if err := fn(field, bytes, n); err != nil {
				return err
			}
		}
		data = data[size:]
	}
	return nil
}
