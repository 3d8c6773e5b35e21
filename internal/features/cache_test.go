package features

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *cache {
	t.Helper()
	c, err := openCache(dir, meta{Fingerprint: "f", Shape: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// put adds rows of these keys, the key's first byte as each value.
func put(t *testing.T, c *cache, keys ...byte) {
	t.Helper()
	for _, k := range keys {
		c.add(key{k}, []float32{float32(k), float32(k), float32(k)})
	}
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
}

// holds checks which of the keys 1 to 5 are there, each with its values.
func holds(t *testing.T, c *cache, want ...byte) {
	t.Helper()
	for k := byte(1); k <= 5; k++ {
		if got := c.has(key{k}); got != slices.Contains(want, k) {
			t.Errorf("row %d is there: %v", k, got)
		} else if got {
			if row, err := c.read(key{k}); err != nil || !slices.Equal(row, []float32{float32(k), float32(k), float32(k)}) {
				t.Errorf("row %d has the values %v (error %v)", k, row, err)
			}
		}
	}
}

// TestDamagedRecord: a damaged record costs its own row alone, in a cache that is open as in one that is opened then; it is added
// again, once by two that have found it, and those who open the cache afterwards read the new one.
func TestDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	put(t, first, 1, 2, 3, 4)
	path := filepath.Join(dir, "rows.bin")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := len(data) / 4
	data[size+40] ^= 1 // a value of row 2
	data[2*size] ^= 1  // the key of row 3
	write(t, path, data)

	second := open(t, dir)
	holds(t, second, 1, 4)
	holds(t, first, 1, 4)
	put(t, second, 2, 3, 5)
	holds(t, second, 1, 2, 3, 4, 5)
	put(t, first, 2, 3)
	holds(t, first, 1, 2, 3, 4, 5)
	holds(t, open(t, dir), 1, 2, 3, 4, 5)
	if info, err := os.Stat(path); err != nil || info.Size() != int64(7*size) {
		t.Errorf("%v (error %v), want 7 records of %d bytes", info.Size(), err, size)
	}
}

// TestTornTail: records that end the file torn are not there; to open a cache leaves them, to add a row puts it in their place.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir), 1, 2, 3, 4)
	path := filepath.Join(dir, "rows.bin")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := len(data) / 4
	clear(data[2*size+10:])
	data = append(data, "rubbish"...)
	write(t, path, data)

	c := open(t, dir)
	holds(t, c, 1, 2)
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, data) {
		t.Errorf("the file became another one (error %v)", err)
	}
	put(t, c, 5)
	holds(t, c, 1, 2, 5)
	holds(t, open(t, dir), 1, 2, 5)
	if info, err := os.Stat(path); err != nil || info.Size() != int64(3*size) {
		t.Errorf("%v (error %v), want 3 records of %d bytes", info.Size(), err, size)
	}
}

// TestOpenedTogether: a cache is opened while another run that only looks for rows has it locked.
func TestOpenedTogether(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	put(t, c, 1)
	err := c.locked(syscall.LOCK_SH, func() error {
		done := make(chan error, 1)
		go func() {
			other, err := openCache(dir, meta{Fingerprint: "f", Shape: []int{3}})
			if err == nil {
				err = other.close()
			}
			done <- err
		}()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			t.Error("it waits for the lock")
			return nil
		}
	})
	if err != nil {
		t.Error(err)
	}
}
