package experiments

import (
	"fmt"
	"syscall"
	"unsafe"
)

// largeValues is from how many values on a table is kept outside of Go's heap: 256 MiB.
const largeValues = 1 << 26

// newValues are n zeros, and what gives them back. A large table is mapped outside of Go's heap: the collector, which waits for
// as much garbage as there is live memory, would else double the gigabytes of a data set's grids.
func newValues(n int) (values []float32, free func(), err error) {
	if n < largeValues {
		return make([]float32, n), func() {}, nil
	}
	bytes, err := syscall.Mmap(-1, 0, 4*n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("memory for %d features (%.1f GB): %w", n, 4*float64(n)/1e9, err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(bytes))), n), func() { _ = syscall.Munmap(bytes) }, nil
}
