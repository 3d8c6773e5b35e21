// Package features runs the encoder over a data set's pictures once and keeps the results in a cache on disk.
package features

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/picture"
	"github.com/captionlab/captionlab/internal/progress"
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
// computed once. A run that is killed goes on where it stopped: each batch is on disk before the next begins.
//
// Pictures are decoded and resized on all cores while the accelerator works, and only a few batches are in
// memory at a time.
func Compute(ctx context.Context, backend compute.Backend, e *encoder.Encoder, pictures []Picture, cacheDir string, log io.Writer) (*Table, error) {
	t := &Table{shape: e.FeatureShape(), fingerprint: e.Fingerprint(), keys: map[string]key{}}
	dir := filepath.Join(cacheDir, "features")
	hashes, err := hashAll(ctx, pictures, filepath.Join(dir, "pictures.json"), log)
	if err != nil {
		return nil, err
	}
	stored, shape := e.Stored()
	t.cache, err = openCache(filepath.Join(dir, stored[:16]), meta{Fingerprint: stored, Shape: shape})
	if err != nil {
		return nil, err
	}
	var missing []Picture
	planned := map[key]bool{}
	for n, p := range pictures {
		k := hashes[n]
		t.keys[p.ID] = k
		if t.cache.has(k) {
			t.Reused++
		} else if !planned[k] {
			planned[k] = true
			missing = append(missing, p)
		}
	}
	t.Computed = len(missing)
	if len(missing) == 0 {
		return t, nil
	}
	began := time.Now()
	err = t.compute(ctx, backend, e, missing, log)
	t.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, errors.Join(err, t.cache.close())
	}
	return t, nil
}

// prepared is one batch of decoded, resized pictures.
type prepared struct {
	pictures []Picture
	pixels   []uint8
}

func (t *Table) compute(ctx context.Context, backend compute.Backend, e *encoder.Encoder, pictures []Picture, log io.Writer) error {
	height, width := e.InputSize()
	size, batch := height*width*3, e.Batch()
	store := model.NewStore()
	if err := e.Install(store); err != nil {
		return err
	}
	defer store.Finalize()
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, pixels *Node) *Node {
		scope.Store().SetTraining(pixels.Graph(), false)
		out := e.Graph(scope, pixels)
		return Reshape(out, out.Shape().Dim(0), -1)
	})
	if err != nil {
		return fmt.Errorf("build the encoder: %w", err)
	}
	defer exec.Finalize()

	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan prepared, 2)
	group.Go(func() error {
		defer close(ready)
		return prepare(ctx, e, pictures, batch, size, ready)
	})
	group.Go(func() error {
		bar := progress.New(log, "encoding pictures", "images", int64(len(pictures)))
		defer bar.Finish()
		for b := range ready {
			pixels := tensors.FromFlatDataAndDimensions(b.pixels, batch, height, width, 3)
			out, err := exec.Call1(pixels)
			if err != nil {
				return fmt.Errorf("encode pictures: %w", err)
			}
			values := tensors.MustCopyFlatData[float32](out)
			pixels.MustFinalizeAll()
			out.MustFinalizeAll()
			for n, p := range b.pictures {
				t.cache.add(t.keys[p.ID], values[n*t.Size():(n+1)*t.Size()])
			}
			if err := t.cache.flush(); err != nil {
				return err
			}
			bar.Add(int64(len(b.pictures)))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// prepare decodes and resizes batch after batch. The last one is filled up with black, so one graph serves all.
// All unreadable pictures are named, not only the first.
func prepare(ctx context.Context, e *encoder.Encoder, pictures []Picture, batch, size int, ready chan<- prepared) error {
	var unreadable []error
	for from := 0; from < len(pictures); from += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := prepared{pictures: pictures[from:min(from+batch, len(pictures))], pixels: make([]uint8, batch*size)}
		failed := make([]error, len(b.pictures))
		var group errgroup.Group
		group.SetLimit(runtime.NumCPU())
		for n, p := range b.pictures {
			group.Go(func() error {
				img, err := picture.Open(p.Path)
				if err == nil {
					e.Prepare(img, b.pixels[n*size:(n+1)*size])
				}
				failed[n] = err
				return nil
			})
		}
		_ = group.Wait()
		for _, err := range failed {
			if err != nil {
				unreadable = append(unreadable, err)
			}
		}
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
		return fmt.Errorf("%d pictures can't be read: %w", len(unreadable), errors.Join(unreadable...))
	}
	return nil
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
