package features

import (
	"context"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/progress"
)

// Extractor gives features of pictures, a few a call: what is slow to begin with, the compiled encoder and the cache, is there
// from the first call that needs it to Close. It is not for calls at the same time.
type Extractor struct {
	backend compute.Backend
	encoder *encoder.Encoder
	dir     string // of the caches of all encoders
	log     io.Writer
	known   map[string]remembered // by absolute path
	cache   *cache                // nil until files come
	store   *model.Store          // nil until something is computed
	exec    *model.Exec
}

// NewExtractor prepares an encoder whose weights are loaded. log, which may be nil, gets the progress.
func NewExtractor(backend compute.Backend, e *encoder.Encoder, cacheDir string, log io.Writer) *Extractor {
	dir := filepath.Join(cacheDir, "features")
	return &Extractor{backend: backend, encoder: e, dir: dir, log: log, known: readHashes(dir)}
}

// Files returns the features of picture files, a row [values] each, as Compute does: from the cache, which keeps those that are
// computed. Their hashes are remembered until Close alone.
func (x *Extractor) Files(ctx context.Context, paths []string) ([][]float32, error) {
	pictures := make([]Picture, len(paths))
	for n, path := range paths {
		pictures[n] = Picture{ID: path, Path: path}
	}
	hashes, _, err := hashAll(ctx, pictures, x.known, x.log)
	if err != nil {
		return nil, err
	}
	t, err := x.table(ctx, pictures, hashes)
	if err != nil {
		return nil, err
	}
	rows := make([][]float32, len(paths))
	for n, path := range paths {
		if rows[n], err = t.Row(path); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Images returns the features of images, a row [values] each, without the cache.
func (x *Extractor) Images(ctx context.Context, images []image.Image) ([][]float32, error) {
	if len(images) == 0 {
		return nil, nil
	}
	all := make([]wanted, len(images))
	for n, img := range images {
		if img == nil || img.Bounds().Empty() {
			return nil, fmt.Errorf("image %d of %d has no pixels", n+1, len(images))
		}
		all[n].image = img
	}
	rows, size := make([][]float32, 0, len(images)), x.encoder.FeatureSize()
	err := x.encode(ctx, all, func(batch []wanted, values []float32) error {
		for n := range batch {
			rows = append(rows, values[n*size:(n+1)*size:(n+1)*size])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// table finds pictures of these hashes in the cache, and computes those that aren't there.
func (x *Extractor) table(ctx context.Context, pictures []Picture, hashes []key) (*Table, error) {
	if x.cache == nil {
		stored, shape := x.encoder.Stored()
		opened, err := openCache(filepath.Join(x.dir, stored[:16]), meta{Fingerprint: stored, Shape: shape})
		if err != nil {
			return nil, err
		}
		x.cache = opened
	}
	t := &Table{shape: x.encoder.FeatureShape(), fingerprint: x.encoder.Fingerprint(), cache: x.cache, keys: map[string]key{}}
	var missing []wanted
	planned := map[key]int{} // where in missing
	for n, p := range pictures {
		k := hashes[n]
		t.keys[p.ID] = k
		if x.cache.has(k) {
			t.Reused++
		} else if at, ok := planned[k]; ok {
			missing[at].pictures = append(missing[at].pictures, p)
		} else {
			planned[k] = len(missing)
			missing = append(missing, wanted{key: k, pictures: []Picture{p}})
		}
	}
	t.Computed = len(missing)
	if len(missing) == 0 {
		return t, nil
	}
	if x.cache.fixed != nil {
		return nil, fmt.Errorf("feature cache: it lacks %s and can't be written to: %w", english.Plural(len(missing), "picture", ""), x.cache.fixed)
	}
	began := time.Now()
	err := x.encode(ctx, missing, func(batch []wanted, values []float32) error {
		for n, w := range batch {
			x.cache.add(w.key, values[n*t.Size():(n+1)*t.Size()])
		}
		return x.cache.flush()
	})
	t.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	return t, nil
}

// encode computes the features of all that is wanted and hands them to keep, batch after batch.
func (x *Extractor) encode(ctx context.Context, all []wanted, keep func(batch []wanted, values []float32) error) error {
	if err := x.install(); err != nil {
		return err
	}
	height, width := x.encoder.InputSize()
	size, batch := height*width*3, x.encoder.Batch(len(all))
	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan prepared, 2)
	group.Go(func() error {
		defer close(ready)
		return prepare(ctx, x.encoder, all, batch, size, ready)
	})
	group.Go(func() error {
		bar := progress.New(x.log, "encoding pictures", "images", int64(len(all)))
		defer bar.Finish()
		for b := range ready {
			pixels := tensors.FromFlatDataAndDimensions(b.pixels, batch, height, width, 3)
			out, err := x.exec.Call1(pixels)
			if err != nil {
				return fmt.Errorf("encode pictures: %w", err)
			}
			values := tensors.MustCopyFlatData[float32](out)
			pixels.MustFinalizeAll()
			out.MustFinalizeAll()
			if err := keep(b.wanted, values); err != nil {
				return err
			}
			bar.Add(int64(len(b.wanted)))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// install brings the encoder onto the device, where it is not there yet. A graph is compiled when it is first called with a size of batch.
func (x *Extractor) install() error {
	if x.exec != nil {
		return nil
	}
	store := model.NewStore()
	if err := x.encoder.Install(store); err != nil {
		return err
	}
	exec, err := model.NewExec(x.backend, store, func(scope *model.Scope, pixels *Node) *Node {
		scope.Store().SetTraining(pixels.Graph(), false)
		out := x.encoder.Graph(scope, pixels)
		return Reshape(out, out.Shape().Dim(0), -1)
	})
	if err != nil {
		store.Finalize()
		return fmt.Errorf("build the encoder: %w", err)
	}
	x.store, x.exec = store, exec
	return nil
}

// free takes the encoder off the device.
func (x *Extractor) free() {
	if x.exec != nil {
		x.exec.Finalize()
		x.store.Finalize()
		x.store, x.exec = nil, nil
	}
}

// Close frees the encoder and closes the cache. The backend must still be open.
func (x *Extractor) Close() error {
	x.free()
	if x.cache == nil {
		return nil
	}
	return x.cache.close()
}
