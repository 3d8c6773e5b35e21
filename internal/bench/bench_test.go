package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"flag"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is three rounds of some benchmarks: one peer is faster, one slower, one computed something else, one failed.
const sample = `{"benchmark":"step-words","who":"ours","round":1,"value":0.5,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.5},"peak_bytes":1073741824,"version":"go1.26.8"}
{"benchmark":"step-words","who":"pytorch","round":1,"value":0.6,"unit":"s/step","check":{"loss of step 1":8.988,"loss of step 5":8.501},"peak_bytes":2147483648,"version":"torch 2.9.1"}
{"benchmark":"step-words","who":"keras-jax","round":1,"value":0.4,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.6},"version":"keras 3.15.1"}

{"benchmark":"step-words","who":"ours","round":2,"value":0.4,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.5},"peak_bytes":1073741824,"version":"go1.26.8"}
{"benchmark":"step-words","who":"pytorch","round":2,"value":0.6,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.5},"version":"torch 2.9.1"}
{"benchmark":"step-words","who":"ours","round":3,"value":0.8,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.5},"version":"go1.26.8"}
{"benchmark":"step-words","who":"pytorch","round":3,"value":0.72,"unit":"s/step","check":{"loss of step 1":8.987,"loss of step 5":8.5},"version":"torch 2.9.1"}
{"benchmark":"pairs","who":"ours","round":1,"value":10,"unit":"s/epoch","note":"an epoch of 3000 captions"}
{"benchmark":"pairs","who":"keras-tensorflow","round":1,"value":360,"unit":"s/epoch","note":"20 steps, scaled"}
{"benchmark":"tokens","who":"ours","round":1,"value":0.0125,"unit":"s","check":{"tokens":300000}}
{"benchmark":"tokens","who":"python","round":1,"value":0.1,"unit":"s","check":{"tokens":300001}}
{"benchmark":"compile-20","who":"ours","round":1,"value":1,"unit":"s"}
{"benchmark":"records","who":"ours","round":1,"value":90,"unit":"s","peak_bytes":1610612736}
{"benchmark":"compile-400","who":"ours","round":1,"value":1.2,"unit":"s"}
{"benchmark":"compile-400","who":"jax","round":1,"error":"exit status 1: see log.txt"}
`

func sampleRows(t *testing.T) []row {
	t.Helper()
	lines, err := Read(strings.NewReader(sample), "results.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return summarize(lines)
}

// TestSummary: medians, and ratios between figures of one round.
func TestSummary(t *testing.T) {
	rows := sampleRows(t)
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	if diff := cmp.Diff([]string{"step-words", "compile-20", "compile-400", "pairs", "tokens", "records"}, names); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	words := rows[0]
	if words.ours.median != 0.5 || words.ours.low != 0.4 || words.ours.top != 0.8 {
		t.Errorf("ours: %+v", words.ours)
	}
	torch, ok := words.peer("pytorch")
	over := func(a, b float64) float64 { return a / b }                                                   // not exact, as a constant would be
	if want := (spread{over(0.6, 0.5), over(0.72, 0.8), over(0.6, 0.4), 3}); !ok || torch.ratio != want { // in the rounds: 1.2, 1.5, 0.9
		t.Errorf("ratio of PyTorch %+v, want %+v", torch.ratio, want)
	}
	if len(torch.errors) > 0 || len(torch.checks) != 2 {
		t.Errorf("PyTorch's losses are ours: errors %v, checks %v", torch.errors, torch.checks)
	}
}

// TestDifferences: what isn't the same is said, and is the error.
func TestDifferences(t *testing.T) {
	err := failures(sampleRows(t))
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		"step-words, Keras on JAX: computed something else: loss of step 5 is 8.6, ours 8.5",
		"compile-400, JAX: exit status 1: see log.txt",
		"tokens, Python: computed something else: tokens is 300001, ours 300000",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		reason       string
		theirs, ours map[string]float64
		same         bool
	}{
		{"within a thousandth", map[string]float64{"loss": 4.004}, map[string]float64{"loss": 4.0001}, true},
		{"beyond it", map[string]float64{"loss": 4.0051}, map[string]float64{"loss": 4.0001}, false},
		{"a count", map[string]float64{"tokens": 100000}, map[string]float64{"tokens": 100000}, true},
		{"another count", map[string]float64{"tokens": 100001}, map[string]float64{"tokens": 100000}, false},
		{"not said", nil, map[string]float64{"loss": 4}, false},
		{"more than we say", map[string]float64{"loss": 4.5, "more": 1}, map[string]float64{"loss": 4.5}, true},
	} {
		var s side
		if s.compare(c.theirs, c.ours); (len(s.errors) == 0) != c.same {
			t.Errorf("%s: errors %v", c.reason, s.errors)
		}
	}
}

