package report

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/compare/comparetest"
	"github.com/captionlab/captionlab/internal/runfolder"
)

var comparedName = regexp.MustCompile(`\d{8}T\d{6}\.\d{3}Z-`)

// sampleComparison is of two tokenizers on three sizes with two seeds, of which one run is of other pictures.
func sampleComparison(t *testing.T) ComparisonData {
	t.Helper()
	results := t.TempDir()
	var folders []*runfolder.Folder
	add := func(r comparetest.Run) { folders = append(folders, comparetest.Make(t, results, r)) }
	for n, size := range []int{100, 200, 400} {
		for seed := range int64(2) {
			loss := 10*math.Pow(float64(size), -0.4) + 0.01*float64(seed)
			add(comparetest.Run{Name: "size", Limit: size, Seed: seed + 1, Right: 0.3 + 0.2*float64(n), Loss: loss})
		}
	}
	add(comparetest.Run{Name: "words", Limit: 100, Tokenizer: "word", Seed: 1, Right: 0.3, Loss: 1.5})
	add(comparetest.Run{Name: "elsewhere", Limit: 100, Seed: 1, Right: 0.3, First: 40})
	c, err := compare.Runs(context.Background(), folders, compare.Options{Split: "validation", Resamples: 200})
	if err != nil {
		t.Fatal(err)
	}
	return ComparisonData{Title: "sizes & <tokenizers>", Description: "a sample: invented figures", Comparison: c, Pictures: 3}
}

// TestComparisonMarkdownGolden pins every word and figure of comparison.md.
func TestComparisonMarkdownGolden(t *testing.T) {
	dir := t.TempDir()
	if err := WriteComparison(dir, sampleComparison(t)); err != nil {
		t.Fatal(err)
	}
	got := comparedName.ReplaceAllString(read(t, filepath.Join(dir, "comparison.md")), "")
	golden := filepath.Join("testdata", "comparison.golden.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, golden), got); diff != "" {
		t.Errorf("comparison.md differs from %s; go test -update rewrites it (-want +got):\n%s", golden, diff)
	}
}

// TestComparisonPage: the page is whole, needs nothing from outside, and holds one script, which sorts.
func TestComparisonPage(t *testing.T) {
	dir := t.TempDir()
	d := sampleComparison(t)
	if err := WriteComparison(dir, d); err != nil {
		t.Fatal(err)
	}
	page := read(t, filepath.Join(dir, "comparison.html"))
	script := "<script>" + sortScript + "</script>"
	if strings.Count(page, "<script") != 1 || !strings.Contains(page, script) {
		t.Fatal("the page has another script than the one that sorts")
	}
	without := strings.Replace(page, script, "", 1)
	checkPage(t, without)
	for _, bad := range []string{"http:", "https:", "NaN", "Inf", "<no value>", "%!", "ZgotmplZ", "<nil>", "<tokenizers>"} {
		if strings.Contains(strings.ReplaceAll(without, "http://www.w3.org/", ""), bad) {
			t.Errorf("%q stands in the page", bad)
		}
	}
	for _, want := range []string{`lang="en"`, "sizes &amp; &lt;tokenizers&gt;", "not distinguishable", "data:image/jpeg;base64,", "elsewhere", "other pictures: 60 validation pictures, of which 20",
		`class="sortable"`, "0.398 (0.388 to 0.409)", "equals a reference"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	folder := &runfolder.Folder{Dir: dir}
	for _, name := range []string{"epoch", "step", "time"} {
		for _, kind := range []string{".svg", ".png"} {
			if len(read(t, folder.Path("plots", "comparison_"+name+kind))) == 0 {
				t.Errorf("no plot by %s as %s", name, kind)
			}
		}
	}
	checkPlot(t, folder, "plots/comparison_size_nats_per_character", plotWidth, plotHeight)
}

// TestComparisonData: the CSV has a row a run, the JSON what the page says.
func TestComparisonData(t *testing.T) {
	dir := t.TempDir()
	d := sampleComparison(t)
	if err := WriteComparison(dir, d); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, filepath.Join(dir, "comparison.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"group", "label", "run", "data.limit", "text.tokenizer", "training.seed", "training_pictures", "bleu_1"}; !cmp.Equal(rows[0][:len(want)], want) {
		t.Errorf("columns %v, want %v first", rows[0], want)
	}
	if len(rows) != 1+7 || rows[7][4] != "word" || rows[2][5] != "2" {
		t.Errorf("%d rows: %v", len(rows), rows)
	}
	var file struct {
		Baseline    string
		Keys        []string `json:"differing_keys"`
		Groups      []groupJSON
		Differences []differenceJSON `json:"differences_from_baseline"`
		Curves      []lawJSON        `json:"learning_curves"`
		LeftOut     []any            `json:"left_out"`
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "comparison.json"))), &file); err != nil {
		t.Fatal(err)
	}
	if file.Baseline != "A" || len(file.Groups) != 4 || len(file.Differences) != 3*7 || len(file.LeftOut) != 1 || len(file.Curves) != 2 {
		t.Errorf("baseline %q, %d groups, %d differences, %d left out, %d curves", file.Baseline, len(file.Groups), len(file.Differences), len(file.LeftOut), len(file.Curves))
	}
	f := file.Groups[0].Figures["cider"]
	if f.N != 2 || f.SD == nil || f.Low == nil || *f.Low > f.Mean || *f.High < f.Mean {
		t.Errorf("CIDEr of A: %+v", f)
	}
	if b := file.Curves[0].Parameter["b"]; math.Abs(b["value"]-0.4) > 0.05 || b["low"] > 0.4 || b["high"] < 0.4 {
		t.Errorf("exponent %v, want 0.4 within", b)
	}
}

