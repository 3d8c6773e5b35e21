package token

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// readWord2vecBinary reads the format of word2vec.c with -binary 1: a line with the numbers of words and dimensions, then
// of each word its bytes, a space and its values as little-endian float32. word2vec.c writes a newline after each vector,
// gensim none.
func readWord2vecBinary(in *vectorInput, words *vectorWords) error {
	first, err := in.ReadSlice('\n')
	if err != nil {
		return in.atByte(0, err)
	}
	offset := int64(len(first))
	want, dimensions, err := header(first)
	if err != nil {
		return in.atByte(0, err)
	}
	if err := words.setDimensions(dimensions); err != nil {
		return in.atByte(0, err)
	}
	buffer := make([]byte, 4*dimensions)
	var word []byte
	for n := range want {
		began := offset
		read, err := in.ReadSlice(' ')
		offset += int64(len(read))
		if err != nil {
			return in.atByte(began, cutOff(unlessFull(err), "%d of the %d words that the first line says", n, want))
		}
		word = append(word[:0], bytes.TrimLeft(read[:len(read)-1], "\n")...)
		size, err := io.ReadFull(in, buffer)
		offset += int64(size)
		if err != nil {
			return in.atByte(began, cutOff(err, "the vector of word %d, %.40q, has %d of %d bytes", n+1, word, size, len(buffer)))
		}
		err = words.add(word, fmt.Sprintf("byte %d", began), func() ([]float32, error) {
			values := make([]float32, dimensions)
			for i := range values {
				values[i] = math.Float32frombits(binary.LittleEndian.Uint32(buffer[4*i:]))
			}
			return values, nil
		})
		if err != nil {
			return in.atByte(began, err)
		}
	}
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return in.atByte(offset, cutOff(err, "its gzip stream does not end"))
		case c != '\n':
			return in.atByte(offset, fmt.Errorf("more follows the %d words that the first line says", want))
		}
		offset++
	}
}

// unlessFull says what it means that no space came.
func unlessFull(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fmt.Errorf("expected a word and a space: %w", err)
}
