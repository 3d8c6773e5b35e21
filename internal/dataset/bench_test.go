package dataset

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// writeInstagram writes records in the layout of the Kaggle set, with every fault that copies of it have: a second
// file without a header, pictures named without .jpg, empty captions, pictures that are missing, empty or in both
// halves, rows twice, line breaks, commas that are not quoted, tags, links, emoji, bytes that are not UTF-8.
func writeInstagram(t testing.TB, root string, records int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"sunset", "with", "my", "best", "friends", "❤️", "😂", "👨‍👩‍👧‍👦", "#love", "#instagood", "@anna", "https://example.org/p/1", "beach", "coffee", "New York", "café"}
	for half, from := range []int{0, records / 2} {
		folder := filepath.Join(root, []string{"instagram_data", "instagram_data2"}[half])
		img := []string{"img", "img2"}[half]
		if err := os.MkdirAll(filepath.Join(folder, img), 0o755); err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(filepath.Join(folder, []string{"captions_csv.csv", "captions_csv2.csv"}[half]))
		if err != nil {
			t.Fatal(err)
		}
		w := csv.NewWriter(file)
		row := func(fields ...string) {
			if err := w.Write(fields); err != nil {
				t.Fatal(err)
			}
		}
		if half == 0 {
			row("Sr No", "Image File", "Caption")
		}
		for n := range records / 2 {
			name := fmt.Sprintf("%s/insta%d", img, n)
			caption := "hi "
			for range 4 + r.IntN(12) {
				caption += words[r.IntN(len(words))] + " "
			}
			number := fmt.Sprint(from + n)
			picture, size := []byte(name), int64(20_000+r.IntN(200_000)) // as photographs have, but sparse
			switch n % 100 {
			case 1:
				caption = ""
			case 2:
				picture = nil // missing
			case 3:
				picture = []byte{}
			case 4:
				row(number, name, caption) // twice
			case 5:
				caption += "\nsecond line\n\"quoted\""
			case 6:
				w.Flush()
				fmt.Fprintf(file, "%s,%s,not quoted, at all\n", number, name)
			case 7:
				caption += "caf\xe9"
			case 8:
				name = "../" + name
			case 9:
				w.Flush()
				fmt.Fprintf(file, "%s,%s,\"never closed\n", number, name)
			}
			if n%100 == 6 || n%100 == 9 {
				caption = "written by hand"
			} else {
				row(number, name, caption)
			}
			if picture == nil || n%100 == 8 {
				continue
			}
			path := filepath.Join(folder, name+".jpg")
			if err := os.WriteFile(path, picture, 0o644); err != nil {
				t.Fatal(err)
			}
			if len(picture) > 0 {
				if err := os.Truncate(path, size); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.Flush()
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInstagramFaults counts what each fault of the generated set costs.
func TestInstagramFaults(t *testing.T) {
	root := t.TempDir()
	writeInstagram(t, root, 2000)
	d := load(t, Settings{Root: root, Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}})
	if d.Name != "instagram" {
		t.Errorf("recognised as %s", d.Name)
	}
	// Of each 100 records, four lose their picture or caption: 1 (empty), 2 (missing), 3 (empty file), 8 (leads out).
	if got := len(d.Splits[Train]) + len(d.Splits[Validation]) + len(d.Splits[Test]); got != 2000-20*4 {
		t.Errorf("%d pictures are left of 2000, want %d", got, 2000-20*4)
	}
	for what, want := range map[string]int{"there is no picture": 20, "is empty": 20, "the same as line": 20, "leads out of the data folder": 20,
		"that was not quoted": 20, "never closed": 20, "not UTF-8: bytes replaced": 20, "cleaning leaves nothing": 20, "it has no caption": 20} {
		if got := countProblems(d, what); got != want {
			t.Errorf("%d problems say %q, want %d", got, what, want)
		}
	}
}

func countProblems(d *Dataset, what string) (n int) {
	for _, p := range texts(d.Problems) {
		if strings.Contains(p, what) {
			n++
		}
	}
	return n
}

// BenchmarkInstagram35000 loads, splits and cleans 35,000 records with all their faults, and reports the highest heap.
func BenchmarkInstagram35000(b *testing.B) {
	root := b.TempDir()
	writeInstagram(b, root, 35000)
	benchmarkLoad(b, Settings{Format: "instagram", Root: root, Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 1}, 35000)
}

// benchmarkLoad reports seconds a load, and the highest heap while it ran.
func benchmarkLoad(b *testing.B, s Settings, records int) {
	runtime.GC()
	var peak atomic.Uint64
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
			}
		}
	}()
	for b.Loop() {
		d, err := Load(context.Background(), s, plain, "grapheme", b.TempDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if len(d.Examples) < records/2 {
			b.Fatalf("%d examples", len(d.Examples))
		}
	}
	close(done)
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-heap-MiB")
}

// BenchmarkCaptions40000 loads 40,000 captions of 8,000 pictures from a token file.
func BenchmarkCaptions40000(b *testing.B) {
	root := b.TempDir()
	file, err := os.Create(filepath.Join(root, "Flickr8k.token.txt"))
	if err != nil {
		b.Fatal(err)
	}
	for n := range 8000 {
		name := fmt.Sprintf("%010d_%010x.jpg", n*7919, n*104729)
		for k := range 5 {
			fmt.Fprintf(file, "%s#%d\tA child in a pink dress number %d is climbing up a set of stairs in an entry way .\n", name, k, n)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(fmt.Sprintf("%0*d", 1+n%5000, n)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	benchmarkLoad(b, Settings{Format: "flickr8k", Root: root, Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 1}, 8000)
}