// TestComparedWithPublished: groups of Flickr8k stand beside the papers' rows, those of other data don't.
func TestComparedWithPublished(t *testing.T) {
	c := sampleComparison(t).Comparison
	if table, note := comparedWithPublished(c); len(table.Rows) != 0 || note != "" {
		t.Errorf("emojigram has %d rows beside published ones", len(table.Rows))
	}
	for _, r := range c.Runs() {
		r.Settings["data.format"], r.Settings["data.split"] = `"flickr8k"`, `"official"`
		r.Settings["encoder.name"], r.Settings["encoder.layer"], r.Settings["decoding.method"] = `"vgg16"`, `"fc2"`, `"greedy"`
	}
	table, note := comparedWithPublished(c)
	if want := len(c.Groups) + len(published["flickr8k"]); len(table.Rows) != want || !strings.Contains(note, "Tanti") {
		t.Fatalf("%d rows, want %d; note %q", len(table.Rows), want, note)
	}
	first, tutorialRow := table.Rows[0].Cells, table.Rows[len(table.Rows)-2].Cells
	if first[len(first)-1] != "– (official validation; vgg16 fc2; greedy)" || first[4] != "24.6 ± 1.0" {
		t.Errorf("the baseline's row is %q", first)
	}
	if tutorialRow[len(tutorialRow)-1] != "split (official test), data.limit (all)" {
		t.Errorf("the tutorial's row is %q", tutorialRow)
	}
	for _, row := range table.Rows {
		if len(row.Cells) != len(table.Columns) {
			t.Errorf("%q has %d cells for %d columns", row.Cells[0], len(row.Cells), len(table.Columns))
		}
	}
}

// TestComparisonOfManyGroups: thirty groups are counted, not named one by one, and still drawn.
func TestComparisonOfManyGroups(t *testing.T) {
	results := t.TempDir()
	var folders []*runfolder.Folder
	for n := range 30 {
		folders = append(folders, comparetest.Make(t, results, comparetest.Run{Name: "grid", Epochs: n + 1, Right: 0.3 + 0.02*float64(n), Pictures: 20}))
	}
	c, err := compare.Runs(context.Background(), folders, compare.Options{Split: "validation", Resamples: 50})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := WriteComparison(dir, ComparisonData{Title: "grid", Comparison: c, Pictures: 2}); err != nil {
		t.Fatal(err)
	}
	page := read(t, filepath.Join(dir, "comparison.html"))
	checkPage(t, strings.Replace(page, "<script>"+sortScript+"</script>", "", 1))
	if !strings.Contains(page, "AD") || !strings.Contains(page, "higher than the baseline&#39;s (") {
		t.Error("the thirtieth group AD, or the count of groups, is missing")
	}
}
