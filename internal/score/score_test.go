package score

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

// reference is what testdata/reference.py writes: scores of pycocoevalcap, sacreBLEU and numpy.
type referenceScores struct {
	Corpus map[string]float64
	Images map[string][]float64
}

func readGzip(t testing.TB, path string, into any) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// meteorHere is METEOR where CAPTIONLAB_METEOR names the folder of the jar, as of an installed pycocoevalcap; nil else.
func meteorHere(t testing.TB) *METEOR {
	folder := os.Getenv("CAPTIONLAB_METEOR")
	if folder == "" {
		return nil
	}
	m, err := FindMETEOR(folder)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func agree(t *testing.T, what string, images []Image, want referenceScores) {
	t.Helper()
	o := Options{METEOR: meteorHere(t), Metrics: Names()}
	if o.METEOR == nil {
		t.Log("METEOR is left out: CAPTIONLAB_METEOR names no folder with its jar")
		o.Metrics = slices.DeleteFunc(o.Metrics, func(n string) bool { return n == "meteor" })
	}
	got, err := Measure(context.Background(), images, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Metrics) != len(o.Metrics) {
		t.Errorf("%s: %d metrics, want %d", what, len(got.Metrics), len(o.Metrics))
	}
	for _, m := range got.Metrics {
		if w := want.Corpus[m.Name]; !near(m.Corpus, w) {
			t.Errorf("%s: %s is %.17g, want %.17g", what, m.Name, m.Corpus, w)
		}
		wrong := 0
		for n, w := range want.Images[m.Name] {
			if !near(m.Images[n], w) {
				if wrong++; wrong <= 3 {
					t.Errorf("%s: %s of image %d is %.17g, want %.17g", what, m.Name, n, m.Images[n], w)
				}
			}
		}
		if wrong > 3 {
			t.Errorf("%s: %s differs for %d images", what, m.Name, wrong)
		}
	}
}

// near: to 1e-9 relative, zero exactly.
func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// TestAsTheReferences: 1,200 synthetic images, corpus and every image, equal the reference code.
func TestAsTheReferences(t *testing.T) {
	var file struct {
		Captions []Image
		referenceScores
	}
	readGzip(t, "testdata/synthetic.json.gz", &file)
	if len(file.Captions) < 1000 {
		t.Fatalf("%d images", len(file.Captions))
	}
	agree(t, "synthetic", file.Captions, file.referenceScores)
}

// TestRealCaptions: the real Flickr8k, where it is.
func TestRealCaptions(t *testing.T) {
	folder := flickr8ktest.Need(t)
	rows, err := os.ReadFile(filepath.Join(folder, "Flickr8k.token.txt"))
	list, err2 := os.ReadFile(filepath.Join(folder, "Flickr_8k.testImages.txt"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	captions := map[string][]string{}
	var all []string
	for row := range strings.Lines(string(rows)) {
		key, text, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		id := key[:strings.LastIndexByte(key, '#')]
		if captions[id] == nil {
			all = append(all, id)
		}
		captions[id] = append(captions[id], text)
	}
	human := func(ids []string) (images []Image) {
		for _, id := range ids {
			images = append(images, Image{id, captions[id][0], captions[id][1:]})
		}
		return images
	}
	test := strings.Fields(string(list))
	var swapped []Image
	for n, id := range test {
		swapped = append(swapped, Image{id, captions[test[(n+1)%len(test)]][0], captions[id]})
	}
	var want struct{ Human, Swapped, All referenceScores }
	readGzip(t, "testdata/flickr8k.json.gz", &want)
	agree(t, "first captions of the test images", human(test), want.Human)
	agree(t, "captions of other images", swapped, want.Swapped)
	agree(t, "all images", human(all), want.All)
}

// TestProcessors: scores and bootstrap do not depend on how many goroutines compute them.
func TestProcessors(t *testing.T) {
	var file struct{ Captions []Image }
	readGzip(t, "testdata/synthetic.json.gz", &file)
	run := func(processors int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		s, err := Measure(context.Background(), file.Captions, Options{})
		if err != nil {
			t.Fatal(err)
		}
		i, err := s.Intervals(t.Context(), Bootstrap{Resamples: 200, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal([]any{s, i})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if run(1) != run(5) {
		t.Error("five processors have other scores than one")
	}
}

// TestDefined: captions of every kind have scores between 0 and their metric's limit, never NaN.
func TestDefined(t *testing.T) {
	long := strings.Repeat("a dog, ", 150_000)
	for _, c := range []struct {
		reason string
		images []Image
		want   map[string]float64
	}{
		{"the reference itself", []Image{{"a", "a dog runs fast", []string{"a dog runs fast"}}}, map[string]float64{"bleu_4": 1, "rouge_l": 1, "chrf": 1, "cider": 0}},
		{"empty", []Image{{"a", "", []string{"a dog"}}}, map[string]float64{"bleu_1": 0, "bleu_4": 0, "rouge_l": 0, "chrf": 0, "cider": 0}},
		{"white space", []Image{{"a", " \t\n", []string{"a dog"}}}, map[string]float64{"bleu_1": 0, "rouge_l": 0, "chrf": 0}},
		{"both empty: ROUGE-L of the reference code takes two empty captions for equal", []Image{{"a", "", []string{""}}}, map[string]float64{"bleu_1": 0, "rouge_l": 1, "chrf": 0}},
		{"NUL characters", []Image{{"a", "a\x00dog", []string{"a\x00dog", "\x00"}}}, nil},
		{"nothing but emoji, which the tokenization drops", []Image{{"a", "😀", []string{"😀"}}}, map[string]float64{"bleu_1": 0, "rouge_l": 1, "chrf": 1}},
		{"swapped candidates", []Image{{"a", "a dog runs fast", []string{"two men sit"}}, {"b", "two men sit", []string{"a dog runs fast"}}}, map[string]float64{"rouge_l": 0, "cider": 0}},
		{"a million characters", []Image{{"a", long, []string{long, "a dog"}}, {"b", "a dog", []string{long}}}, nil},
		{"a long word", []Image{{"a", strings.Repeat("x", 1_000_000), []string{strings.Repeat("x", 900_000)}}}, nil},
	} {
		s, err := Measure(context.Background(), c.images, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		checkScores(t, c.reason, s)
		for name, want := range c.want {
			if m, ok := s.Get(name); !ok || math.Abs(m.Corpus-want) > 1e-6 {
				t.Errorf("%s: %s is %g, want %g", c.reason, name, m.Corpus, want)
			}
		}
	}
}

func checkScores(t *testing.T, what string, s *Scores) {
	t.Helper()
	for _, m := range s.Metrics {
		limit := 1 + 1e-6
		if strings.HasPrefix(m.Name, "cider") {
			limit *= 10
		}
		for _, v := range append(m.Images, m.Corpus) {
			if !(v >= 0 && v <= limit) {
				t.Errorf("%s: %s is %g", what, m.Name, v)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := Image{"a", "a dog", []string{"a dog"}}
	for _, c := range []struct {
		reason string
		images []Image
		o      Options
		want   string
	}{
		{"nothing", nil, Options{}, "no images"},
		{"an image twice", []Image{good, good}, Options{}, `"a" stands twice`},
		{"no references", []Image{{"x7", "a", nil}}, Options{}, `"x7" has no references`},
		{"a candidate that is not UTF-8", []Image{{"x7", "a\xff", []string{"a"}}}, Options{}, `"x7": the candidate`},
		{"a reference that is not UTF-8", []Image{{"x7", "a", []string{"a\xff"}}}, Options{}, `"x7": the reference`},
		{"an unknown metric", []Image{good}, Options{Metrics: []string{"spice"}}, "known are bleu, chrf"},
		{"METEOR without its jar", []Image{good}, Options{Metrics: []string{"meteor"}}, "Java"},
	} {
		if _, err := Measure(context.Background(), c.images, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.reason, err, c.want)
		}
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(canceled, []Image{good}, Options{}); err == nil {
		t.Error("a canceled context is no error")
	}
}

func TestSignatures(t *testing.T) {
	s, err := Measure(context.Background(), []Image{{"a", "a", []string{"a", "b"}}, {"b", "a", []string{"a", "b"}}}, Options{Metrics: []string{"bleu_4", "cider", "cider_d", "cider_plain", "chrf", "rouge_l"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, m := range s.Metrics {
		if !strings.Contains(m.Signature, "|nrefs:2|") || !strings.Contains(m.Signature, "|version:") {
			t.Errorf("%s: signature %q", m.Name, m.Signature)
		}
		if other := seen[m.Signature]; other != "" {
			t.Errorf("%s and %s have one signature, %q", m.Name, other, m.Signature)
		}
		seen[m.Signature] = m.Name
	}
	if m, _ := s.Get("chrf"); m.Signature != "chrF2|nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no|version:sacrebleu-2.6.0" {
		t.Errorf("chrF: %q", m.Signature)
	}
}

// TestKinds: every metric is listed once.
func TestKinds(t *testing.T) {
	for name := range kinds {
		if !slices.Contains(order, name) {
			t.Errorf("%s is not in order", name)
		}
	}
	if names := Names(); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) || len(order) != len(kinds) {
		t.Errorf("metrics are %q", names)
	}
}

// FuzzMeasure: no captions make a metric fail or return anything but a score.
func FuzzMeasure(f *testing.F) {
	f.Add("a dog", "a dog runs", "", uint8(1))
	f.Add("1 1/2 😀", "1\u00a01/2", "\xff", uint8(2))
	f.Add("", " \t\n", "\u3000", uint8(3))
	f.Add("a\x00b", "\x00", "|||", uint8(0))
	f.Add(strings.Repeat("the ", 3000), "the", strings.Repeat("x", 5000), uint8(1))
	f.Fuzz(func(t *testing.T, candidate, first, second string, n uint8) {
		images := []Image{{"a", candidate, []string{first, second}}, {"b", second, []string{candidate}}}
		for range n % 4 {
			images[0].References = append(images[0].References, candidate+first)
		}
		s, err := Measure(context.Background(), images, Options{})
		if err != nil {
			return
		}
		checkScores(t, "fuzz", s)
		if _, err := s.Intervals(t.Context(), Bootstrap{Resamples: 5, Seed: uint64(n)}); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	var file struct{ Captions []Image }
	readGzip(b, "testdata/synthetic.json.gz", &file)
	for b.Loop() {
		if _, err := Measure(context.Background(), file.Captions, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
