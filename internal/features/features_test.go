package features

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/encoder"
)

// tiny is VGG16's first convolution, averaged: 64 values a picture. Its weights are made up.
func tiny(t testing.TB, dir string, batch int) *encoder.Encoder {
	t.Helper()
	return pooled(t, dir, batch, "avg")
}

func pooled(t testing.TB, dir string, batch int, pooling string) *encoder.Encoder {
	t.Helper()
	weights := make([]float32, 3*3*3*64+64)
	for n := range weights {
		weights[n] = float32(n*2654435761%1000)/1000 - 0.4
	}
	header := fmt.Appendf(nil, `{"block1_conv1/kernel":{"dtype":"F32","shape":[3,3,3,64],"data_offsets":[0,6912]},"block1_conv1/bias":{"dtype":"F32","shape":[64],"data_offsets":[6912,7168]}}`)
	file := bytes.NewBuffer(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	file.Write(header)
	if err := binary.Write(file, binary.LittleEndian, weights); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tiny.safetensors")
	write(t, path, file.Bytes())
	e, err := encoder.New(encoder.Settings{Name: "vgg16", Layer: "block1_conv1", Pooling: pooling, Weights: path, Resize: "nearest", Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.LoadWeights(t.Context(), dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	return e
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// photos writes n different pictures.
func photos(t testing.TB, dir string, n int) (pictures []Picture) {
	t.Helper()
	for i := range n {
		picture := image.NewNRGBA(image.Rect(0, 0, 30+i, 20))
		for y := range 20 {
			for x := range 30 + i {
				picture.SetNRGBA(x, y, color.NRGBA{uint8(37 * i), uint8(x * 8), uint8(y * 12), 255})
			}
		}
		var data bytes.Buffer
		if err := png.Encode(&data, picture); err != nil {
			t.Fatal(err)
		}
		p := Picture{fmt.Sprintf("p%02d", i), filepath.Join(dir, fmt.Sprintf("p%02d.png", i))}
		write(t, p.Path, data.Bytes())
		pictures = append(pictures, p)
	}
	return pictures
}

func extract(t testing.TB, e *encoder.Encoder, pictures []Picture, cache string) *Table {
	t.Helper()
	table, err := Compute(t.Context(), acceltest.XLA(t), e, pictures, cache, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func rows(t testing.TB, table *Table, pictures []Picture) (all [][]float32) {
	t.Helper()
	for _, p := range pictures {
		row, err := table.Row(p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(row) != 64 || slices.Max(row) <= 0 || math.IsNaN(float64(row[0])) {
			t.Fatalf("%s: odd features %v", p.ID, row)
		}
		all = append(all, row)
	}
	return all
}

func same(a, b [][]float32) bool {
	return slices.EqualFunc(a, b, func(x, y []float32) bool { return slices.Equal(x, y) })
}

func counts(t *testing.T, table *Table, computed, reused int) {
	t.Helper()
	if table.Computed != computed || table.Reused != reused {
		t.Errorf("%d computed, %d reused; want %d and %d", table.Computed, table.Reused, computed, reused)
	}
}

// Features are computed once a picture, whatever batch and place in it a picture has; equal files share them.
func TestComputeOnce(t *testing.T) {
	dir := t.TempDir()
	pictures := photos(t, dir, 9)
	data, err := os.ReadFile(pictures[3].Path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "copy.png"), data)
	pictures = append(pictures, Picture{"copy", filepath.Join(dir, "copy.png")})
	e := tiny(t, dir, 4)
	cache := t.TempDir()

	first := extract(t, e, pictures, cache)
	counts(t, first, 9, 0)
	want := rows(t, first, pictures)
	if !slices.Equal(want[3], want[9]) || slices.Equal(want[3], want[4]) {
		t.Error("equal files have different features, or different ones equal features")
	}
	if !slices.Equal(first.Shape(), []int{64}) || first.Size() != 64 || first.Fingerprint() != e.Fingerprint() {
		t.Errorf("shape %v, size %d, fingerprint %s", first.Shape(), first.Size(), first.Fingerprint())
	}
	if _, err := first.Row("nobody"); err == nil {
		t.Error("features of an unknown picture")
	}

	again, err := Compute(t.Context(), nil, e, pictures, cache, nil) // no backend: it can't compute
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	counts(t, again, 0, 10)
	if !same(rows(t, again, pictures), want) {
		t.Error("the cache gives other features")
	}

	// Another order and one picture a call: other neighbours in the batch, and padding beside it.
	slices.Reverse(pictures)
	slices.Reverse(want)
	if !same(rows(t, extract(t, e, pictures, t.TempDir()), pictures), want) {
		t.Error("features depend on the order of the pictures")
	}
	if got := rows(t, extract(t, e, pictures[:1], t.TempDir()), pictures[:1]); !same(got, want[:1]) {
		t.Error("features depend on the padding of the batch")
	}

	// A picture that has changed is computed anew; one that only has another time is not.
	write(t, pictures[5].Path, data)
	if err := os.Chtimes(pictures[6].Path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	changed := extract(t, e, append(pictures, photos(t, t.TempDir(), 10)[9]), cache)
	counts(t, changed, 1, 10)
	if row, _ := changed.Row(pictures[5].ID); !slices.Equal(row, want[0]) {
		t.Error("a changed picture keeps its old features")
	}
}

// TestFlattenReadsTheGrid: what was kept as a grid serves flattened, and the other way round.
func TestFlattenReadsTheGrid(t *testing.T) {
	for first, second := range map[string]string{"none": "flatten", "flatten": "none"} {
		dir := t.TempDir()
		pictures := photos(t, dir, 2)
		one, other := extract(t, pooled(t, dir, 2, first), pictures, dir), extract(t, pooled(t, dir, 2, second), pictures, dir)
		if other.Computed != 0 || other.Reused != 2 || len(one.Shape())+len(other.Shape()) != 4 || one.Fingerprint() == other.Fingerprint() {
			t.Errorf("%s after %s: %d computed, %d reused, shape %v after %v", second, first, other.Computed, other.Reused, other.Shape(), one.Shape())
		}
		for _, p := range pictures {
			want, err := one.Row(p.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := other.Row(p.ID); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s after %s: %s has other values (error %v)", second, first, p.ID, err)
			}
		}
	}
}

// rows.bin may end anywhere after a kill, and be damaged: what is whole is used, the rest is computed again, bit by bit the same.
func TestTornRecords(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 6), tiny(t, dir, 2)
	want := rows(t, extract(t, e, pictures, cache), pictures)
	found, err := filepath.Glob(filepath.Join(cache, "features", "*", "rows.bin"))
	if err != nil || len(found) != 1 {
		t.Fatalf("rows.bin: %v %v", found, err)
	}
	whole, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	record := len(whole) / 6
	flipped := slices.Clone(whole)
	flipped[3*record+100] ^= 1
	tests := map[string]struct {
		content []byte
		lost    int
	}{
		"nothing written":            {nil, 6},
		"cut in the first key":       {whole[:7], 6},
		"cut in a row":               {whole[:2*record+50], 4},
		"cut in the checksum":        {whole[:6*record-1], 1},
		"cut between rows":           {whole[:5*record], 1},
		"zeros after a power cut":    {append(slices.Clone(whole[:4*record]), make([]byte, record)...), 2},
		"a flipped bit in the midst": {flipped, 1},
		"rubbish at the end":         {append(slices.Clone(whole), "rubbish"...), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, found[0], test.content)
			table := extract(t, e, pictures, cache)
			counts(t, table, test.lost, 6-test.lost)
			if !same(rows(t, table, pictures), want) {
				t.Error("other features than before")
			}
			again := extract(t, e, pictures, cache)
			counts(t, again, 0, 6)
		})
	}
	t.Run("damaged while open", func(t *testing.T) {
		write(t, found[0], whole)
		table := extract(t, e, pictures, cache)
		write(t, found[0], flipped)
		failed := 0
		for _, p := range pictures {
			if _, err := table.Row(p.ID); err != nil && strings.Contains(err.Error(), "damaged") {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d rows are said to be damaged, want 1", failed)
		}
		counts(t, extract(t, e, pictures, cache), 1, 5)
	})
	t.Run("another's rows, and cut, while open", func(t *testing.T) {
		write(t, found[0], whole)
		table := extract(t, e, pictures, cache)
		write(t, found[0], slices.Concat(whole[record:2*record], whole[:record], whole[2*record:]))
		failed := 0
		for _, p := range pictures {
			if _, err := table.Row(p.ID); err != nil && strings.Contains(err.Error(), "another picture's") {
				failed++
			}
		}
		if failed != 2 {
			t.Errorf("%d rows are said to be another's, want 2", failed)
		}
		write(t, found[0], whole[:record])
		if err := table.cache.flush(); err == nil || !strings.Contains(err.Error(), "was cut from") {
			t.Errorf("error %v, want the cut reported", err)
		}
	})
}

// TestKilled kills an extraction with SIGKILL after some batches and goes on.
func TestKilled(t *testing.T) {
	if cache := os.Getenv("FEATURES_TEST_CACHE"); cache != "" { // the process that is killed
		dir := os.Getenv("FEATURES_TEST_PICTURES")
		extract(t, tiny(t, t.TempDir(), 1), photos(t, dir, 60), cache)
		return
	}
	dir, cache := t.TempDir(), t.TempDir()
	pictures := photos(t, dir, 60)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "FEATURES_TEST_CACHE="+cache, "FEATURES_TEST_PICTURES="+dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = child.Wait(); close(gone) }()
	defer func() { _ = child.Process.Kill(); <-gone }()
	for begun := false; !begun; {
		select {
		case <-gone:
			t.Fatal("the extraction ended before it could be killed")
		case <-time.After(time.Millisecond):
		}
		found, _ := filepath.Glob(filepath.Join(cache, "features", "*", "rows.bin"))
		if len(found) == 1 {
			info, err := os.Stat(found[0])
			begun = err == nil && info.Size() > 3*(32+4*64+4)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-gone
	e := tiny(t, t.TempDir(), 1)
	table := extract(t, e, pictures, cache)
	if table.Reused < 3 || table.Computed == 0 {
		t.Errorf("%d computed, %d reused: nothing was killed, or too much lost", table.Computed, table.Reused)
	}
	if !same(rows(t, table, pictures), rows(t, extract(t, e, pictures, t.TempDir()), pictures)) {
		t.Error("features differ from those of a run that was never killed")
	}
}

// Several runs may fill one cache at the same time, and a run may be stopped by its context.
func TestRunsAtOnce(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	pictures, e := photos(t, dir, 12), tiny(t, dir, 2)
	want := rows(t, extract(t, e, pictures, t.TempDir()), pictures)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Compute(stopped, acceltest.XLA(t), e, pictures, cache, nil); err == nil {
		t.Error("a stopped run returned a table")
	}
	acceltest.XLA(t)
	var group sync.WaitGroup
	tables := make([]*Table, 3)
	for n := range tables {
		group.Go(func() {
			mine := slices.Clone(pictures)
			if n == 1 {
				slices.Reverse(mine)
			}
			var err error
			if tables[n], err = Compute(t.Context(), acceltest.XLA(t), e, mine, cache, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for n, table := range tables {
		if !same(rows(t, table, pictures), want) {
			t.Errorf("run %d has other features", n)
		}
		table.Close()
	}
	counts(t, extract(t, e, pictures, cache), 0, 12)
}

// TestChangedMeanwhile: bytes other than those that were hashed give no features.
func TestChangedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	e, ready := tiny(t, dir, 1), make(chan prepared, 1)
	missing := []wanted{{key: key{1}, pictures: photos(t, dir, 1)}}
	if err := prepare(t.Context(), e, missing, 1, 224*224*3, ready); err == nil || !strings.Contains(err.Error(), "p00.png: it changed while it was read") || len(ready) > 0 {
		t.Errorf("error %v", err)
	}
	data, err := os.ReadFile(missing[0].pictures[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	missing[0].key = sha256.Sum256(data)
	if err := prepare(t.Context(), e, missing, 1, 224*224*3, ready); err != nil || len(ready) != 1 {
		t.Errorf("unchanged: error %v", err)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	pictures, e := photos(t, dir, 3), tiny(t, dir, 2)
	t.Run("unreadable pictures, all named", func(t *testing.T) {
		bad := slices.Clone(pictures)
		for _, name := range []string{"text.jpg", "same.jpg", "empty.png", "cut.png"} {
			data := []byte("not a picture")
			if name == "empty.png" {
				data = nil
			}
			if name == "cut.png" {
				whole, _ := os.ReadFile(pictures[0].Path)
				data = whole[:len(whole)/2]
			}
			write(t, filepath.Join(dir, name), data)
			bad = append(bad, Picture{name, filepath.Join(dir, name)})
		}
		_, err := Compute(t.Context(), acceltest.XLA(t), e, bad, t.TempDir(), nil)
		for _, want := range []string{"4 pictures can't be read", "text.jpg: not a picture", "same.jpg: not a picture", "empty.png", "cut.png"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in: %v", want, err)
			}
		}
	})
	t.Run("one unreadable picture", func(t *testing.T) {
		_, err := Compute(t.Context(), acceltest.XLA(t), e, []Picture{{"text.jpg", filepath.Join(dir, "text.jpg")}}, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "1 picture can't be read") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("missing pictures, all named", func(t *testing.T) {
		bad := append(slices.Clone(pictures), Picture{"a", filepath.Join(dir, "gone1.png")}, Picture{"b", filepath.Join(dir, "gone2.png")})
		_, err := Compute(t.Context(), acceltest.XLA(t), e, bad, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "gone1.png") || !strings.Contains(err.Error(), "gone2.png") {
			t.Errorf("not both files in: %v", err)
		}
	})
	t.Run("a folder of other features", func(t *testing.T) {
		for reason, edit := range map[string]func(*meta){
			"other encoder": func(m *meta) { m.Fingerprint = strings.Repeat("0", 64) },
			"other shape":   func(m *meta) { m.Shape = []int{7, 7, 512} },
		} {
			cache := t.TempDir()
			extract(t, e, pictures, cache)
			path := filepath.Join(cache, "features", e.Fingerprint()[:16], "meta.json")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var m meta
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			edit(&m)
			if data, err = json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			write(t, path, data)
			if _, err := Compute(t.Context(), acceltest.XLA(t), e, pictures, cache, nil); err == nil || !strings.Contains(err.Error(), "made by another encoder") {
				t.Errorf("%s: %v", reason, err)
			}
		}
	})
}
