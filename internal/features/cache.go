package features

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/google/renameio/v2"
)

// key is the SHA-256 of a picture file.
type key [32]byte

// meta is what a cache folder holds the features of.
type meta struct {
	Fingerprint string `json:"fingerprint"`
	Shape       []int  `json:"shape"`
}

// cache is one folder: meta.json, and rows.bin, to which records are appended: the picture's key, its values as
// little-endian float32, and a CRC-32 of both. A torn record, left by a kill, is cut off with what follows it.
type cache struct {
	mu      sync.Mutex
	file    *os.File
	fixed   error // why rows can't be added; nil where they can
	size    int   // values a row
	rows    map[key]int64
	end     int64
	pending [][]byte
}

func openCache(dir string, want meta) (*cache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("feature cache: %w", err)
	}
	path := filepath.Join(dir, "meta.json")
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if data, err = json.MarshalIndent(want, "", "  "); err == nil {
			err = renameio.WriteFile(path, append(data, '\n'), 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("feature cache: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("feature cache: %w", err)
	default:
		var got meta
		if err := json.Unmarshal(data, &got); err != nil {
			return nil, fmt.Errorf("feature cache %s: %w", path, err)
		}
		if got.Fingerprint != want.Fingerprint || !slices.Equal(got.Shape, want.Shape) {
			return nil, fmt.Errorf("feature cache %s was made by another encoder: it has fingerprint %.16s and shape %v, this run needs %.16s and %v; move the folder away or delete it",
				dir, got.Fingerprint, got.Shape, want.Fingerprint, want.Shape)
		}
	}
	path = filepath.Join(dir, "rows.bin")
	file, fixed := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if fixed != nil { // another user's cache, or one on a read-only file system
		if file, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("feature cache: %w", fixed)
		}
	}
	c := &cache{file: file, fixed: fixed, size: product(want.Shape), rows: map[key]int64{}}
	if err := c.locked(c.index); err != nil {
		file.Close()
		return nil, fmt.Errorf("feature cache %s: %w", dir, err)
	}
	return c, nil
}

func (c *cache) recordSize() int64 { return int64(len(key{}) + 4*c.size + 4) }

// locked runs fn while no other run, in this process or another, touches the rows.
func (c *cache) locked(fn func() error) error {
	how := syscall.LOCK_EX
	if c.fixed != nil {
		how = syscall.LOCK_SH // NFS has no other lock for a file that is open for reading alone
	}
	if err := syscall.Flock(int(c.file.Fd()), how); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer syscall.Flock(int(c.file.Fd()), syscall.LOCK_UN)
	return fn()
}

// index takes in the whole records after those that are known.
func (c *cache) index() error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < c.end { // what stands there by now, this run has not seen
		return fmt.Errorf("%s was cut from %d to %d bytes while it was in use", c.file.Name(), c.end, info.Size())
	}
	record := make([]byte, c.recordSize())
	in := bufio.NewReaderSize(io.NewSectionReader(c.file, c.end, info.Size()-c.end), 1<<20)
	for c.end+c.recordSize() <= info.Size() {
		if _, err := io.ReadFull(in, record); err != nil {
			return err
		}
		if !intact(record) {
			break
		}
		c.rows[key(record[:len(key{})])] = c.end
		c.end += c.recordSize()
	}
	return nil
}

func intact(record []byte) bool {
	body := record[:len(record)-4]
	return crc32.ChecksumIEEE(body) == binary.LittleEndian.Uint32(record[len(body):])
}

func (c *cache) has(k key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.rows[k]
	return ok
}

// add queues one row; flush writes the queue.
func (c *cache) add(k key, values []float32) {
	record := make([]byte, 0, c.recordSize())
	record = append(record, k[:]...)
	for _, v := range values {
		record = binary.LittleEndian.AppendUint32(record, math.Float32bits(v))
	}
	c.pending = append(c.pending, binary.LittleEndian.AppendUint32(record, crc32.ChecksumIEEE(record)))
}

// flush appends the queued rows. Another run may have appended since: its rows are taken in first.
func (c *cache) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.locked(c.append); err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	c.pending = c.pending[:0]
	return nil
}

func (c *cache) append() error {
	if err := c.index(); err != nil {
		return err
	}
	if err := c.file.Truncate(c.end); err != nil { // a torn record of a killed run
		return err
	}
	var fresh []byte
	written := map[key]int64{}
	for _, record := range c.pending {
		k := key(record[:len(key{})])
		_, known := c.rows[k]
		_, twice := written[k]
		if !known && !twice {
			written[k] = c.end + int64(len(fresh))
			fresh = append(fresh, record...)
		}
	}
	if _, err := c.file.WriteAt(fresh, c.end); err != nil {
		return err // of a full disk, as it may be: the queue stays for the next flush
	}
	maps.Copy(c.rows, written)
	c.end += int64(len(fresh))
	return nil
}

func (c *cache) read(k key) ([]float32, error) {
	c.mu.Lock()
	at, ok := c.rows[k]
	c.mu.Unlock()
	if !ok {
		return nil, errors.New("feature cache: no such picture")
	}
	record := make([]byte, c.recordSize())
	if _, err := c.file.ReadAt(record, at); err != nil {
		return nil, fmt.Errorf("feature cache: %w", err)
	}
	if !intact(record) || key(record[:len(key{})]) != k {
		return nil, fmt.Errorf("feature cache %s: a record is damaged or another picture's; delete the folder to compute it anew", c.file.Name())
	}
	values := make([]float32, c.size)
	for n := range values {
		values[n] = math.Float32frombits(binary.LittleEndian.Uint32(record[len(key{})+4*n:]))
	}
	return values, nil
}

func (c *cache) close() error { return c.file.Close() }
