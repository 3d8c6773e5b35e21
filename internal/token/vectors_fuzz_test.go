package token

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// fuzzVectors feeds one reader, past the recognition of formats: an error, or finite vectors of one length.
func fuzzVectors(f *testing.F, format string, seeds ...string) {
	for _, name := range []string{"vectors.txt", "vectors.bin", "vectors.bin.gz", "vectors.newline.bin", "glove.txt", "vectors.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	k := vocabularyOf("the", "dog", "Dog", "日本")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "vectors")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if v, err := ReadVectors(t.Context(), path, k, nil); err == nil {
			checkVectors(t, k, v.Tokens, v.Values, v.Dimensions)
			if n, _, err := VectorDimensions(path); err != nil || n != v.Dimensions {
				t.Errorf("%d values at a glance (error %v), %d when read", n, err, v.Dimensions)
			}
		}
		for _, known := range vectorFormats {
			if known.name != format {
				continue
			}
			in, err := openVectors(t.Context(), path, nil)
			if err != nil {
				return
			}
			defer in.close()
			words := &vectorWords{found: map[string]foundVector{}, wanted: map[string]bool{"the": true, "dog": true, "Dog": true, "日本": true}}
			if err := known.read(in, words); err == nil {
				for _, found := range words.found {
					checkVectors(t, k, []int32{specials}, found.values, words.dimensions)
				}
			}
		}
	})
}

func checkVectors(t *testing.T, k Tokenizer, tokens []int32, values []float32, dimensions int) {
	t.Helper()
	if len(tokens) == 0 || len(values) != len(tokens)*dimensions {
		t.Fatalf("%d tokens, %d values of %d each", len(tokens), len(values), dimensions)
	}
	for n, id := range tokens {
		if id < specials || int(id) >= k.Size() || n > 0 && id <= tokens[n-1] {
			t.Fatalf("tokens %v", tokens)
		}
	}
	for _, x := range values {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			t.Fatalf("value %v", x)
		}
	}
}

func FuzzWord2vecBinary(f *testing.F) { fuzzVectors(f, "word2vec binary", "1 1\ndog \x00\x00\x80\x3f") }
func FuzzWord2vecText(f *testing.F)   { fuzzVectors(f, "word2vec text", "1 2\ndog 1 2 \n") }
func FuzzGloVe(f *testing.F)          { fuzzVectors(f, "GloVe text", "dog . 1 2\nthe 1 2") }
func FuzzVectorsJSON(f *testing.F) {
	fuzzVectors(f, "wink-embeddings JSON", `{"dimensions":1,"vectors":{"dog":[1]}}`)
}
