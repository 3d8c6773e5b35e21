package datacheck

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset"
)

// BenchmarkText checks 40,000 captions of 8,000 pictures that are not there: the words without the pictures.
func BenchmarkText(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for n := range words {
		words[n] = fmt.Sprintf("w%do%dr", random.IntN(100), n)
	}
	c := newCorpus(b)
	for n := range 8000 {
		var captions []string
		for range 5 {
			text := ""
			for range 11 {
				text += words[int(random.ExpFloat64()*500)%len(words)] + " "
			}
			captions = append(captions, text+"❤️")
		}
		split := dataset.Train
		if n%8 == 0 {
			split = dataset.Validation
		}
		c.add(split, fmt.Sprintf("%d.jpg", n), nil, captions...)
	}
	q := c.request()
	q.Pictures = false
	for b.Loop() {
		c.data.Examples = append([]dataset.Example(nil), c.data.Examples...)
		if _, err := Check(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNearGroups looks for neighbours among 8,000 pictures.
func BenchmarkNearGroups(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	looks := make([]*look, 8000)
	for n := range looks {
		looks[n] = &look{hash: random.Uint64()}
	}
	for b.Loop() {
		if _, _, err := nearGroups(context.Background(), looks); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPictures reads small pictures (120×90) on all cores.
func BenchmarkPictures(b *testing.B) {
	c := newCorpus(b)
	for n := range 100 {
		c.add(dataset.Train, fmt.Sprintf("%d.jpg", n), scene(b, uint64(n)), "a")
	}
	for b.Loop() {
		if r := c.check(c.request()); r.Pictures.Whole != 100 {
			b.Fatal(r.Pictures.Whole)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
