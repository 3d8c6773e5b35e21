package features

import (
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/picture"
)

func extractor(t *testing.T, e *encoder.Encoder, cache string) *Extractor {
	t.Helper()
	x := NewExtractor(acceltest.XLA(t), e, cache, io.Discard)
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// TestExtractorGoesOn: an extractor that is given pictures one by one gives what Compute gives of all, to the cache, too, opens cache
// and encoder once, and leaves the hashes that runs have kept as they are.
func TestExtractorGoesOn(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 6), tiny(t, dir, 4)
	want := rows(t, extract(t, e, pictures, t.TempDir()), pictures)
	extract(t, e, pictures[:2], cache) // a run's
	hashes, err := os.ReadFile(filepath.Join(cache, "features", "pictures.json"))
	if err != nil {
		t.Fatal(err)
	}

	x := extractor(t, e, cache)
	for n, p := range pictures {
		for range 2 {
			got, err := x.Files(t.Context(), []string{p.Path, pictures[0].Path})
			if err != nil || !same(got, [][]float32{want[n], want[0]}) {
				t.Fatalf("%s: other features (error %v)", p.ID, err)
			}
		}
		switch n {
		case 1: // all of them were there
			if x.exec != nil {
				t.Error("the encoder was installed for pictures that the cache has")
			}
		case 2: // what is open by now is not looked for again
			write(t, filepath.Join(dir, "tiny.safetensors"), nil)
			meta, err := filepath.Glob(filepath.Join(cache, "features", "*", "meta.json"))
			if err != nil || len(meta) != 1 {
				t.Fatalf("meta.json: %v %v", meta, err)
			}
			write(t, meta[0], nil)
		}
	}
	if after, err := os.ReadFile(filepath.Join(cache, "features", "pictures.json")); err != nil || string(after) != string(hashes) {
		t.Errorf("the hashes of runs became %s (error %v)", after, err)
	}
}

// TestExtractorKeeps: what an extractor computed, a run finds in the cache, and the other way round where both have it open.
func TestExtractorKeeps(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 4), tiny(t, dir, 4)
	x := extractor(t, e, cache)
	files := func(from, to int) [][]float32 {
		var paths []string
		for _, p := range pictures[from:to] {
			paths = append(paths, p.Path)
		}
		got, err := x.Files(t.Context(), paths)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	files(0, 1)
	run := extract(t, e, pictures[:3], cache)
	counts(t, run, 2, 1)
	if !same(files(1, 4), rows(t, extract(t, e, pictures, cache), pictures)[1:]) { // it has not seen the run's rows yet
		t.Error("other features than the run's")
	}
	counts(t, extract(t, e, pictures, cache), 0, 4)
}

// TestExtractorImages: images have the features of the files that they come from, in any number, and leave nothing on disk.
func TestExtractorImages(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 6), tiny(t, dir, 4)
	want := rows(t, extract(t, e, pictures, t.TempDir()), pictures)
	var images []image.Image
	for _, p := range pictures {
		img, err := picture.Open(p.Path)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	x := extractor(t, e, cache)
	for _, part := range [][2]int{{0, 6}, {2, 3}, {1, 5}, {4, 4}} {
		from, to := part[0], part[1]
		if got, err := x.Images(t.Context(), images[from:to]); err != nil || !same(got, want[from:to]) {
			t.Errorf("images %d to %d have other features than their files (error %v)", from, to, err)
		}
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("the cache holds %v (error %v)", left, err)
	}
	for _, bad := range []image.Image{nil, image.NewGray(image.Rect(5, 5, 5, 9))} {
		if _, err := x.Images(t.Context(), slices.Insert(slices.Clone(images), 1, bad)); err == nil || !strings.Contains(err.Error(), "image 2 of 7 has no pixels") {
			t.Errorf("%v: error %v", bad, err)
		}
	}
}

// TestSmallBatches: fewer pictures than a batch are computed in smaller batches, a graph for each power of two, and have the same
// features, bit for bit on the CPU.
func TestSmallBatches(t *testing.T) {
	dir := t.TempDir()
	pictures, e := photos(t, dir, 9), tiny(t, dir, 8)
	want := rows(t, extract(t, e, pictures, t.TempDir()), pictures)
	for pictures, batch := range map[int]int{1: 2, 2: 2, 3: 4, 5: 8, 8: 8, 9: 8, 1000: 8} {
		if got := e.Batch(pictures); got != batch {
			t.Errorf("%d pictures in batches of %d, want %d", pictures, got, batch)
		}
	}
	if single := tiny(t, dir, 1); single.Batch(1) != 1 || single.Batch(7) != 1 {
		t.Errorf("encoder.batch = 1: batches of %d and %d", single.Batch(1), single.Batch(7))
	}
	x := extractor(t, e, t.TempDir())
	for _, part := range [][2]int{{0, 1}, {1, 3}, {3, 6}, {0, 9}} {
		var paths []string
		for _, p := range pictures[part[0]:part[1]] {
			paths = append(paths, p.Path)
		}
		got, err := x.Files(t.Context(), paths)
		if err != nil || !same(got, want[part[0]:part[1]]) {
			t.Errorf("pictures %v have other features (error %v)", part, err)
		}
	}
}

// TestExtractorAfterFullDisk: pictures whose rows could not be written once have their features in the next call.
func TestExtractorAfterFullDisk(t *testing.T) {
	dir := t.TempDir()
	pictures, e := photos(t, dir, 3), tiny(t, dir, 4)
	x := extractor(t, e, t.TempDir())
	files := func(n int) ([][]float32, error) { return x.Files(t.Context(), []string{pictures[n].Path}) }
	if _, err := files(0); err != nil {
		t.Fatal(err)
	}
	good := x.cache.file
	full, err := os.OpenFile(good.Name(), os.O_RDWR|os.O_APPEND, 0) // refuses to write at a place
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	x.cache.file = full
	if _, err := files(1); err == nil {
		t.Fatal("no error where rows can't be written")
	}
	x.cache.file = good
	want := rows(t, extract(t, e, pictures, t.TempDir()), pictures)
	for _, n := range []int{2, 1} {
		if got, err := files(n); err != nil || !same(got, want[n:n+1]) {
			t.Errorf("%s: other features (error %v)", pictures[n].ID, err)
		}
	}
}
