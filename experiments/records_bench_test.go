package experiments

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

// BenchmarkRecords is a whole run, from files to report, over 35,000 posts in the form of the paper's Instagram set, with
// baseline.toml's model and one epoch. It is there for its peak memory. The files are copies of 200 pictures, since memory
// does not depend on what they show, and equal files are encoded once.
func BenchmarkRecords(b *testing.B) {
	root := b.TempDir()
	captions := benchCaptions(b, benchtest.Pick(35000, 200))
	writePosts(b, root, captions, benchtest.Pick(200, 8))
	for b.Loop() {
		began := time.Now()
		_, err := Run(b.Context(), "baseline.toml", []string{"data.format=instagram", "data.root=" + root, "training.epochs=1", "runtime.cache=" + acceltest.CacheDir(),
			"runtime.results=" + b.TempDir()}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		benchtest.Report(b, bench.Line{Benchmark: "records", Value: time.Since(began).Seconds(), Unit: "s",
			Note: fmt.Sprintf("a run of one epoch over %d posts, with its evaluation and report", len(captions))})
	}
}

// writePosts leaves captions in the two halves of the Instagram set, each with a file that is one of so many pictures.
func writePosts(b *testing.B, root string, captions []string, pictures int) {
	b.Helper()
	originals := make([]string, pictures)
	for n := range originals {
		originals[n] = filepath.Join(root, fmt.Sprintf("%d.jpg", n))
		if err := os.WriteFile(originals[n], picturetest.JPEG(b, picturetest.Scene(uint64(n), 480, 480), 90), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for half, names := range [][3]string{{"instagram_data", "img", "captions_csv.csv"}, {"instagram_data2", "img2", "captions_csv2.csv"}} {
		folder := filepath.Join(root, names[0])
		if err := os.MkdirAll(filepath.Join(folder, names[1]), 0o755); err != nil {
			b.Fatal(err)
		}
		file, err := os.Create(filepath.Join(folder, names[2]))
		if err != nil {
			b.Fatal(err)
		}
		w := csv.NewWriter(file)
		rows := [][]string{{"Sr No", "Image File", "Caption"}}
		for n := half; n < len(captions); n += 2 {
			name := fmt.Sprintf("%s/insta%d", names[1], n)
			rows = append(rows, []string{fmt.Sprint(n), name, captions[n]})
			if err := os.Link(originals[n%pictures], filepath.Join(folder, name+".jpg")); err != nil {
				b.Fatal(err)
			}
		}
		if half == 1 { // as the set itself has it
			rows = rows[1:]
		}
		if err := w.WriteAll(rows); err != nil {
			b.Fatal(err)
		}
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
