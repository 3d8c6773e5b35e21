package experiments_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

type scoredImage struct {
	ID         string   `json:"id"`
	Candidate  string   `json:"candidate"`
	References []string `json:"references"`
}

// referenceScores are the captions and scores that internal/score/testdata/reference.py made with pycocoevalcap and sacreBLEU.
func referenceScores(t *testing.T) (images []scoredImage, corpus map[string]float64, single map[string][]float64) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "internal", "score", "testdata", "synthetic.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Captions []scoredImage        `json:"captions"`
		Corpus   map[string]float64   `json:"corpus"`
		Images   map[string][]float64 `json:"images"`
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.Captions, all.Corpus, all.Images
}

// encode is JSON that keeps no secrets from its readers.
func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestScoreFilesInEveryFormat: the scores of pycocoevalcap and sacreBLEU, corpus and every image, out of files of all
// formats; images are named by number or by file name.
func TestScoreFilesInEveryFormat(t *testing.T) {
	images, corpus, single := referenceScores(t)
	type object = map[string]any
	var cocoImages, annotations, karpathy, results []object
	var token, lines, cands, tabbed, list strings.Builder
	for n, image := range images {
		name := fmt.Sprintf("picture_%04d.jpg", n)
		cocoImages = append(cocoImages, object{"id": n, "file_name": name})
		var sentences []object
		for k, r := range image.References {
			annotations = append(annotations, object{"id": n*10 + k, "image_id": n, "caption": r})
			sentences = append(sentences, object{"raw": r, "tokens": []string{"not", "these"}})
			if strings.ContainsAny(r, "\n\r\x00") {
				t.Fatalf("%q does not fit a line", r)
			}
			fmt.Fprintf(&token, "%s#%d\t%s\n", name, k, r)
		}
		karpathy = append(karpathy, object{"filename": name, "imgid": n, "split": "test", "sentences": sentences},
			object{"filename": "other_" + name, "imgid": n + 5000, "split": "train", "sentences": sentences})
		fmt.Fprintln(&lines, encode(t, object{"image_id": name, "captions": image.References}))
		results = append(results, object{"image_id": n, "caption": image.Candidate})
		fmt.Fprintln(&cands, encode(t, object{"image_id": name, "caption": image.Candidate, "split": "test", "references": []string{}}))
		fmt.Fprintf(&tabbed, "picture_%04d\t%s\n", n, image.Candidate)
		fmt.Fprintln(&list, name)
	}
	token.WriteString("one_more.jpg#0\tanother picture\n")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	coco := write("coco.json", encode(t, object{"images": cocoImages, "annotations": annotations}))
	karpathyFile := write("karpathy.json", encode(t, object{"dataset": "x", "images": karpathy}))
	tokenFile, linesFile := write("token.txt", token.String()), write("refs.jsonl", lines.String())
	resultsFile, candsFile, tabbedFile := write("results.json", encode(t, results)), write("cands.jsonl", cands.String()), write("cands.tsv", tabbed.String())
	listFile := write("list.txt", list.String())
	for _, c := range []experiments.ScoreOptions{
		{References: coco, Candidates: resultsFile},
		{References: coco, Candidates: tabbedFile},
		{References: karpathyFile, Candidates: candsFile},
		{References: karpathyFile, Candidates: resultsFile, Split: "test"},
		{References: tokenFile, Candidates: tabbedFile, Images: listFile},
		{References: linesFile, Candidates: candsFile},
	} {
		c.Metrics = []string{"bleu", "rouge_l", "cider", "cider_d", "chrf"}
		what := filepath.Base(c.References) + " and " + filepath.Base(c.Candidates)
		got, err := experiments.ScoreFiles(context.Background(), c)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if len(got.Metrics) != 8 || len(got.Images) != len(images) || len(got.Signatures) != 8 {
			t.Errorf("%s: %d metrics, %d images, %d signatures", what, len(got.Metrics), len(got.Images), len(got.Signatures))
		}
		for name, value := range got.Metrics {
			if !nearly(value, corpus[name]) {
				t.Errorf("%s: %s is %.17g, want %.17g", what, name, value, corpus[name])
			}
			for n := range images {
				id := fmt.Sprintf("picture_%04d.jpg", n)
				if c.References == coco {
					id = fmt.Sprint(n)
				}
				if v, ok := got.Images[id][name]; !ok || !nearly(v, single[name][n]) {
					t.Fatalf("%s: %s of image %q is %.17g, want %.17g", what, name, id, v, single[name][n])
				}
			}
		}
	}
}