// TestGoals: each goal is held against the fastest of the peers that it names.
func TestGoals(t *testing.T) {
	var got []string
	for _, v := range verdicts(sampleRows(t)) {
		got = append(got, v.what+" | "+v.seen+" | "+v.outcome())
	}
	want := []string{ // Keras on JAX was faster, but computed something else
		"step-words: at least 1 × the fastest peer that did not fail (Keras on JAX did) | 1.20 × (0.90 to 1.50), PyTorch | reached",
		"pairs: at least 40 × the fastest of Keras on TensorFlow, Keras on JAX | 36.0 × (one round), Keras on TensorFlow | missed by 10 %",
		"compile-400: at most 1.3 × compile-20 | 1.20 × | reached",
		"records: at most 2.0 GiB of memory | 1.5 GiB | reached",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ reason, line, want string }{
		{"cut off", `{"benchmark":"beam"`, "results.jsonl:2: unexpected end of JSON input"},
		{"no name", `{"who":"ours","round":1,"value":1,"unit":"s"}`, "results.jsonl:2: expected a benchmark"},
		{"no round", `{"benchmark":"beam","who":"ours","value":1,"unit":"s"}`, "round of at least 1, got 0"},
		{"no time", `{"benchmark":"beam","who":"ours","round":1,"unit":"s"}`, "results.jsonl:2: beam of ours: expected a value above 0, got 0"},
		{"no unit", `{"benchmark":"beam","who":"ours","round":1,"value":1}`, "expected a unit"},
	} {
		_, err := Read(strings.NewReader("\n"+c.line+"\n"), "results.jsonl")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.reason, err, c.want)
		}
	}
}

// TestWrite: the files of a comparison; the Markdown is a golden file.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "20261125T170000Z")
	if err := Begin(dir, Setting{Date: "2026-11-25 17:00 UTC", Machine: "2 cores of a CPU, 24 GiB", Commit: "0123456789ab", Quick: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ResultsFile), []byte(sample), 0o644); err != nil {
		t.Fatal(err)
	}
	page, err := Write(dir)
	if err == nil || !strings.Contains(err.Error(), "tokens, Python") {
		t.Errorf("error %v", err)
	}
	golden := filepath.Join("testdata", "table.golden.md")
	if *update {
		if err := os.WriteFile(golden, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page); diff != "" {
		t.Errorf("table.md (-want +got); -update writes it:\n%s", diff)
	}
	written := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if string(written("table.md")) != page {
		t.Error("table.md is not what Write returned")
	}
	lines, err := csv.NewReader(bytes.NewReader(written("table.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want2 := []string{"step-words", "pytorch", "s/step", "3", "0.6", "0.6", "0.72", "1.2", "0.9", "1.5", "yes", "2.14748e+09", "torch 2.9.1", ""}
	if diff := cmp.Diff(want2, lines[3]); len(lines) != 12 || diff != "" {
		t.Errorf("%d lines; PyTorch's (-want +got):\n%s", len(lines), diff)
	}
	picture, err := png.DecodeConfig(bytes.NewReader(written("ratios.png")))
	if err != nil || picture.Width != 2*int(plotWidth) {
		t.Errorf("ratios.png: %d pixels wide, %v", picture.Width, err)
	}
	var texts []string
	for d := xml.NewDecoder(bytes.NewReader(written("ratios.svg"))); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			texts = append(texts, strings.TrimSpace(string(data)))
		}
	}
	for _, text := range []string{"step-words, PyTorch", "1.20 ×", "pairs, Keras on TensorFlow", "36.0 ×", "8.00 ×"} {
		if !strings.Contains(strings.Join(texts, "\n"), text) {
			t.Errorf("ratios.svg lacks %q", text)
		}
	}
}

func TestSeconds(t *testing.T) {
	for value, want := range map[float64]string{250: "250 s", 43.21: "43.2 s", 5.172: "5.17 s", 0.9997: "1.00 s", 0.1294: "129 ms", 0.0009: "900 µs", 0.00934: "9.34 ms"} {
		if got := seconds(value); got != want {
			t.Errorf("%v: %q, want %q", value, got, want)
		}
	}
}
