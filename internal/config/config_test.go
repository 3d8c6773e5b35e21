package config

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/captionlab/captionlab/internal/checkout"
)

var update = flag.Bool("update", false, "write the golden messages")

// TestRefused compares every message with its golden: testdata/refused/*.txtar holds the files, the overrides
// and what Load says of them.
func TestRefused(t *testing.T) {
	refused(t, "testdata/refused/*.txtar", func(overrides []string) error {
		_, err := Load("x.toml", overrides)
		return err
	})
}

// refused compares the messages of load with the goldens.
func refused(t *testing.T, glob string, load func(overrides []string) error) {
	t.Helper()
	archives, err := filepath.Glob(glob)
	if err != nil || len(archives) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			golden, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var overrides []string
			var want *txtar.File
			for n, f := range archive.Files {
				switch f.Name {
				case "overrides":
					overrides = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
				case "want":
					want = &archive.Files[n]
				default:
					write(t, f.Name, string(f.Data))
				}
			}
			err = load(overrides)
			if err == nil {
				t.Fatal("the config was accepted")
			}
			problems, ok := AsProblems(err)
			if !ok {
				t.Fatalf("error is a %T, want Problems", err)
			}
			got := err.Error() + "\n"
			if hint := problems.Hint(); hint != "" {
				got += "hint: " + hint + "\n"
			}
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := Load(write(t, filepath.Join(t.TempDir(), "empty.toml"), ""), nil)
	if err != nil {
		t.Fatalf("an empty config is a run of the defaults: %v", err)
	}
	// The paper's own choices and the usual defaults beside it.
	if got := c.Config.Training.Epochs; got != 20 {
		t.Errorf("epochs: got %d, want 20", got)
	}
	if got := c.Config.Encoder.Layer; got != "fc2" {
		t.Errorf("layer: got %q, want fc2", got)
	}
	if got := c.Config.Text.MaxLength; got != 80 {
		t.Errorf("max_length: got %d, want 80", got)
	}
	if diff := cmp.Diff([]float64{0.8, 0.1, 0.1}, c.Config.Data.Ratio); diff != "" {
		t.Error(diff)
	}
}

