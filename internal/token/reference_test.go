package token

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

// texts are the captions that testdata/reference.py made its outputs of: our corpus, and, where it is there, the
// real Flickr8k.
func texts(t *testing.T) map[string][]string {
	t.Helper()
	corpus, err := os.ReadFile(filepath.Join("testdata", "corpus.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{"corpus": strings.Split(strings.TrimSuffix(string(corpus), "\n"), "\n")}
	if folder := flickr8ktest.Folder(); folder != "" {
		all["flickr8k"] = flickr8ktest.Captions(t, folder)
	} else {
		t.Log("without the real Flickr8k, which CAPTIONLAB_FLICKR8K names: our corpus alone")
	}
	return all
}

func reference(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// digest is reference.py's.
func digest(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n"))
	return hex.EncodeToString(sum[:])
}

// TestPairsEqualHuggingFace: the same merges in the same order, and the same ids, of every caption.
func TestPairsEqualHuggingFace(t *testing.T) {
	var want map[string][]struct {
		MaxVocabulary int      `json:"max_vocabulary"`
		MinCount      int      `json:"min_count"`
		Vocabulary    int      `json:"vocabulary"`
		Merges        int      `json:"merges"`
		MergesHash    string   `json:"merges_sha256"`
		FirstMerges   []string `json:"first_merges"`
		IDsHash       string   `json:"ids_sha256"`
		Tokens        int      `json:"tokens"`
		Samples       map[string][]int32
	}
	reference(t, "bpe.json", &want)
	for name, captions := range texts(t) {
		if len(want[name]) == 0 {
			t.Fatalf("no reference for %s", name)
		}
		for _, w := range want[name] {
			t.Run(fmt.Sprintf("%s to %d", name, w.MaxVocabulary), func(t *testing.T) {
				k, err := Train(Settings{Tokenizer: "bpe", MinCount: w.MinCount, MaxSize: w.MaxVocabulary}, slices.Values(captions))
				if err != nil {
					t.Fatal(err)
				}
				merges := k.(*pairs).file.Merges
				for n, m := range w.FirstMerges {
					if n >= len(merges) || merges[n] != m {
						t.Fatalf("merge %d is not %q; merges begin %q", n, m, merges[:min(n+1, len(merges))])
					}
				}
				if got := digest(merges); len(merges) != w.Merges || got != w.MergesHash {
					t.Errorf("%d merges with hash %s, want %d with %s", len(merges), got, w.Merges, w.MergesHash)
				}
				if k.Size() != w.Vocabulary {
					t.Errorf("vocabulary of %d, want %d", k.Size(), w.Vocabulary)
				}
				for number, ids := range w.Samples {
					n, err := strconv.Atoi(number)
					if err != nil {
						t.Fatal(err)
					}
					if got := k.Encode(captions[n]); !slices.Equal(got, ids) {
						t.Errorf("caption %d has ids %v, want %v", n, got, ids)
					}
				}
				tokens, lines := 0, make([]string, len(captions))
				for n, text := range captions {
					ids := k.Encode(text)
					tokens += len(ids)
					lines[n] = strings.Trim(fmt.Sprint(ids), "[]")
					if got := k.Decode(ids); got != text {
						t.Fatalf("%q came back as %q", text, got)
					}
				}
				if got := digest(lines); tokens != w.Tokens || got != w.IDsHash {
					t.Errorf("%d ids with hash %s, want %d with %s", tokens, got, w.Tokens, w.IDsHash)
				}
			})
		}
	}
}

// TestWordsEqualRegularExpression: the words of every caption, as Python finds them by one regular expression.
func TestWordsEqualRegularExpression(t *testing.T) {
	type figures struct {
		Hash      string `json:"sha256"`
		Tokens    int    `json:"tokens"`
		Different int    `json:"different"`
	}
	var want map[string]map[string]json.RawMessage
	reference(t, "words.json", &want)
	for name, captions := range texts(t) {
		for kinds, s := range map[string]WordSettings{
			"word":            {true, drop, drop},
			"word sign":       {true, keep, drop},
			"word emoji":      {true, drop, keep},
			"word sign emoji": {true, keep, keep},
		} {
			var w, got figures
			if err := json.Unmarshal(want[name][kinds], &w); err != nil {
				t.Fatalf("%s, %s: %v", name, kinds, err)
			}
			lines, different := make([]string, len(captions)), map[string]bool{}
			for n, text := range captions {
				found := s.cut(text)
				for _, word := range found {
					different[word] = true
				}
				got.Tokens += len(found)
				lines[n] = strings.Join(found, " ")
			}
			if got.Hash, got.Different = digest(lines), len(different); got != w {
				t.Errorf("%s, %s: %+v, want %+v", name, kinds, got, w)
			}
		}
	}
}

// TestIllFormedBytes: bytes that are no UTF-8 are decoded as Python decodes them.
func TestIllFormedBytes(t *testing.T) {
	var want map[string]string
	reference(t, "utf8.json", &want)
	k, err := Train(Settings{Tokenizer: "byte"}, slices.Values([]string(nil)))
	if err != nil {
		t.Fatal(err)
	}
	for digits, text := range want {
		bytes, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Decode(k.Encode(string(bytes))); got != text {
			t.Errorf("% x is decoded to %q, want %q", bytes, got, text)
		}
	}
}

func BenchmarkTrainPairs(b *testing.B) {
	captions := flickr8ktest.Captions(b, flickr8ktest.Need(b))
	for b.Loop() {
		if _, err := Train(Settings{Tokenizer: "bpe", MinCount: 2, MaxSize: 8260}, slices.Values(captions[:30000])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodePairs(b *testing.B) {
	captions := flickr8ktest.Captions(b, flickr8ktest.Need(b))
	k, err := Train(Settings{Tokenizer: "bpe", MinCount: 2, MaxSize: 4260}, slices.Values(captions))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, text := range captions {
			k.Encode(text)
		}
	}
	b.ReportMetric(float64(len(captions)*b.N)/b.Elapsed().Seconds(), "captions/s")
}
