package features

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
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
// little-endian float32, and a CRC-32 of both. Records that end the file torn, as a kill leaves them, are cut off before the next
// is appended. A damaged one before them stays; a later record of its key takes its place.
type cache struct {
	mu      sync.Mutex
	file    *os.File
	fixed   error // why rows can't be added; nil where they can
	size    int   // values a row
	rows    map[key]int64
	end     int64
	pending [][]byte
	buffer  []byte // of one record, for index and has
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
	c.buffer = make([]byte, c.recordSize())
	if err := c.locked(syscall.LOCK_SH, c.index); err != nil { // it cuts nothing, and NFS has no other lock for a file that is open for reading alone
		file.Close()
		return nil, fmt.Errorf("feature cache %s: %w", dir, err)
	}
	return c, nil
}

func (c *cache) recordSize() int64 { return int64(len(key{}) + 4*c.size + 4) }

// locked runs fn while no other run, in this process or another, adds rows or, where the lock is LOCK_EX, looks for them.
func (c *cache) locked(how int, fn func() error) error {
	if err := syscall.Flock(int(c.file.Fd()), how); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer syscall.Flock(int(c.file.Fd()), syscall.LOCK_UN)
	return fn()
}

// index takes in the records after those that are known, up to the last intact one. Of those before it, it reads the keys alone:
// has and read find out which are damaged.
func (c *cache) index() error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < c.end { // what stands there by now, this run has not seen
		return fmt.Errorf("%s was cut from %d to %d bytes while it was in use", c.file.Name(), c.end, info.Size())
	}
	end := info.Size() - (info.Size()-c.end)%c.recordSize()
	for ; end > c.end; end -= c.recordSize() {
		if _, err := c.file.ReadAt(c.buffer, end-c.recordSize()); err != nil {
			return err
		}
		if intact(c.buffer) {
			break
		}
	}
	for ; c.end < end; c.end += c.recordSize() {
		k := c.buffer[:len(key{})]
		if _, err := c.file.ReadAt(k, c.end); err != nil {
			return err
		}
		c.rows[key(k)] = c.end
	}
	return nil
}

func intact(record []byte) bool {
	body := record[:len(record)-4]
	return crc32.ChecksumIEEE(body) == binary.LittleEndian.Uint32(record[len(body):])
}

// has tells whether a row is there and intact. One that isn't is forgotten, so that it may be added again.
func (c *cache) has(k key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.rows[k]
	if ok && c.record(k, at, c.buffer) != nil {
		delete(c.rows, k)
		ok = false
	}
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
	if err := c.locked(syscall.LOCK_EX, c.append); err != nil {
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
	if err := c.record(k, at, record); err != nil {
		return nil, err
	}
	values := make([]float32, c.size)
	for n := range values {
		values[n] = math.Float32frombits(binary.LittleEndian.Uint32(record[len(key{})+4*n:]))
	}
	return values, nil
}

// record reads a picture's record.
func (c *cache) record(k key, at int64, record []byte) error {
	if _, err := c.file.ReadAt(record, at); err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	if !intact(record) || key(record[:len(key{})]) != k {
		return fmt.Errorf("feature cache %s: a record is damaged or another picture's; run again to compute it anew", c.file.Name())
	}
	return nil
}

func (c *cache) close() error { return c.file.Close() }
