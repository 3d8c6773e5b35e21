// Package benchtest is what benchmarks of other packages share when internal/bench/compare.sh runs them beside peers: it
// leaves weights and data for the peers, and appends the figures to the comparison's lines.
//
// CAPTIONLAB_BENCH is the folder that both sides share, CAPTIONLAB_BENCH_LINES the file of results, CAPTIONLAB_BENCH_ROUND the
// round and CAPTIONLAB_BENCH_VERSION what our side is made with; without them a benchmark only reports its figures to go
// test. CAPTIONLAB_BENCH_QUICK asks for tiny sizes, which show that everything works.
package benchtest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/renameio/v2"

	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// Epsilon is Adam's in all comparisons: so little that it does not matter that Keras adds it to the uncorrected moment's root,
// others to the corrected one's.
const Epsilon = 1e-12

// Quick tells that sizes are to be tiny.
func Quick() bool { return os.Getenv("CAPTIONLAB_BENCH_QUICK") != "" }

// Pick is the size, or the tiny one.
func Pick[T any](size, tiny T) T {
	if Quick() {
		return tiny
	}
	return size
}

// Dir is the folder that benchmark shares with its peers, "" where there are none.
func Dir(b *testing.B, benchmark string) string {
	b.Helper()
	root := os.Getenv("CAPTIONLAB_BENCH")
	if root == "" {
		return ""
	}
	dir := filepath.Join(root, benchmark)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	return dir
}

// Report gives a figure to go test and, beside peers, to the comparison.
func Report(b *testing.B, l bench.Line) {
	b.Helper()
	b.ReportMetric(l.Value, l.Unit)
	lines := os.Getenv("CAPTIONLAB_BENCH_LINES")
	if lines == "" {
		return
	}
	round, err := strconv.Atoi(os.Getenv("CAPTIONLAB_BENCH_ROUND"))
	if err != nil {
		b.Fatalf("CAPTIONLAB_BENCH_ROUND: %v", err)
	}
	l.Who, l.Round, l.PeakBytes, l.Version = bench.Ours, round, runfolder.PeakMemory(), os.Getenv("CAPTIONLAB_BENCH_VERSION")
	text, err := json.Marshal(l)
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.OpenFile(lines, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		b.Fatal(err)
	}
}

// Array is a named array for the peers; Values is a []float32 or an []int32.
type Array struct {
	Name   string
	Shape  []int
	Values any
}

// Weights are the variables of float32 in a store, a decoder's before training or an encoder's.
func Weights(store *gomodel.Store) []Array {
	var all []Array
	for v := range store.IterVariables() {
		if v.Shape().DType == dtypes.Float32 {
			all = append(all, Array{strings.Trim(v.Path(), "/"), v.Shape().Dimensions, tensors.MustCopyFlatData[float32](v.MustValue())})
		}
	}
	slices.SortFunc(all, func(a, b Array) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Export leaves sizes and arrays in the folder that benchmark shares with its peers, whose peer.py reads them: sizes.json
// names the arrays with their shapes, arrays.bin has their values, little-endian, one after the other. It does nothing
// where there are no peers.
func Export(b *testing.B, benchmark string, sizes map[string]any, arrays ...Array) {
	b.Helper()
	dir := Dir(b, benchmark)
	if dir == "" {
		return
	}
	var values bytes.Buffer
	var listed []map[string]any
	for _, a := range arrays {
		kind := map[bool]string{true: "int32", false: "float32"}[isInt32(a.Values)]
		listed = append(listed, map[string]any{"name": a.Name, "shape": a.Shape, "dtype": kind})
		size := 4
		for _, n := range a.Shape {
			size *= n
		}
		before := values.Len()
		if err := binary.Write(&values, binary.LittleEndian, a.Values); err != nil {
			b.Fatal(err)
		}
		if values.Len()-before != size {
			b.Fatalf("%s: %s has %d bytes, its shape %v needs %d", benchmark, a.Name, values.Len()-before, a.Shape, size)
		}
	}
	text, err := json.Marshal(map[string]any{"sizes": sizes, "arrays": listed})
	if err == nil {
		err = errors.Join(renameio.WriteFile(filepath.Join(dir, "arrays.bin"), values.Bytes(), 0o644),
			renameio.WriteFile(filepath.Join(dir, "sizes.json"), text, 0o644))
	}
	if err != nil {
		b.Fatal(fmt.Errorf("leave %s for the peers: %w", benchmark, err))
	}
}

func isInt32(values any) bool { _, ok := values.([]int32); return ok }
