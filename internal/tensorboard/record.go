package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord frames data as a TFRecord: its length (8 bytes, little endian), the length's checksum, the data, the
// data's checksum.
func appendRecord(to, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	to = append(to, length...)
	to = binary.LittleEndian.AppendUint32(to, masked(length))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, masked(data))
}

// masked is a CRC-32C as TensorFlow stores it (tensorflow/core/lib/hash/crc32c.h): rotated and shifted by a constant, since
// the checksum of data that holds its own checksum is no good one.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