// TestForms loads one value written in every form that TOML and overrides have.
func TestForms(t *testing.T) {
	for _, test := range []struct {
		reason, text string
		overrides    []string
		check        func(Config) (got, want any)
	}{
		{"dotted key", "training.epochs = 7", nil, func(c Config) (any, any) { return c.Training.Epochs, 7 }},
		{"inline table", "training = { epochs = 7 }", nil, func(c Config) (any, any) { return c.Training.Epochs, 7 }},
		{"quoted key", "[\"training\"]\n'epochs' = 7", nil, func(c Config) (any, any) { return c.Training.Epochs, 7 }},
		{"sub-section", "[data.emojigram]\nimages = 77", nil, func(c Config) (any, any) { return c.Data.Emojigram.Images, 77 }},
		{"integer for a number", "training.clip_norm = 3", nil, func(c Config) (any, any) { return c.Training.ClipNorm, 3.0 }},
		{"override wins", "training.epochs = 7", []string{"training.epochs=8"}, func(c Config) (any, any) { return c.Training.Epochs, 8 }},
		{"last override wins", "", []string{"training.epochs=8", "training.epochs=9"}, func(c Config) (any, any) { return c.Training.Epochs, 9 }},
		{"bare string", "", []string{"data.root=../shared data/x#y=z"}, func(c Config) (any, any) { return c.Data.Root, "../shared data/x#y=z" }},
		{"quoted string", "", []string{`data.root = "a\tb" # comment`}, func(c Config) (any, any) { return c.Data.Root, "a\tb" }},
		{"string that looks like a number", "", []string{"experiment.name=2024"}, func(c Config) (any, any) { return c.Experiment.Name, "2024" }},
		{"empty string", "data.root = 'x'", []string{"data.root="}, func(c Config) (any, any) { return c.Data.Root, "" }},
		{"array", "", []string{`decoding.splits=["test"]`}, func(c Config) (any, any) { return c.Decoding.Splits, []string{"test"} }},
		{"array after a shell took its quotes", "", []string{`decoding.splits=[test, train]`}, func(c Config) (any, any) { return c.Decoding.Splits, []string{"test", "train"} }},
		{"array without brackets", "", []string{`data.ratio=0.7,0.3`}, func(c Config) (any, any) { return c.Data.Ratio, []float64{0.7, 0.3} }},
		{"a bracket that is the value's own", "", []string{`slurm.options=--constraint=[a|b]`}, func(c Config) (any, any) { return c.Slurm.Options, []string{"--constraint=[a|b]"} }},
		{"one element", "", []string{`evaluation.controls=blind`}, func(c Config) (any, any) { return c.Evaluation.Controls, []string{"blind"} }},
		{"empty array", "", []string{`evaluation.controls=[]`}, func(c Config) (any, any) { return c.Evaluation.Controls, []string{} }},
		{"shares that add up to 1 but for rounding", "data.ratio = [0.7, 0.2, 0.1]", nil, func(c Config) (any, any) { return len(c.Data.Ratio), 3 }},
	} {
		t.Run(test.reason, func(t *testing.T) {
			c, err := Load(write(t, filepath.Join(t.TempDir(), "x.toml"), test.text), test.overrides)
			if err != nil {
				t.Fatal(err)
			}
			got, want := test.check(c.Config)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFilesOfTheCheckout: the files that a config names are found from any folder of the checkout, as a notebook's.
func TestFilesOfTheCheckout(t *testing.T) {
	top := t.TempDir()
	write(t, filepath.Join(top, "go.mod"), "module "+checkout.Module+"\n")
	write(t, filepath.Join(top, "weights.h5"), "")
	write(t, filepath.Join(top, "vectors.txt"), "dog"+strings.Repeat(" 0.5", 64)+"\n")
	path := write(t, filepath.Join(top, "notebooks", "x.toml"), "[encoder]\nweights = 'weights.h5'\n[decoder]\nvectors = 'vectors.txt'\nembedding = 64\n[text]\ntokenizer = 'word'\n")
	t.Chdir(filepath.Dir(path))
	if _, err := Load("x.toml", nil); err != nil {
		t.Error(err)
	}
}

func TestExtends(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "far", "a.toml"), "[training]\nepochs = 1\nbatch = 1\nseed = 11\n")
	write(t, filepath.Join(dir, "b.toml"), "extends = \"far/a.toml\"\n[training]\nbatch = 2\nseed = 2\n")
	path := write(t, filepath.Join(dir, "sub", "c.toml"), "extends = '../b.toml'\n[training]\nseed = 3\n")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := [3]int{c.Config.Training.Epochs, c.Config.Training.Batch, int(c.Config.Training.Seed)}
	if want := [3]int{1, 2, 3}; got != want {
		t.Errorf("epochs, batch, seed: got %v, want %v: the nearest file that gives a key counts", got, want)
	}
	given, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Given) != string(given) {
		t.Errorf("given: got %q, want the file's bytes", c.Given)
	}
}

// TestResolved: the resolved config is a config of its own, and loads to the same values and hash.
func TestResolved(t *testing.T) {
	dir := t.TempDir()
	overrides := []string{"experiment.description=quote \" back\\slash \x01 \u2028 # é 👩‍👩‍👧\nline", "training.learning_rate=1e-7", "data.ratio=0.25,0.75",
		"data.split_seed=-9223372036854775808", "training.clip_norm=1e21", "decoding.splits=[]"}
	first, err := Load(write(t, filepath.Join(dir, "x.toml"), "[text]\nlowercase = true\n"), overrides)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(write(t, filepath.Join(dir, "config.resolved.toml"), string(first.Resolved)), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, first.Resolved)
	}
	if diff := cmp.Diff(first.Config, again.Config); diff != "" {
		t.Errorf("config (-first +again):\n%s", diff)
	}
	if first.Hash != again.Hash {
		t.Errorf("hash %s became %s", first.Hash, again.Hash)
	}
	keys, err := Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Path() != "extends" && !strings.Contains(string(first.Resolved), "\n"+k.Name+" = ") {
			t.Errorf("resolved lacks %s", k.Path())
		}
	}
}

