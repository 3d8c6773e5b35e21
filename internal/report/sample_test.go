package report

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

const sampleConfig = `# resolved by captionlab
extends = ""
[experiment]
name = "sample"
[data]
format = "emojigram"
split = "ratio"
ratio = [0.8, 0.1, 0.1]
[data.emojigram]
images = 1000
[text]
tokenizer = "char"
unit = "grapheme"
max_length = 80
over_length = "truncate"
[encoder]
name = "vgg16"
layer = "block5_pool"
pooling = "avg"
[decoder]
inject = "pre"
units = 256
embedding = 256
dropout = 0.5
[training]
epochs = 20
batch = 50
examples = "sequences"
optimizer = "adam"
learning_rate = 0.001
clip_norm = 5.0
padding = "masked"
patience = 0
[decoding]
method = "greedy"
`

// sample is a finished run with invented figures; its pictures are written into a folder of the test.
func sample(t *testing.T) Data {
	started := time.Date(2026, 3, 1, 9, 30, 15, 123e6, time.UTC)
	d := Data{
		Info: runfolder.Info{
			Name: "sample", Description: "Does the decoder use the picture? (a sample: invented figures)",
			ConfigHash: "0123456789abcdef", Status: runfolder.Done, Started: started, Finished: started.Add(11 * time.Minute),
			Process: runfolder.Process{
				Command: "captionlab run configs/sample.toml", GitCommit: "89abcdef0123456789abcdef0123456789abcdef", GitDirty: true,
				GoVersion: "go1.26", Modules: map[string]string{"github.com/gomlx/gomlx": "v0.28.6"},
				Host: runfolder.Host{OS: "linux/amd64", Cores: 2, MemoryBytes: 24 << 30},
			},
			Earlier: []runfolder.Process{{GitCommit: "76543210fedcba9876543210fedcba9876543210", GoVersion: "go1.26", Host: runfolder.Host{OS: "linux/amd64", Cores: 16, CPU: "a CPU"}}},
			Backend: "xla", Device: "cpu", Plugin: "pjrt_c_api_cpu_plugin.so", PluginVersion: "0.10",
			Seeds:  map[string]int64{"training": 1, "data": 2},
			Hashes: map[string]string{"data": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"},
			Stages: []runfolder.Stage{
				{Name: "data", Seconds: 9.4}, {Name: "features", Seconds: 121.3}, {Name: "training", Seconds: 480}, {Name: "captions", Seconds: 14},
			},
			PeakMemoryBytes: 1900 << 20,
			Results:         runfolder.Values{"validation_teacher_forced_loss": 0.731},
		},
		Resolved: sampleConfig,
		Floor:    &Floor{NatsPerToken: 0.62, NatsPerCharacter: 0.64},
		Controls: []Control{
			{"model", "the trained model with its own pictures", "validation", 0.738, 0.759, 0.81, 31.9},
			{"zeroed", "the trained model with all image features set to zero", "validation", 1.312, 1.35, 0.66, 56.7},
			{"shuffled", "the trained model with another picture's features", "validation", 1.702, 1.75, 0.61, 73.5},
		},
		Systems: []System{
			{"model", "this run, greedy captions", []Score{{Name: "bleu_4", Signature: "BLEU|an invented signature", Value: 0.155, Low: 0.14, High: 0.17}}},
			{"random", "a random training caption", []Score{{Name: "bleu_4", Value: 0.15, Difference: &Difference{0.005, -0.004, 0.012, false}}}},
			{"zeroed", "the model with every picture's features set to zero", []Score{{Name: "bleu_4", Value: 0.12, Difference: &Difference{0.035, 0.02, 0.05, true}}}},
			{"human", "one person's caption against the others': one reference fewer (mean of 5)", []Score{{Name: "bleu_4", Value: 0.21}}},
		},
		CaptionedSplit: "validation", NoMETEOR: "no java",
		Collapse: &Collapse{
			Model:    score.Diversity{Captions: 100, Distinct: 12, Vocabulary: 0.05, Copied: 0.4, Repeating: 0.01, Words: 8.1},
			People:   score.Diversity{Captions: 100, Distinct: 99, Vocabulary: 0.4, Copied: 0.02, Repeating: 0.01, Words: 10},
			Warnings: []string{"only 12 of 100 captions are different ones (people's: 99 of 100)"},
		},
		Accuracies: []Accuracy{
			{"teacher-forced", "each token from the true ones before it", 3810, 4700, 0.44},
			{"free-running, aligned", "the model's own captions, each aligned with its nearest reference by edit distance", 2010, 4900, 0.21},
		},
		Emoji: &Emoji{
			Scores: score.MeasureEmoji([]score.Image{
				{ID: "1", Candidate: "two 🐱 left of a 🍕", References: []string{"cat got your pizza? 🐱🐱🍕", "purrfect ❤️"}},
				{ID: "2", Candidate: "to the ⭐ \u200d", References: []string{"space for one more ⭐👩‍🚀", "starry-eyed"}},
			}),
			Cleaning: score.EmojiCleaning{Raw: 1040, Kept: 1013, BrokenRaw: 1}, Split: "validation", References: "raw",
		},
		WordVectors:  &WordVectors{Format: "GloVe text", Words: 400000, Dimensions: 256, Covered: 97, LowerCased: 3, Vocabulary: 0.851, Running: 0.973},
		Retrieval:    &score.Retrieval{Pictures: 100, RecallAt1: 0.12, RecallAt5: 0.41, RecallAt10: 0.6, MedianRank: 7.5},
		Confusions:   []Confusion{{"Classes of tokens, teacher-forced", "confusion_classes_teacher_forced", "An invented matrix.", sampleMatrix()}},
		Splits:       []SplitRow{{"train", 800, 4000, 41.2}, {"validation", 100, 500, 40.9}, {"test", 100, 500, 41.6}},
		Cleaning:     []NamedCount{{"hashtags removed", 1203}, {"captions truncated", 17}},
		Problems:     []string{"captions.txt:17: caption is empty after cleaning; dropped", "captions.txt:90: no picture <b>x|y</b>.jpg; dropped"},
		ProblemTotal: 1014,
		Vocabulary:   118,
		Tokenizer:    "char", Lossless: true,
		Tokens: []TokenRow{{"train", 42.2, 5.31, 0}, {"validation", 41.9, 5.28, 0.0004}},
		Layers: []LayerRow{
			{"encoder (vgg16)", "block1_conv1", "Conv2D", "[224 224 64]", 1792, 0, false},
			{"encoder (vgg16)", "block1_pool", "MaxPooling2D", "[112 112 64]", 0, 0, false},
			{"decoder (lstm)", "embedding", "Embedding", "[80 256]", 30208, 0, true},
			{"decoder (lstm)", "lstm", "LSTM", "[80 256]", 525312, 0, true},
			{"decoder (lstm)", "logits", "Dense", "[80 118]", 30326, 0, true},
		},
		FeatureSeconds: 121.3, ImagesPerSecond: 8.2,
	}
	for n := 1; n <= 20; n++ {
		x := float64(n)
		late := 0.002 * max(0, x-16) * max(0, x-16)
		d.Epochs = append(d.Epochs, runfolder.Epoch{
			Epoch: n, Step: n * 80,
			TrainLoss: 0.75 + 2.2*math.Exp(-x/4), TrainAccuracy: 0.8 - 0.6*math.Exp(-x/4),
			ValidationLoss: 0.70 + 1.9*math.Exp(-x/4) + late, ValidationAccuracy: 0.82 - 0.55*math.Exp(-x/4),
			ValidationNatsPerCharacter: 0.72 + 1.95*math.Exp(-x/4) + late, ValidationNatsPerCaption: 30 + 80*math.Exp(-x/4),
			LearningRate: 0.001, Seconds: 12.5, TotalSeconds: 12.5 * x, ExamplesPerSecond: 320,
		})
	}
	dir := t.TempDir()
	said := []struct {
		generated  string
		references []string
	}{
		{"two 🐱 left of a 🍕", []string{"two 🐱 left of a 🍕", "cat got your pizza? 🐱🐱🍕", "purrfect slice on pink 🍕"}},
		{"a 👩‍🚀 and a ⭐ on blue", []string{"space for one more ⭐👩‍🚀", "starry-eyed 👩‍🚀"}},
		{"<unk> | *not* _markup_ [x](y) & \"quotes\"", []string{"<script>alert(1)</script>", "a | b"}},
		{"", []string{"an honest 🌵 needs no words"}},
	}
	for n, s := range said {
		id := fmt.Sprintf("picture-%04d.jpg", n+1)
		path := filepath.Join(dir, id)
		writePicture(t, path, 400, 300+50*n, uint8(60*n))
		d.Gallery = append(d.Gallery, Picture{ID: id, Path: path, Split: "validation", References: s.references, Generated: s.generated})
	}
	return d
}

// writePicture writes a JPEG whose left half is dark and whose right half is light.
func writePicture(t *testing.T, path string, w, h int, hue uint8) {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: hue, G: 60, B: 120, A: 255}
			if x >= w/2 {
				c = color.RGBA{R: 250, G: 200, B: hue, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := jpeg.Encode(file, img, nil); err != nil {
		t.Fatal(err)
	}
}

// newFolder makes a run folder for the report to go into.
func newFolder(t *testing.T) *runfolder.Folder {
	t.Helper()
	f, err := runfolder.Create(t.TempDir(), "sample", "0123456789abcdef", []byte("given\n"), []byte(sampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sampleMatrix() *score.Confusion {
	m := score.NewConfusion([]string{"letter", " ", "🐱", score.Other})
	for truth, row := range map[string][]int{"letter": {80, 5, 1, 0}, " ": {2, 40, 0, 0}, "🐱": {0, 1, 9, 2}} {
		for n, count := range row {
			for range count {
				m.Add(truth, m.Labels[n])
			}
		}
	}
	return m
}
