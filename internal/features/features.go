// Package features runs the encoder over a data set's pictures once and keeps the results in a cache on disk.
package features

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"maps"
	"runtime"
	"slices"

	"github.com/dustin/go-humanize/english"
	"github.com/gomlx/compute"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/picture"
)

// Picture is one picture file.
type Picture struct{ ID, Path string }

// Table holds the features of a data set's pictures.
type Table struct {
	Computed, Reused int     // pictures computed now, and found in the cache
	Seconds          float64 // of computing

	shape       []int
	fingerprint string
	cache       *cache
	keys        map[string]key // by picture id
}

// Shape is the shape of one picture's features.
func (t *Table) Shape() []int { return t.shape }

// Size is the number of values a picture.
func (t *Table) Size() int { return product(t.shape) }

// Fingerprint names the encoder, its layer, weights and preprocessing.
func (t *Table) Fingerprint() string { return t.fingerprint }

// Pictures is a hash of every picture's id and bytes.
func (t *Table) Pictures() string {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(t.keys)) {
		k := t.keys[id]
		h.Write([]byte(id + "\x00"))
		h.Write(k[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Row reads one picture's features.
func (t *Table) Row(id string) ([]float32, error) {
	k, ok := t.keys[id]
	if !ok {
		return nil, fmt.Errorf("picture %q has no features", id)
	}
	return t.cache.read(k)
}

// Close closes the cache.
func (t *Table) Close() error { return t.cache.close() }

// Compute returns the features of all pictures, from the cache in cacheDir where they are there. Equal files are
// computed once. A run that is killed goes on where it stopped: each batch is on disk before the next begins. What
// the cache has damaged is computed anew. A cache that can't be written to must hold all of them.
//
// Pictures are decoded and resized on all cores while the accelerator works, and only a few batches are in
// memory at a time. However many large pictures come together, no more pixels are being decoded at a time than one
// picture may have.
func Compute(ctx context.Context, backend compute.Backend, e *encoder.Encoder, pictures []Picture, cacheDir string, log io.Writer) (*Table, error) {
	x := NewExtractor(backend, e, cacheDir, log)
	defer x.free()
	hashes, changed, err := hashAll(ctx, pictures, x.known, log)
	if err != nil {
		return nil, err
	}
	if changed {
		_ = writeHashes(x.dir, x.known) // a cache that can't be written to still serves: the next run hashes again
	}
	t, err := x.table(ctx, pictures, hashes)
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return t, nil
}

// wanted is a key without features, and the pictures that have it: their files are equal. Or it is an image, of no file.
type wanted struct {
	key      key
	pictures []Picture
	image    image.Image
}

// prepared is one batch of decoded, resized pictures.
type prepared struct {
	wanted []wanted
	pixels []uint8
}

// prepare decodes and resizes batch after batch. The last one is filled up with black, so one graph serves all.
// All unreadable pictures are named, not only the first.
func prepare(ctx context.Context, e *encoder.Encoder, missing []wanted, batch, size int, ready chan<- prepared) error {
	var unreadable []error
	room := semaphore.NewWeighted(picture.MaxPixels)
	for from := 0; from < len(missing); from += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := prepared{wanted: missing[from:min(from+batch, len(missing))], pixels: make([]uint8, batch*size)}
		failed := make([][]error, len(b.wanted))
		var group errgroup.Group
		group.SetLimit(runtime.NumCPU())
		for n, w := range b.wanted {
			group.Go(func() (err error) {
				failed[n], err = w.prepare(ctx, e, room, b.pixels[n*size:(n+1)*size])
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		unreadable = append(unreadable, slices.Concat(failed...)...)
		if len(unreadable) > 0 {
			continue // look at the rest, to name them all
		}
		select {
		case ready <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if len(unreadable) > 0 {
		return fmt.Errorf("%s can't be read: %w", english.Plural(len(unreadable), "picture", ""), errors.Join(unreadable...))
	}
	return nil
}

// prepare fills in the pixels of equal pictures. unreadable says what is wrong with which of them; err is the context's.
func (w wanted) prepare(ctx context.Context, e *encoder.Encoder, room *semaphore.Weighted, pixels []uint8) (unreadable []error, err error) {
	if w.image != nil {
		e.Prepare(w.image, pixels)
		return nil, nil
	}
	path := w.pictures[0].Path
	data, err := picture.Read(path)
	if err != nil {
		return []error{err}, nil
	}
	if sha256.Sum256(data) != w.key { // the features would be kept as those of other bytes
		return []error{fmt.Errorf("%s: it changed while it was read, or its hash in the feature cache's pictures.json is wrong", path)}, nil
	}
	header, err := picture.Inspect(data)
	if err == nil {
		size := min(int64(header.Width)*int64(header.Height), picture.MaxPixels)
		if err := room.Acquire(ctx, size); err != nil {
			return nil, err
		}
		defer room.Release(size)
		var stored image.Image
		if stored, _, err = picture.Decode(data); err == nil {
			e.Prepare(picture.Upright(stored, header.Orientation), pixels)
			return nil, nil
		}
	}
	for _, p := range w.pictures {
		unreadable = append(unreadable, fmt.Errorf("%s: %w", p.Path, err))
	}
	return unreadable, nil
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
