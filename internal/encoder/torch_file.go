package encoder

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
)

// unpickleTorch reads what torch.save wrote: a zip archive (since PyTorch 1.6) or pickles that follow each other. gopickle's own loader
// believes sizes before it has seen the bytes, skips the archive's checksums, and never ends on an empty file; so it reads the pickles here,
// and the values come from this file. Values of integers are left out.
func unpickleTorch(path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(file, 1<<20)
	start, err := in.Peek(4)
	switch {
	case bytes.Equal(start, []byte("PK\x03\x04")):
		archive, err := zip.NewReader(file, info.Size())
		if err != nil {
			return nil, err
		}
		return unpickleArchive(archive, info.Size())
	case len(start) > 0 && start[0] == 0x80: // PROTO, with which a binary pickle begins
		return unpickleLegacy(in, info.Size())
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	return nil, fmt.Errorf("it begins with %q, neither a zip archive nor a pickle", start)
}

// storageClass is the type of a storage's values.
type storageClass struct {
	dtype string // safetensors' name; "" for integers, such as counters of batches
	width int64  // bytes of a value
}

var storageClasses = map[string]storageClass{
	"FloatStorage": {"F32", 4}, "HalfStorage": {"F16", 2}, "BFloat16Storage": {"BF16", 2}, "DoubleStorage": {"F64", 8}, "BoolStorage": {"", 1},
	"ByteStorage": {"", 1}, "CharStorage": {"", 1}, "ShortStorage": {"", 2}, "IntStorage": {"", 4}, "LongStorage": {"", 8},
}

// storages are those that a pickle names by key, which its tensors are views of.
type storages map[string]*storage

type storage struct {
	storageClass
	pytorch.StorageInterface        // nil; gopickle's tensors are of one
	count                    int64  // values
	data                     []byte // little-endian
}

// parameter is torch.nn.Parameter: its tensor, whether it is trained, and hooks.
type parameter struct{}

// Call gives the tensor.
func (parameter) Call(args ...any) (any, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("a parameter is described by %v", args)
	}
	return args[0], nil
}

// unpickle reads one pickle; largest is the most bytes that a storage can have.
func (all storages) unpickle(in io.Reader, largest int64) (any, error) {
	u := pickle.NewUnpickler(in)
	u.FindClass = func(module, name string) (any, error) {
		class, known := storageClasses[name]
		switch {
		case module == "torch" && known:
			return class, nil
		case module+"."+name == "torch._utils._rebuild_tensor_v2":
			return &pytorch.RebuildTensorV2{}, nil
		case module+"."+name == "torch._utils._rebuild_parameter":
			return parameter{}, nil
		}
		return nil, otherContent{fmt.Errorf("it holds a %.60s.%.60s; expected a state dict: tensors by name", module, name)}
	}
	u.PersistentLoad = func(id any) (any, error) {
		parts, ok := id.(*types.Tuple)
		if !ok || parts.Len() < 5 {
			return nil, fmt.Errorf("a storage is described by %v", id)
		}
		kind, _ := parts.Get(0).(string)
		class, isClass := parts.Get(1).(storageClass)
		key, isKey := parts.Get(2).(string)
		count, isCount := parts.Get(4).(int)
		if kind != "storage" || !isClass || !isKey || !isCount || parts.Len() > 5 && parts.Get(5) != nil {
			return nil, fmt.Errorf("a storage is described by %v", *parts)
		}
		if count < 0 || int64(count) > largest/class.width {
			return nil, fmt.Errorf("storage %q claims %d values, more than the file has", key, count)
		}
		if all[key] == nil {
			all[key] = &storage{storageClass: class, count: int64(count)}
		}
		return all[key], nil
	}
	return u.Load()
}

func unpickleArchive(archive *zip.Reader, size int64) (any, error) {
	records := map[string]*zip.File{}
	for _, f := range archive.File {
		folder, name := path.Split(f.Name)
		if path.Base(folder) == "data" || name == "data.pkl" || name == "byteorder" {
			records[name] = f
		}
	}
	// content is a record's bytes; reading to the end has the archive's checksum checked.
	content := func(name string) ([]byte, error) {
		f := records[name]
		switch {
		case f == nil:
			return nil, fmt.Errorf("the archive has no record %q", name)
		case f.Method != zip.Store:
			return nil, fmt.Errorf("record %q is compressed, which torch.save never does", f.Name)
		case f.UncompressedSize64 > uint64(size):
			return nil, fmt.Errorf("record %q claims %d bytes, the file has %d", f.Name, f.UncompressedSize64, size)
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		defer in.Close()
		data := make([]byte, f.UncompressedSize64)
		if _, err = io.ReadFull(in, data); err == nil {
			_, err = io.Copy(io.Discard, in)
		}
		if err != nil {
			return nil, fmt.Errorf("record %q: %w", f.Name, err)
		}
		return data, nil
	}
	if records["byteorder"] != nil { // since PyTorch 2.1; without it, PyTorch takes them for little-endian too
		order, err := content("byteorder")
		if err != nil {
			return nil, err
		}
		if string(order) != "little" {
			return nil, otherContent{fmt.Errorf("its values are in byte order %.60q, expected \"little\"; load it with PyTorch and save it on a little-endian machine", order)}
		}
	}
	head, err := content("data.pkl")
	if err != nil {
		return nil, err
	}
	all := storages{}
	state, err := all.unpickle(bytes.NewReader(head), size)
	if err != nil {
		return nil, err
	}
	for key, s := range all {
		if s.dtype == "" {
			continue
		}
		if s.data, err = content(key); err != nil {
			return nil, err
		}
		if int64(len(s.data)) != s.count*s.width {
			return nil, fmt.Errorf("storage %q has %d bytes, expected %d values of %d", key, len(s.data), s.count, s.width)
		}
	}
	return state, nil
}

// unpickleLegacy reads a magic number, a version, notes on the system, the object, its storages' keys, and then each storage: how many
// values, and the values. They are little-endian, whatever the notes say of the machine that wrote them.
func unpickleLegacy(in io.Reader, size int64) (any, error) {
	all := storages{}
	var parts []any
	for _, what := range []string{"magic number", "version", "system", "object", "keys"} {
		part, err := all.unpickle(in, size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		parts = append(parts, part)
		if magic, ok := parts[0].(*big.Int); !ok || magic.Text(16) != "1950a86a20f9469cfc6c" {
			return nil, errors.New("a pickle, but none of torch.save")
		}
	}
	if version, ok := parts[1].(int); !ok || version != 1001 {
		return nil, fmt.Errorf("version %v of torch.save's format, expected 1001", parts[1])
	}
	keys, ok := parts[4].(*types.List)
	if !ok {
		return nil, fmt.Errorf("the storages' keys are %v, expected a list", parts[4])
	}
	for _, key := range *keys {
		name, _ := key.(string)
		s := all[name]
		if s == nil {
			return nil, fmt.Errorf("no tensor uses the storage %v", key)
		}
		var count int64
		if err := binary.Read(in, binary.LittleEndian, &count); err != nil {
			return nil, fmt.Errorf("storage %q: %w", name, err)
		}
		if count != s.count {
			return nil, fmt.Errorf("storage %q has %d values, expected %d", name, count, s.count)
		}
		s.data = make([]byte, count*s.width)
		if _, err := io.ReadFull(in, s.data); err != nil {
			return nil, fmt.Errorf("storage %q: %w", name, err)
		}
	}
	return parts[3], nil
}
