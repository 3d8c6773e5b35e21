package encoder

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
)

// readTorch finds the tensors of a state dict that torch.save wrote. The pickle is read once and kept as safetensors
// in the folder. Nothing in it is executed.
func readTorch(ctx context.Context, path, hash, dir string, log io.Writer) (map[string]stored, error) {
	// Conversions of before .2 lack values of other types than float32, and have those of big-endian files in the wrong order.
	return convertOnce(hash+".2", dir, log, func(out string) error {
		fmt.Fprintf(log, "converting %s to safetensors, once\n", path)
		state, err := loadTorch(path)
		var sound otherContent
		switch {
		case errors.As(err, &sound):
			return err
		case err != nil:
			return fmt.Errorf("not a PyTorch state dict, or a damaged one: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeSafetensors(out, state); err != nil {
			return fmt.Errorf("convert to safetensors: %w", err)
		}
		return nil
	})
}

// otherContent is why a file that can be read is not taken.
type otherContent struct{ error }

// loadTorch returns the floating-point tensors of a state dict, which may lie in a checkpoint under "state_dict".
func loadTorch(path string) (state map[string]*pytorch.Tensor, err error) {
	defer func() { // the library panics where it has something not implemented
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	loaded, err := unpickleTorch(path)
	if err != nil {
		return nil, err
	}
	entries := dictionary(loaded)
	if inner := dictionary(entries["state_dict"]); inner != nil {
		entries = inner
	}
	state = map[string]*pytorch.Tensor{}
	for name, value := range entries {
		if t, ok := value.(*pytorch.Tensor); ok && t.Source.(*storage).dtype != "" {
			state[name] = t
		}
	}
	if len(state) == 0 {
		found := "no dict"
		if len(entries) > 0 {
			found = firstNames(entries)
		}
		return nil, otherContent{fmt.Errorf("it holds no floating-point tensors by name, at the top or under \"state_dict\", but %s; expected a state dict", found)}
	}
	return state, nil
}

// dictionary is a pickled dict with strings as keys; nil for anything else.
func dictionary(value any) map[string]any {
	out := map[string]any{}
	switch d := value.(type) {
	case *types.OrderedDict:
		for key, entry := range d.Map {
			if name, ok := key.(string); ok {
				out[name] = entry.Value
			}
		}
	case *types.Dict:
		for _, entry := range *d {
			if name, ok := entry.Key.(string); ok {
				out[name] = entry.Value
			}
		}
	default:
		return nil
	}
	return out
}

func writeSafetensors(path string, state map[string]*pytorch.Tensor) error {
	header, body := map[string]any{}, &bytes.Buffer{}
	for _, name := range slices.Sorted(maps.Keys(state)) {
		begin := body.Len()
		if err := appendTensor(body, state[name]); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		header[name] = map[string]any{"dtype": state[name].Source.(*storage).dtype, "shape": append([]int{}, state[name].Size...), "data_offsets": []int{begin, body.Len()}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	return renameio.WriteFile(path, append(file, body.Bytes()...), 0o644)
}

// appendTensor writes a tensor's values row by row, whatever its strides.
func appendTensor(out *bytes.Buffer, t *pytorch.Tensor) error {
	data, width := t.Source.(*storage).data, int(t.Source.(*storage).width)
	values := len(data) / width
	if len(t.Stride) != len(t.Size) {
		return fmt.Errorf("%d strides for shape %v", len(t.Stride), t.Size)
	}
	if !fits(t.Size, int64(values)) { // strides of zero would make any shape of one value
		return fmt.Errorf("shape %v has more than its storage's %d values", t.Size, values)
	}
	index := make([]int, len(t.Size))
	at := t.StorageOffset
	for range product(t.Size) {
		if at < 0 || at >= values {
			return fmt.Errorf("shape %v lies outside its %d values", t.Size, values)
		}
		out.Write(data[width*at : width*(at+1)])
		for axis := len(index) - 1; axis >= 0; axis-- {
			index[axis]++
			at += t.Stride[axis]
			if index[axis] < t.Size[axis] {
				break
			}
			at -= t.Stride[axis] * t.Size[axis]
			index[axis] = 0
		}
	}
	return nil
}
