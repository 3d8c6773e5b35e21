// Package tensorboard writes TensorBoard's event files: scalars, pictures, text and hyperparameters.
//
// An event file is a sequence of TFRecords, each an Event of TensorFlow's event.proto. What Event, Summary and the plugins'
// messages are made of is encoded here field by field; the numbers are those of tensorboard/compat/proto and
// tensorboard/plugins/hparams of TensorBoard 2.20.
package tensorboard

import (
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Value is a named value of an event.
type Value struct{ encoded []byte }

// Scalar is a point of a curve. TensorBoard keeps it as a 32-bit number.
func Scalar(tag string, x float64) Value {
	v := text(nil, 1, tag)
	v = protowire.AppendTag(v, 2, protowire.Fixed32Type) // simple_value, which every reader knows
	return Value{protowire.AppendFixed32(v, math.Float32bits(float32(x)))}
}

// Picture is an encoded picture, PNG, JPEG or GIF, of a size in pixels. The title stands above it in place of the tag; the
// description is Markdown.
type Picture struct {
	Tag, Title, Description string
	Encoded                 []byte
	Width, Height           int
}

// Image is a picture as a value.
func Image(p Picture) Value {
	// The images plugin takes a vector of strings: width, height, the picture.
	tensor := stringTensor([]int{3}, decimal(p.Width), decimal(p.Height), p.Encoded)
	return tensorValue(p.Tag, metadata("images", nil, p.Title, p.Description, blobSequence), tensor)
}

// Text is Markdown.
func Text(tag, markdown string) Value {
	return tensorValue(tag, metadata("text", nil, "", "", tensorClass), stringTensor(nil, []byte(strings.ToValidUTF8(markdown, "\uFFFD"))))
}

// The kinds of data that SummaryMetadata.data_class tells apart.
const (
	tensorClass  = 2
	blobSequence = 3
)

// metadata is a SummaryMetadata: which plugin shows the value, and how it is called.
func metadata(plugin string, content []byte, title, description string, class uint64) []byte {
	data := text(nil, 1, plugin)
	if len(content) > 0 {
		data = message(data, 2, content)
	}
	m := message(nil, 1, data)
	if title != "" {
		m = text(m, 2, title)
	}
	if description != "" {
		m = text(m, 3, description)
	}
	return integer(m, 4, class)
}

// tensorValue is a Summary.Value with a TensorProto.
func tensorValue(tag string, metadata, tensor []byte) Value {
	v := text(nil, 1, tag)
	v = message(v, 8, tensor)
	return Value{message(v, 9, metadata)}
}

// Types of TensorFlow's types.proto.
const (
	dtFloat  = 1
	dtString = 7
)

// stringTensor is a TensorProto of strings; no shape is a single string.
func stringTensor(shape []int, elements ...[]byte) []byte {
	t := integer(nil, 1, dtString)
	t = message(t, 2, tensorShape(shape))
	for _, e := range elements {
		t = message(t, 8, e)
	}
	return t
}

// nullTensor, which is empty, stands where a plugin reads the metadata alone.
func nullTensor() []byte {
	t := integer(nil, 1, dtFloat)
	return message(t, 2, tensorShape([]int{0}))
}

func tensorShape(sizes []int) (shape []byte) {
	for _, size := range sizes {
		var dimension []byte
		if size > 0 {
			dimension = integer(nil, 1, uint64(size))
		}
		shape = message(shape, 2, dimension)
	}
	return shape
}
