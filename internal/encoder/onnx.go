package encoder

import (
	"errors"
	"fmt"

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
	onnxTensorExternal   = 13

	onnxFloat = 1
)

// readONNX finds the initializers of an ONNX model by name. Nothing of its graph is used.
func readONNX(path string) (map[string]stored, error) {
	out := map[string]stored{}
	err := view(path, func(data []byte) error {
		err := fields(data, 0, func(f field) error {
			if f.number != onnxModelGraph {
				return nil
			}
			return fields(f.bytes, f.at, func(f field) error {
				if f.number != onnxGraphInitializer {
					return nil
				}
				name, s, err := onnxTensor(f)
				if err != nil {
					return fmt.Errorf("initializer %q: %w", name, err)
				}
				s.path = path
				out[name] = s
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("not an ONNX model, or a damaged one: %w", err)
		}
		if len(out) == 0 {
			return errors.New("not an ONNX model: it has no initializers")
		}
		return nil
	})
	return out, err
}

func onnxTensor(tensor field) (name string, s stored, err error) {
	kind, size := uint64(0), 0
	err = fields(tensor.bytes, tensor.at, func(f field) error {
		switch f.number {
		case onnxTensorDims:
			if f.bytes == nil {
				s.dims = append(s.dims, int(f.varint))
				return nil
			}
			for packed := f.bytes; len(packed) > 0; {
				v, n := protowire.ConsumeVarint(packed)
				if n < 0 {
					return protowire.ParseError(n)
				}
				s.dims, packed = append(s.dims, int(v)), packed[n:]
			}
		case onnxTensorType:
			kind = f.varint
		case onnxTensorName:
			name = string(f.bytes)
		case onnxTensorRaw, onnxTensorFloats:
			if size > 0 {
				return errors.New("its values lie in several pieces")
			}
			s.offset, size = f.at, len(f.bytes)
		case onnxTensorExternal:
			return errors.New("its values lie in another file; export the model as one file")
		}
		return nil
	})
	if err != nil {
		return name, s, err
	}
	if kind != onnxFloat {
		s.dtype = fmt.Sprintf("of ONNX type %d", kind)
	} else if size%4 != 0 || !sized(s.dims, int64(size/4)) {
		return name, s, fmt.Errorf("shape %v does not fit its %d bytes", s.dims, size)
	}
	return name, s, nil
}

// field is one field of a protobuf message: bytes of a length-delimited one, which lie at an offset in the file, or a
// varint.
type field struct {
	number protowire.Number
	bytes  []byte
	at     int64
	varint uint64
}

// fields calls fn for each field of a message that lies at an offset in the file.
func fields(data []byte, at int64, fn func(field) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data, at = data[n:], at+int64(n)
		f := field{number: number}
		switch kind {
		case protowire.BytesType:
			if f.bytes, n = protowire.ConsumeBytes(data); n >= 0 {
				f.at = at + int64(n-len(f.bytes))
			}
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if kind == protowire.BytesType || kind == protowire.VarintType {
			if err := fn(f); err != nil {
				return err
			}
		}
		data, at = data[n:], at+int64(n)
	}
	return nil
}
