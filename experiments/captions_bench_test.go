package experiments

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/bench/benchtest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// BenchmarkCaptions captions 1,000 pictures, greedily and by beam search of width 5, with the decoder of a finished run of
// baseline.toml, which CAPTIONLAB_BENCH_RUN names; the features are there before. It leaves the decoder's weights, the
// features and the captions for the peers, which do the same and compare.
func BenchmarkCaptions(b *testing.B) {
	run := os.Getenv("CAPTIONLAB_BENCH_RUN")
	if run == "" {
		b.Skip("needs a finished run of baseline.toml: CAPTIONLAB_BENCH_RUN=results/<run>")
	}
	for name, overrides := range map[string][]string{
		"greedy": {"decoding.method=greedy", "decoding.batch=100"},
		"beam":   {"decoding.method=beam", "decoding.beam_width=5", "decoding.batch=100"},
	} {
		b.Run(name, func(b *testing.B) { captionsBenchmark(b, name, run, overrides) })
	}
}

func captionsBenchmark(b *testing.B, name, run string, overrides []string) {
	pictures, passes := benchtest.Pick(1000, 100), benchtest.Pick(4, 1)
	c, err := OpenCaptioner(b.Context(), run, overrides, Options{Stderr: os.Stderr})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	paths, err := benchPictures(run)
	if err != nil || len(paths) < pictures {
		b.Fatalf("found %d pictures of the run, need %d: %v", len(paths), pictures, err)
	}
	rows, err := c.Features(b.Context(), paths[:pictures]...)
	if err != nil {
		b.Fatal(err)
	}
	captions, err := c.generator.Generate(b.Context(), rows, nil) // compiles
	if err != nil {
		b.Fatal(err)
	}
	if dir := benchtest.Dir(b, name); dir != "" {
		if err := exportCaptions(filepath.Join(dir, "captions.json"), c, rows, captions); err != nil {
			b.Fatal(err)
		}
	}
	logs := 0.0
	for _, caption := range captions {
		logs += caption.LogProbability / float64(pictures)
	}
	for b.Loop() {
		began := time.Now()
		for range passes {
			if _, err := c.generator.Generate(b.Context(), rows, nil); err != nil {
				b.Fatal(err)
			}
		}
		benchtest.Report(b, bench.Line{Benchmark: name, Value: time.Since(began).Seconds() / float64(passes*pictures), Unit: "s/caption",
			Check: map[string]float64{"mean log-probability": logs}})
	}
}

// benchPictures are the picture files of a run's data set: those that lie beside the first that the run captioned.
func benchPictures(run string) ([]string, error) {
	folder, err := runfolder.Open(run)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(folder.Path("predictions", "validation.jsonl"))
	if err != nil {
		return nil, err
	}
	var first struct {
		Path string `json:"path"`
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil {
		return nil, err
	}
	return pictureFiles([]string{filepath.Dir(first.Path)})
}

func exportCaptions(path string, c *Captioner, rows [][]float32, captions []decode.Caption) error {
	type array struct {
		Shape  []int     `json:"shape"`
		Values []float32 `json:"values"`
	}
	out := struct {
		Weights   map[string]array `json:"weights"`
		Features  [][]float32      `json:"features"`
		Captions  [][]int32        `json:"captions"`
		Logs      []float64        `json:"log_probabilities"`
		MaxLength int              `json:"max_length"`
	}{Weights: map[string]array{}, Features: rows, MaxLength: c.generator.MaxLength()}
	for v := range c.trainer.Store().IterVariables() {
		if v.Trainable {
			out.Weights[strings.Trim(v.Path(), "/")] = array{v.Shape().Dimensions, tensors.MustCopyFlatData[float32](v.MustValue())}
		}
	}
	for _, caption := range captions {
		out.Captions, out.Logs = append(out.Captions, caption.Tokens), append(out.Logs, caption.LogProbability)
	}
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
