package experiments

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
	"github.com/captionlab/captionlab/internal/token"
)

// BenchmarkTokens cleans 35,000 captions, counts their words and turns them into ids, as a run does. The peers do it to the
// same captions in Keras and in plain Python. All must come to the same numbers of words, different ones, and unknown ones.
//
// The captions are Flickr8k's where CAPTIONLAB_FLICKR8K names its folder, else made-up ones of Latin letters: what a
// word is beyond them, the peers don't say as we do.
func BenchmarkTokens(b *testing.B) {
	raw := benchCaptions(b, benchtest.Pick(35000, 500))
	if dir := benchtest.Dir(b, "tokens"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "captions.txt"), []byte(strings.Join(raw, "\n")), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	clean := dataset.CleanSettings{Hashtags: "remove", UserTags: "remove", Links: "remove", Whitespace: "collapse", Control: "remove", MaxLength: 2000, OverLength: "truncate"}
	s := token.Settings{Tokenizer: "word", Unit: "grapheme", MinCount: 5, Words: token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}}
	for b.Loop() {
		began := time.Now()
		texts := make([]string, len(raw))
		for n, text := range raw {
			texts[n], _ = dataset.Clean(text, clean, "grapheme")
		}
		t, err := token.Train(s, slices.Values(texts))
		if err != nil {
			b.Fatal(err)
		}
		ids := make([][]int32, len(texts))
		for n, text := range texts {
			ids[n] = t.Encode(text)
		}
		seconds := time.Since(began).Seconds()
		words, unknown := 0, 0
		for _, caption := range ids {
			words += len(caption)
			for _, id := range caption {
				if id == token.Unknown {
					unknown++
				}
			}
		}
		benchtest.Report(b, bench.Line{Benchmark: "tokens", Value: seconds, Unit: "s",
			Check: map[string]float64{"words": float64(words), "different words": float64(t.Size() - 4), "unknown words": float64(unknown)}})
	}
}

// benchCaptions are as many raw captions.
func benchCaptions(b *testing.B, count int) []string {
	b.Helper()
	folder := flickr8ktest.Folder()
	if folder == "" {
		return madeUpCaptions(count)
	}
	return flickr8ktest.Captions(b, folder)[:count]
}

// madeUpCaptions have the dirt of posts. A word's rank falls as in real text.
func madeUpCaptions(count int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 3, 9999)
	captions := make([]string, count)
	for n := range captions {
		var words []string
		for range 5 + r.IntN(14) {
			word := ""
			for k := zipf.Uint64() + 1; k > 0; k /= 20 {
				word += string("bcdfghjklmnpqrstvwxz"[k%20]) + string("aeiou"[k%5])
			}
			words = append(words, word)
		}
		words[0] = strings.ToUpper(words[0][:1]) + words[0][1:]
		captions[n] = strings.Join(words, " ") + " ."
		switch n % 10 {
		case 1:
			captions[n] += fmt.Sprintf(" #tag%d #love", n)
		case 2:
			captions[n] = "@friend " + captions[n]
		case 3:
			captions[n] += fmt.Sprintf("  https://example.org/p/%d", n)
		case 4:
			captions[n] = strings.Replace(captions[n], " ", ", ", 2)
		}
	}
	return captions
}