func nearly(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// TestScoreFilesAgainst: a system does not differ from itself, and does from one that says the same of every image.
func TestScoreFilesAgainst(t *testing.T) {
	images, _, _ := referenceScores(t)
	dir := t.TempDir()
	files := map[string]*strings.Builder{"refs": {}, "own": {}, "constant": {}}
	for n, image := range images[:300] {
		fmt.Fprintln(files["refs"], encode(t, map[string]any{"image_id": n, "captions": image.References}))
		fmt.Fprintln(files["own"], encode(t, map[string]any{"image_id": n, "caption": image.Candidate}))
		fmt.Fprintln(files["constant"], encode(t, map[string]any{"image_id": n, "caption": "a dog"}))
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var intervals []map[string]experiments.ScoreInterval
	for _, seed := range []uint64{0, 1, 2} {
		got, err := experiments.ScoreFiles(context.Background(), experiments.ScoreOptions{References: filepath.Join(dir, "refs"),
			Candidates: filepath.Join(dir, "own"), Metrics: []string{"bleu_4"}, Resamples: 50, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		intervals = append(intervals, got.Intervals)
	}
	if !maps.Equal(intervals[0], intervals[1]) || maps.Equal(intervals[1], intervals[2]) {
		t.Errorf("intervals of seeds 0, 1 and 2: %v; want the first two alike, as the command and Compare have them", intervals)
	}
	for against, differs := range map[string]bool{"own": false, "constant": true} {
		got, err := experiments.ScoreFiles(context.Background(), experiments.ScoreOptions{References: filepath.Join(dir, "refs"),
			Candidates: filepath.Join(dir, "own"), Against: filepath.Join(dir, against), Metrics: []string{"bleu_4", "cider"}, Resamples: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"bleu_4", "cider"} {
			d := got.Against.Differences[name]
			if d.Distinguishable != differs || !nearly(d.Difference, got.Metrics[name]-got.Against.Metrics[name]) || d.Low > d.Difference || d.High < d.Difference {
				t.Errorf("%s against %s: %+v", name, against, d)
			}
			if i := got.Intervals[name]; i.Low > got.Metrics[name] || i.High < got.Metrics[name] {
				t.Errorf("%s: %g is not in %+v", name, got.Metrics[name], i)
			}
		}
	}
}

// TestMETEORWithoutJava: METEOR is left out and the reason said; alone it is an error. Nothing is fetched.
func TestMETEORWithoutJava(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", t.TempDir())
	for name, text := range map[string]string{"refs": `{"image_id": 1, "captions": ["a dog"]}`, "cands": "1\ta dog\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := experiments.ScoreOptions{References: "refs", Candidates: "cands", Metrics: []string{"meteor", "rouge_l"}}
	got, err := experiments.ScoreFiles(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := got.Metrics["meteor"]; there || got.Metrics["rouge_l"] != 1 || !strings.Contains(got.Absent["meteor"], "no java is on the PATH") {
		t.Errorf("got %+v", got)
	}
	o.Metrics = o.Metrics[:1]
	if _, err := experiments.ScoreFiles(context.Background(), o); err == nil || !strings.Contains(err.Error(), "java") {
		t.Errorf("alone: %v", err)
	}
	if _, err := os.Stat(".cache"); err == nil {
		t.Error("something was fetched")
	}
}
