package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/study"
)

// TestStudyRefused compares every message about a study file with its golden.
func TestStudyRefused(t *testing.T) {
	refused(t, "testdata/refused_study/*.txtar", func(overrides []string) error {
		_, err := LoadStudy("x.toml", overrides)
		return err
	})
}

// studyHead makes a study that needs nothing but its axes.
const studyHead = "encoder.layer = 'block5_pool'\nencoder.pooling = 'avg'\nencoder.sources = ['pypi']\n"

func loadStudy(t *testing.T, text string, overrides ...string) *Study {
	t.Helper()
	s, err := LoadStudy(write(t, filepath.Join(t.TempDir(), "x.toml"), studyHead+text), overrides)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestExpansion: which cells a study has, in which order.
func TestExpansion(t *testing.T) {
	for _, test := range []struct{ reason, text, want string }{
		{"the first axis varies slowest, in the file's order", "[study.axes]\ntext.tokenizer = ['word', 'char']\ndata.limit = [5, 1]",
			"word-limit5 word-limit1 char-limit5 char-limit1"},
		{"seeds vary fastest", "[study]\nseeds = [2, 1]\n[study.axes]\ntext.tokenizer = ['word', 'char']", "word-s2 word-s1 char-s2 char-s1"},
		{"seeds alone", "[study]\nseeds = [1, 2, 3]", "s1 s2 s3"},
		{"quoted keys", "[study.axes]\n\"text.tokenizer\" = ['word', 'char']", "word char"},
		{"sub-tables", "[study.axes.data.emojigram]\nimages = [10, 20]", "images10 images20"},
		{"range by step takes in its end", "[study.axes]\ntraining.epochs = { range = [5, 20], step = 5 }", "epochs5 epochs10 epochs15 epochs20"},
		{"range by step may end before its end", "[study.axes]\ntraining.epochs = { range = [1, 6], step = 2 }", "epochs1 epochs3 epochs5"},
		{"range by count, without rounding noise", "[study.axes]\ndecoder.dropout = { range = [0.1, 0.3], count = 3 }", "dropout0.1 dropout0.2 dropout0.3"},
		{"log range", "[study.axes]\ntraining.epochs = { logrange = [5, 40], count = 4 }", "epochs5 epochs10 epochs20 epochs40"},
		{"log range of numbers", "[study.axes]\ntraining.learning_rate = { logrange = [1e-4, 1e-2], count = 3 }", "learning_rate0.0001 learning_rate0.001 learning_rate0.01"},
		{"log range of integers is rounded", "[study.axes]\ndata.limit = { logrange = [10, 100], count = 3 }", "limit10 limit32 limit100"},
		{"zipped keys go pairwise", "[study.zip.size]\ndecoder.units = [8, 16]\ndecoder.embedding = [4, 8]\n[study.axes]\ndata.limit = [1, 2]",
			"units8-embedding4-limit1 units8-embedding4-limit2 units16-embedding8-limit1 units16-embedding8-limit2"},
		{"cases", "[study.cases.cleaning]\nraw = { text.links = 'keep' }\n'all of it' = {}", "raw all_of_it"},
		{"arrays and booleans", "[study.axes]\ndata.ratio = [[0.5, 0.5], [0.6, 0.4]]\ntext.lowercase = [true, false]",
			"ratio0.5_0.5-lowercasetrue ratio0.5_0.5-lowercasefalse ratio0.6_0.4-lowercasetrue ratio0.6_0.4-lowercasefalse"},
		{"a rule skips all seeds", "[study]\nseeds = [1, 2]\n[study.axes]\ntraining.epochs = [1, 2, 3]\ntext.tokenizer = ['char', 'word']\n" +
			"[study.skip]\nlong = { training.epochs = [2, 3], text.tokenizer = 'word' }",
			"epochs1-char-s1 epochs1-char-s2 epochs1-word-s1 epochs1-word-s2 epochs2-char-s1 epochs2-char-s2 epochs3-char-s1 epochs3-char-s2"},
		{"a rule on an axis of arrays", "[study.axes]\ndata.ratio = [[0.5, 0.5], [0.6, 0.4]]\n[study.skip]\nx = { data.ratio = [0.5, 0.5] }", "ratio0.6_0.4"},
		{"a rule on cases", "[study.cases.cleaning]\nraw = { text.links = 'keep' }\nclean = {}\n[study.skip]\nx = { cleaning = 'raw' }", "clean"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			var ids []string
			for _, c := range loadStudy(t, test.text).Cells {
				ids = append(ids, c.ID)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("cells\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestCellConfigs: each cell's config has what its axes, its rules, the file and the command line say.
func TestCellConfigs(t *testing.T) {
	s := loadStudy(t, `
training.batch = 7
[study]
name = "q"
description = "why?"
seeds = [4, 5]
split_seeds = true
[study.axes]
text.tokenizer = ["char", "word"]
[study.cases.cleaning]
raw = { text.links = "keep", text.hashtags = "keep" }
cleaned = {}
[study.when.words]
if = { text.tokenizer = "word", cleaning = "raw" }
set = { training.learning_rate = 0.5 }
`, "training.epochs=3")
	want := []string{
		"char-raw-s4: q-char-raw-s4 char keep 0.001 4 4 7 3", "char-raw-s5: q-char-raw-s5 char keep 0.001 5 5 7 3",
		"char-cleaned-s4: q-char-cleaned-s4 char remove 0.001 4 4 7 3", "char-cleaned-s5: q-char-cleaned-s5 char remove 0.001 5 5 7 3",
		"word-raw-s4: q-word-raw-s4 word keep 0.5 4 4 7 3", "word-raw-s5: q-word-raw-s5 word keep 0.5 5 5 7 3",
		"word-cleaned-s4: q-word-cleaned-s4 word remove 0.001 4 4 7 3", "word-cleaned-s5: q-word-cleaned-s5 word remove 0.001 5 5 7 3",
	}
	var got []string
	for n, c := range s.Configs {
		k := c.Config
		got = append(got, fmt.Sprint(s.Cells[n].ID, ": ", k.Experiment.Name, " ", k.Text.Tokenizer, " ", k.Text.Links, " ", k.Training.LearningRate, " ",
			k.Training.Seed, " ", k.Data.SplitSeed, " ", k.Training.Batch, " ", k.Training.Epochs))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantAxes := []study.Axis{{Key: "text.tokenizer", Values: []any{"char", "word"}}, {Key: "cleaning", Values: []any{"raw", "cleaned"}}}
	if diff := cmp.Diff(wantAxes, s.Axes); diff != "" {
		t.Errorf("axes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"text.tokenizer": "char", "cleaning": "raw"}, s.Cells[0].Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}

	// A cell's resolved config and a single run of the same keys are the same run.
	alone, err := Load(write(t, filepath.Join(t.TempDir(), "y.toml"), studyHead), []string{"training.batch=7", "training.epochs=3", "text.tokenizer=word",
		"text.links=keep", "text.hashtags=keep", "training.learning_rate=0.5", "training.seed=5", "data.split_seed=5"})
	if err != nil {
		t.Fatal(err)
	}
	if cell := s.Cells[5]; cell.Hash != alone.Hash || s.Configs[5].Hash != alone.Hash {
		t.Errorf("cell %s has the hash %.8s, the same run alone %.8s", cell.ID, cell.Hash, alone.Hash)
	}
	again, err := Load(write(t, filepath.Join(t.TempDir(), "z.toml"), string(s.Configs[5].Resolved)), nil)
	if err != nil || again.Hash != alone.Hash || again.Config.Experiment.Name != "q-word-raw-s5" {
		t.Errorf("the resolved config comes back as %v, %v", again, err)
	}
	if _, err := Load(write(t, filepath.Join(t.TempDir(), "given.toml"), string(s.Configs[0].Given)), nil); err == nil || !strings.Contains(err.Error(), "is a study") {
		t.Errorf("a study was loaded as one run: %v", err)
	}
}

// TestStudyHash: the study is known by what its cells compute, not by names, order or comments.
func TestStudyHash(t *testing.T) {
	base := loadStudy(t, "[study]\nseeds=[1,2]\n[study.axes]\ndata.limit = [5, 1]\n")
	same := loadStudy(t, "[study]\nname='other'\nseeds=[2,1]\n[study.axes]\ndata.limit = [1, 5] # turned round\n")
	more := loadStudy(t, "[study]\nseeds=[1,2]\n[study.axes]\ndata.limit = [5, 1, 2]\n")
	if base.Hash != same.Hash || base.Hash == more.Hash {
		t.Errorf("hashes %.8s, %.8s, %.8s", base.Hash, same.Hash, more.Hash)
	}
}

func TestHashOf(t *testing.T) {
	s := loadStudy(t, "[study]\nseeds=[1,2]\n[study.axes]\ntraining.epochs = [5, 1]\n")
	trunk := func(n int) string {
		return s.Configs[n].HashOf(func(key string) bool { return key != "training.epochs" })
	}
	if trunk(0) != trunk(2) || trunk(0) == trunk(1) {
		t.Errorf("%s %s %s: only the epochs are left out", trunk(0), trunk(1), trunk(2))
	}
}

// FuzzLoadStudy: whatever the file holds, LoadStudy returns, and every problem has a place and a message.
func FuzzLoadStudy(f *testing.F) {
	f.Add("[study]\nseeds = [1]\n[study.axes]\ntraining.epochs = { range = [1, 3], step = 1 }\n[study.skip]\nx = { training.epochs = 1 }")
	f.Add("study.zip.a = { decoder.units = [1, 2], decoder.embedding = [1, 2] }\nstudy.cases = { b = { c = {} } }\nstudy.when.d = { if = { b = 'c' }, set = {} }")
	f.Add("[[study]]\naxes = 1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := LoadStudy(write(t, filepath.Join(t.TempDir(), "x.toml"), studyHead+text), nil)
		if err == nil {
			if len(s.Cells) == 0 || len(s.Cells) != len(s.Configs) {
				t.Errorf("%d cells, %d configs", len(s.Cells), len(s.Configs))
			}
			return
		}
		problems, ok := AsProblems(err)
		if !ok {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range problems {
			if p.Message == "" || p.Line == 0 {
				t.Errorf("no message or no line: %+v", p)
			}
		}
	})
}
