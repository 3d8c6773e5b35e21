// Package comparetest makes run folders with captions of a known quality, for tests of what reads finished runs.
package comparetest

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// Run says how a run folder comes out; zero values stand for what runs usually have.
type Run struct {
	Name       string // experiment.name; "": run
	Seed       int64
	SplitSeed  int64   // 0: 1
	Limit      int     // data.limit, and the number of training pictures; 0: 100
	Unlimited  bool    // data.limit is 0
	Tokenizer  string  // "": char
	Epochs     int     // 0: 3
	Extra      string  // more lines of the resolved config
	Right      float64 // the share of captions that equal a reference; the others say something else
	Split      string  // that was captioned; "": validation
	Pictures   int     // of that split; 0: 60
	First      int     // number of the first picture
	References string  // evaluation.references; "": raw
	Old        bool    // keeps cleaned references only, as runs of earlier versions do
	Loss       float64 // nats a character at the end; 0: 1
	Unknown    float64 // share of tokens that the vocabulary lacks
	METEOR     float64 // 0: not measured
	Commit     string  // "": the same for all
	Continues  string  // the run that this one went on with, after all epochs but its last
	Vocabulary string  // hash; "": by the tokenizer
	Data       string  // hash; "": by the limit
	Status     runfolder.Status
}

// Make makes a finished run in a results folder. Its picture files lie in pictures beside the runs.
func Make(t testing.TB, results string, r Run) *runfolder.Folder {
	t.Helper()
	fill(&r)
	limit := r.Limit
	if r.Unlimited {
		limit = 0
	}
	resolved := fmt.Sprintf("[experiment]\nname = %q\n[data]\nformat = \"emojigram\"\nlimit = %d\nsplit_seed = %d\n[text]\ntokenizer = %q\nunit = \"grapheme\"\n"+
		"[training]\nepochs = %d\nseed = %d\npadding = \"masked\"\n[evaluation]\nreferences = %q\ngallery = %d\n[decoding]\nmethod = \"greedy\"\n%s",
		r.Name, limit, max(r.SplitSeed, 1), r.Tokenizer, r.Epochs, r.Seed, r.References, 10+r.Seed, r.Extra)
	f, err := runfolder.Create(results, r.Name, fmt.Sprintf("%08x", 0x10000000+r.Limit*1000+int(r.Seed)), []byte(resolved), []byte(resolved))
	check(t, err)
	unlock, err := f.Lock()
	check(t, err)
	defer unlock()
	predictions := captions(t, results, r)
	check(t, f.WritePredictions(r.Split, predictions))
	var train []string
	for n := range r.Limit {
		train = append(train, fmt.Sprintf("t%d", n))
	}
	check(t, f.WriteJSON("split.json", map[string]any{"splits": map[string][]string{"train": train}}))
	for n := range r.Epochs {
		loss := r.Loss + 2*math.Exp(-float64(n+1)) - 2*math.Exp(-float64(r.Epochs))
		check(t, f.AppendEpoch(runfolder.Epoch{Epoch: n + 1, Step: (n + 1) * r.Limit / 10, TrainLoss: loss, ValidationLoss: loss, ValidationNatsPerCharacter: loss,
			TrainAccuracy: 0.5, ValidationAccuracy: 0.5, LearningRate: 1e-3, Seconds: 60, TotalSeconds: 60 * float64(n+1), ExamplesPerSecond: 10}))
	}
	check(t, f.Update(func(i *runfolder.Info) {
		i.Status, i.GoVersion, i.Backend, i.Device, i.GitCommit = r.Status, "go1.26", "xla", "xla:cpu", r.Commit
		i.Description = "a run made for a test"
		i.Host = runfolder.Host{OS: "linux/amd64", Cores: 2, MemoryBytes: 24 << 30}
		i.Hashes["data"], i.Hashes["vocabulary"] = r.Data, r.Vocabulary
		i.Stages = []runfolder.Stage{{Name: "data", Seconds: 2}, {Name: "training", Seconds: 60 * float64(r.Epochs)}}
		i.Results[r.Split+"_nats_per_character"], i.Results[r.Split+"_teacher_forced_loss"] = r.Loss, r.Loss
		i.Results[r.Split+"_teacher_forced_accuracy"] = 0.5
		if r.Unknown > 0 {
			i.Results[r.Split+"_unknown_rate"] = r.Unknown
		}
		if r.METEOR > 0 {
			i.Results[r.Split+"_meteor"] = r.METEOR
		}
		if i.Continues = r.Continues; i.Continues != "" {
			i.Stages[1].Seconds = 60
		}
	}))
	return f
}

func fill(r *Run) {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&r.Name, "run")
	set(&r.Tokenizer, "char")
	set(&r.Split, "validation")
	set(&r.References, "raw")
	set(&r.Vocabulary, "vocabulary-"+r.Tokenizer)
	set(&r.Commit, "89abcdef0123456789abcdef0123456789abcdef")
	if r.Limit == 0 {
		r.Limit = 100
	}
	set(&r.Data, fmt.Sprintf("data-%d", r.Limit))
	if r.Epochs == 0 {
		r.Epochs = 3
	}
	if r.Pictures == 0 {
		r.Pictures = 60
	}
	if r.Loss == 0 {
		r.Loss = 1
	}
	set((*string)(&r.Status), string(runfolder.Done))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	colors  = []string{"red", "green", "blue", "yellow", "purple", "white", "black"}
	animals = []string{"dog", "cat", "turtle", "fox", "bird", "horse", "octopus", "lion", "bee", "snail", "whale"}
	places  = []string{"in the snow", "on a beach", "under a tree", "by the river", "on the grass"}
)

// captions are right with the probability Right, apart for every picture, by the seed.
func captions(t testing.TB, results string, r Run) []runfolder.Prediction {
	random := rand.New(rand.NewPCG(uint64(r.Seed), uint64(1000*r.Right)+uint64(r.Limit)))
	var all []runfolder.Prediction
	for k := range r.Pictures {
		n := r.First + k
		color, animal, place := colors[n%len(colors)], animals[n%len(animals)], places[n%len(places)]
		references := []string{
			fmt.Sprintf("a %s %s runs %s", color, animal, place),
			fmt.Sprintf("one %s that is %s sits %s", animal, color, place),
		}
		p := runfolder.Prediction{ImageID: fmt.Sprintf("%03d.jpg", n), Split: "validation", Path: picture(t, results, n), References: references, Tokens: 9,
			Caption: fmt.Sprintf("the %s is somewhere else", animals[(n+3)%len(animals)])}
		if random.Float64() < r.Right {
			p.Caption = references[0]
		}
		if !r.Old {
			p.ScoredReferences = references
			if r.References == "raw" {
				p.ScoredReferences = []string{references[0] + " #wow", references[1]}
			}
		}
		all = append(all, p)
	}
	return all
}

// picture writes a small picture, once.
func picture(t testing.TB, results string, n int) string {
	dir := filepath.Join(results, "pictures")
	path := filepath.Join(dir, fmt.Sprintf("%03d.jpg", n))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	check(t, os.MkdirAll(dir, 0o755))
	img := image.NewRGBA(image.Rect(0, 0, 16, 12))
	for i := range 16 * 12 {
		img.Set(i%16, i/16, color.RGBA{uint8(37 * n), uint8(91 * n), uint8(10 * i), 255})
	}
	file, err := os.Create(path)
	check(t, err)
	check(t, jpeg.Encode(file, img, nil))
	check(t, file.Close())
	return path
}
