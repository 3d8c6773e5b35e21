package tensorboard

import (
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// text appends a string field. Protobuf refuses what is not UTF-8, and with it the whole event.
func text(to []byte, field protowire.Number, s string) []byte {
	to = protowire.AppendTag(to, field, protowire.BytesType)
	return protowire.AppendString(to, strings.ToValidUTF8(s, "\uFFFD"))
}

// message appends a field of bytes or of an encoded message.
func message(to []byte, field protowire.Number, m []byte) []byte {
	to = protowire.AppendTag(to, field, protowire.BytesType)
	return protowire.AppendBytes(to, m)
}

// integer appends a field of an integer, a boolean or an enumeration.
func integer(to []byte, field protowire.Number, x uint64) []byte {
	to = protowire.AppendTag(to, field, protowire.VarintType)
	return protowire.AppendVarint(to, x)
}

// double appends a field of a 64-bit number.
func double(to []byte, field protowire.Number, x float64) []byte {
	to = protowire.AppendTag(to, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(to, math.Float64bits(x))
}

func decimal(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }
