package encoder

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/gomlx/gomlx/core/tensors"
)

// readSafetensors returns the float32 tensors of a safetensors file by name.
func readSafetensors(path string) (map[string]*tensors.Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 8 {
		return nil, errors.New("not a safetensors file: shorter than its header's length")
	}
	length := binary.LittleEndian.Uint64(data)
	if length > uint64(len(data)-8) {
		return nil, fmt.Errorf("not a safetensors file: its header claims %d bytes of %d", length, len(data))
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+length], &header); err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	body := data[8+length:]
	out := map[string]*tensors.Tensor{}
	for name, entry := range header {
		if name == "__metadata__" {
			continue
		}
		var t struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(entry, &t); err != nil {
			return nil, fmt.Errorf("safetensors header, tensor %q: %w", name, err)
		}
		if t.DType != "F32" {
			continue
		}
		if t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] || t.Offsets[1] > len(body) {
			return nil, fmt.Errorf("tensor %q: bytes %v lie outside the file", name, t.Offsets)
		}
		if out[name], err = floatTensor(body[t.Offsets[0]:t.Offsets[1]], t.Shape); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no float32 tensors in the safetensors file")
	}
	return out, nil
}