func TestHash(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "x.toml"), "")
	hash := func(overrides ...string) string {
		t.Helper()
		c, err := Load(path, overrides)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash
	}
	base := hash()
	for _, same := range []string{"experiment.name=other", "experiment.description=d", "runtime.cache=/tmp/c", "runtime.results=r", "runtime.tensorboard=false", "training.checkpoint_minutes=1", "training.epochs=20", "decoder.layers=1"} {
		if hash(same) != base {
			t.Errorf("%s changed the hash, but not the run", same)
		}
	}
	if hash("data.root=x/") != hash("data.root=x") {
		t.Error("a slash after data.root changed the hash")
	}
	for _, other := range []string{"training.epochs=21", "data.emojigram.seed=2", "runtime.device=cpu", "data.root=x", "decoder.layers=2"} {
		if hash(other) == base {
			t.Errorf("%s left the hash as it was", other)
		}
	}
	derived, err := Load(write(t, filepath.Join(dir, "y.toml"), "extends = 'x.toml'"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if derived.Hash != base {
		t.Error("extending a config without changing it changed the hash")
	}
	for _, k := range derived.hashed {
		if k.key == "decoder.layers" {
			t.Error("a key that came later is part of the hash at its default: runs from before have no such hash")
		}
	}
}

// TestKeys: every settings field has a key with a default and a meaning, and bounds its default keeps.
func TestKeys(t *testing.T) {
	keys, err := Keys()
	if err != nil {
		t.Fatal(err)
	}
	leaves := countLeaves(reflect.TypeFor[Config]())
	if len(keys) != leaves {
		t.Errorf("%d keys for %d fields", len(keys), leaves)
	}
	for _, k := range keys {
		if k.Doc == "" || k.Type == "" || k.Default == "" {
			t.Errorf("%s lacks a meaning, type or default: %+v", k.Path(), k)
		}
		if strings.ContainsAny(k.Doc, "\n\r") {
			t.Errorf("%s: the meaning is a comment of one line in the resolved config", k.Path())
		}
	}
}

func countLeaves(t reflect.Type) (n int) {
	if t.Kind() != reflect.Struct {
		return 1
	}
	for at := range t.NumField() {
		n += countLeaves(t.Field(at).Type)
	}
	return n
}

// TestShippedConfigs loads every config of the checkout, and expands every study. Configs of data sets that are not ours name no folder:
// that must be all they lack.
func TestShippedConfigs(t *testing.T) {
	root := filepath.Join("..", "..", "configs")
	seen, studies := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".toml" {
			return err
		}
		seen++
		t.Run(path, func(t *testing.T) {
			load := func(overrides ...string) error {
				c, err := Load(path, overrides)
				if err == nil && len(c.Notes) > 0 && filepath.Base(path) != "base.toml" { // of studies, whose cells have other tokens
					t.Errorf("it gives keys in vain: %v", c.Notes)
				}
				return err
			}
			needs := []string{"Question:", "Time:", "Score:"}
			if IsStudy(path) {
				studies++
				needs = []string{"Question:", "Time:", "Expect:"}
				load = func(overrides ...string) error {
					_, err := LoadStudy(path, overrides)
					return err
				}
			}
			err := load()
			var given []string
			if problems, ok := AsProblems(err); ok {
				for _, p := range problems {
					if p.Hint == "" {
						t.Errorf("the error doesn't say what to download: %v", p)
					}
					switch p.Key {
					case "data.root":
						given = append(given, "data.root="+t.TempDir())
					case "decoder.vectors":
						vectors := filepath.Join(t.TempDir(), "vectors")
						if err := os.WriteFile(vectors, []byte("the"+strings.Repeat(" 0", 100)+"\n"), 0o644); err != nil {
							t.Fatal(err)
						}
						given = append(given, "decoder.vectors="+vectors)
					}
				}
				err = load(given...)
			}
			if err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(root, path)
			head, _, _ := strings.Cut(string(text), "\n\n")
			for _, need := range append(needs, "make experiment CONFIG="+filepath.ToSlash(name)) {
				if !strings.Contains(head, need) {
					t.Errorf("the head lacks %q", need)
				}
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 17 || studies < 11 {
		t.Errorf("%d configs found, %d of them studies; want at least 17 and 11", seen, studies)
	}
}
