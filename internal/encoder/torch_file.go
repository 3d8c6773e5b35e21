package encoder

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
)

// unpickleTorch reads what torch.save wrote: a zip archive (since PyTorch 1.6) or pickles that follow each other. gopickle's own loader
// believes sizes before it has seen the bytes, skips the archive's checksums, and never ends on an empty file; so it reads the pickles here,
// and the float32 values come from this file. Values of other types are left out.
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

// storageClass is the type of a storage's values, by their bytes.
type storageClass struct {
	width int64
	float bool // float32
}

var storageClasses = map[string]storageClass{
	"FloatStorage": {4, true}, "HalfStorage": {2, false}, "BFloat16Storage": {2, false}, "DoubleStorage": {8, false}, "BoolStorage": {1, false},
	"ByteStorage": {1, false}, "CharStorage": {1, false}, "ShortStorage": {2, false}, "IntStorage": {4, false}, "LongStorage": {8, false},
}

// storages are those that a pickle names by key, which its tensors are views of.
type storages map[string]*storage

type storage struct {
	storageClass
	count  int64 // values
	values pytorch.StorageInterface
}

// set gives the tensors their values, 4 bytes each.
func (s *storage) set(data []byte) {
	values := make([]float32, len(data)/4)
	for n := range values {
		values[n] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*n:]))
	}
	s.values.(*pytorch.FloatStorage).Data = values
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
		}
		return nil, fmt.Errorf("it holds a %s.%s; expected tensors by name", module, name)
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
			s := &storage{class, int64(count), &pytorch.ByteStorage{}}
			if class.float {
				s.values = &pytorch.FloatStorage{}
			}
			all[key] = s
		}
		return all[key].values, nil
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
			return nil, fmt.Errorf("its values are in byte order %.60q, expected \"little\"; load it with PyTorch and save it on a little-endian machine", order)
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
		if !s.float {
			continue
		}
		data, err := content(key)
		if err != nil {
			return nil, err
		}
		if int64(len(data)) != s.count*s.width {
			return nil, fmt.Errorf("storage %q has %d bytes, expected %d values of %d", key, len(data), s.count, s.width)
		}
		s.set(data)
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
		data := make([]byte, count*s.width)
		if _, err := io.ReadFull(in, data); err != nil {
			return nil, fmt.Errorf("storage %q: %w", name, err)
		}
		if s.float {
			s.set(data)
		}
	}
	return parts[3], nil
}
