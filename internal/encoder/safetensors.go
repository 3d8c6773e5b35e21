package encoder

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readSafetensors finds the tensors of a safetensors file by name: the length of a JSON header in 8 bytes, the header
// with each tensor's type, shape and place, then the values.
func readSafetensors(path string) (map[string]stored, error) {
	out := map[string]stored{}
	err := view(path, func(data []byte) error {
		if len(data) < 8 {
			return errors.New("not a safetensors file: shorter than its header's length")
		}
		length := binary.LittleEndian.Uint64(data)
		if length > uint64(len(data)-8) {
			return fmt.Errorf("not a safetensors file, or cut short: its header claims %d bytes of %d", length, len(data))
		}
		var header map[string]json.RawMessage
		if err := json.Unmarshal(data[8:8+length], &header); err != nil {
			return fmt.Errorf("safetensors header: %w", err)
		}
		begin := 8 + int64(length)
		body := int64(len(data)) - begin
		for name, entry := range header {
			if name == "__metadata__" {
				continue
			}
			var t struct {
				DType   string   `json:"dtype"`
				Shape   []int    `json:"shape"`
				Offsets [2]int64 `json:"data_offsets"`
			}
			if err := json.Unmarshal(entry, &t); err != nil {
				return fmt.Errorf("safetensors header, tensor %q: %w", name, err)
			}
			if t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] || t.Offsets[1] > body {
				return fmt.Errorf("tensor %q: its bytes %v lie outside the file's %d: the file is cut short or damaged", name, t.Offsets, body)
			}
			if t.DType == "" {
				return fmt.Errorf("tensor %q names no type (dtype)", name)
			}
			s := stored{path: path, offset: begin + t.Offsets[0], dims: t.Shape, dtype: t.DType}
			if t.DType == "F32" {
				s.dtype = ""
				if !sized(t.Shape, (t.Offsets[1]-t.Offsets[0])/4) || (t.Offsets[1]-t.Offsets[0])%4 != 0 {
					return fmt.Errorf("tensor %q: shape %v does not fit its %d bytes", name, t.Shape, t.Offsets[1]-t.Offsets[0])
				}
			}
			out[name] = s
		}
		if len(out) == 0 {
			return errors.New("the safetensors file holds no tensors")
		}
		return nil
	})
	return out, err
}

// convertOnce is what another kind of weight file holds, by the safetensors file that convert makes of it, once, in the cache folder.
func convertOnce(hash, dir string, log io.Writer, convert func(out string) error) (map[string]stored, error) {
	out := filepath.Join(dir, hash+".safetensors")
	found, err := readSafetensors(out)
	if err == nil {
		return found, nil
	}
	if !errors.Is(err, fs.ErrNotExist) { // its name tells what it should hold, not what it does
		fmt.Fprintf(log, "making %s anew: %v\n", out, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := convert(out); err != nil {
		return nil, err
	}
	return readSafetensors(out)
}

// sized reports whether a shape has so many values.
func sized[D int | int64](dims []D, values int64) bool {
	n, ok := count(dims, values)
	return ok && n == values
}

// fits reports whether a shape has so many values at most.
func fits[D int | int64](dims []D, values int64) bool {
	_, ok := count(dims, values)
	return ok
}

// count is how many values a shape has; ok is false where they are more than most, or a dimension is negative.
func count[D int | int64](dims []D, most int64) (n int64, ok bool) {
	n = 1
	for _, d := range dims {
		if d < 0 || d > 0 && n > most/int64(d) { // also keeps n from overflowing
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}
