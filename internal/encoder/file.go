package encoder

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
)

// stored is one float32 tensor in a weight file: where its little-endian values lie. Reading them waits until the
// network is built, which it need not be when all features are cached.
type stored struct {
	path   string
	offset int64
	dims   []int
	dtype  string // "" for float32; another type can't be read
}

func (s stored) size() int {
	n := 1
	for _, d := range s.dims {
		n *= d
	}
	return n
}

// read fills values, as many as s.size, row by row of dims.
func (s stored) read(values []float32) error {
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffer := make([]byte, 1<<20)
	in := io.NewSectionReader(file, s.offset, 4*int64(len(values)))
	for at := 0; at < len(values); {
		chunk := buffer[:min(len(buffer), 4*(len(values)-at))]
		if _, err := io.ReadFull(in, chunk); err != nil {
			return fmt.Errorf("read %s: %w", s.path, err)
		}
		for n := 0; n < len(chunk); n += 4 {
			values[at] = math.Float32frombits(binary.LittleEndian.Uint32(chunk[n:]))
			at++
		}
	}
	return nil
}

// view maps a file into memory, so that looking for the tensors' places reads only what describes them.
func view(path string, look func(data []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return look(nil)
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map %s: %w", path, err)
	}
	defer syscall.Munmap(data)
	return look(data)
}
