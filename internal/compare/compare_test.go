package compare_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/compare/comparetest"
	"github.com/captionlab/captionlab/internal/runfolder"
)

func compared(t *testing.T, o compare.Options, runs ...comparetest.Run) *compare.Comparison {
	t.Helper()
	results := t.TempDir()
	var folders []*runfolder.Folder
	for _, r := range runs {
		folders = append(folders, comparetest.Make(t, results, r))
	}
	if o.Split == "" {
		o.Split = "validation"
	}
	c, err := compare.Runs(context.Background(), folders, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNoiseAndDifference: systems that are right equally often are not told apart, one that is right more often is, with
// one seed and with three.
func TestNoiseAndDifference(t *testing.T) {
	for _, seeds := range []int64{1, 3} {
		t.Run(fmt.Sprintf("%d seeds", seeds), func(t *testing.T) {
			var runs []comparetest.Run
			for seed := range seeds {
				runs = append(runs,
					comparetest.Run{Name: "base", Seed: seed + 1, Right: 0.5, Pictures: 150},
					comparetest.Run{Name: "noise", Seed: seed + 21, Right: 0.5, Pictures: 150, Epochs: 4},
					comparetest.Run{Name: "better", Seed: seed + 1, Right: 0.8, Pictures: 150, Epochs: 5},
				)
			}
			c := compared(t, compare.Options{}, runs...)
			if len(c.Groups) != 3 || len(c.Differences) != 2*7 {
				t.Fatalf("%d groups and %d differences", len(c.Groups), len(c.Differences))
			}
			for _, d := range c.Differences {
				if better := d.Group == 2; d.Distinguishable != better {
					t.Errorf("%s of %s: %+.3f (%.3f to %.3f), distinguishable: %v", d.Name, c.Groups[d.Group].Name(), d.Difference.Difference, d.Low, d.High, d.Distinguishable)
				}
				if inside := d.Low <= d.Difference.Difference && d.Difference.Difference <= d.High; !inside {
					t.Errorf("%s: %.3f is outside %.3f to %.3f", d.Name, d.Difference.Difference, d.Low, d.High)
				}
			}
		})
	}
}

// TestGroups: runs that differ in seeds, names and what is measured besides are one group; their figures are the mean
// and the sample's standard deviation.
func TestGroups(t *testing.T) {
	c := compared(t, compare.Options{},
		comparetest.Run{Name: "first", Seed: 1, Right: 0.5, Loss: 1},
		comparetest.Run{Name: "bpe", Seed: 1, Right: 0.5, Loss: 3, Tokenizer: "bpe"},
		comparetest.Run{Name: "second", Seed: 2, Right: 0.5, Loss: 2},
		comparetest.Run{Name: "third", Seed: 3, Right: 0.5, Loss: 3, Extra: "seed = 7\n"},
	)
	if want := []string{"text.tokenizer"}; !slices.Equal(c.Keys, want) {
		t.Errorf("differing keys %v, want %v", c.Keys, want)
	}
	if len(c.Groups) != 2 || len(c.Groups[0].Runs) != 3 || len(c.Groups[1].Runs) != 1 {
		t.Fatalf("groups %v", c.Groups)
	}
	f := c.Groups[0].Figures["nats_per_character"]
	if f.Mean != 2 || math.Abs(f.SD-1) > 1e-12 || f.N != 3 {
		t.Errorf("nats a character %+v, want 2 ± 1 of 3 runs", f)
	}
	var mean float64
	for _, r := range c.Groups[0].Runs {
		mean += r.Figures["cider"] / 3
	}
	cider := c.Groups[0].Figures["cider"]
	if math.Abs(cider.Mean-mean) > 1e-12 || !cider.Interval || cider.Low > mean || cider.High < mean {
		t.Errorf("CIDEr %+v, want the mean %g within its interval", cider, mean)
	}
	if c.Groups[0].Name() != "A: tokenizer char" || c.Groups[1].Name() != "B: tokenizer bpe" {
		t.Errorf("names %q and %q", c.Groups[0].Name(), c.Groups[1].Name())
	}
	if seeds := c.Seeds(c.Groups[0].Runs[1]); seeds["training.seed"] != "2" || seeds["data.split_seed"] != "" {
		t.Errorf("seeds that differ: %v", seeds)
	}
	perToken, _ := c.Column("teacher_forced_loss")
	perCharacter, _ := c.Column("nats_per_character")
	if c.Comparable(perToken, c.Groups[0], c.Groups[1]) || !c.Comparable(perCharacter, c.Groups[0], c.Groups[1]) {
		t.Error("losses a token of pieces and characters are not comparable, those a character are")
	}
}

// TestWhatIsNotPredicted: a vocabulary that lacks rare tokens, or a tokenizer that leaves punctuation out, is told less of the text.
func TestWhatIsNotPredicted(t *testing.T) {
	for _, split := range []string{"validation", "test"} {
		run := func(tokenizer string, unknown float64, extra string) comparetest.Run {
			return comparetest.Run{Right: 0.5, Split: split, Tokenizer: tokenizer, Unknown: unknown, Extra: extra}
		}
		c := compared(t, compare.Options{Split: split}, run("char", 0, ""), run("bpe", 0.03, ""), run("byte", 0.0005, ""), run("word", 0, ""),
			run("word", 0, "[text.words]\npunctuation = \"keep\"\n"), run("word", 0, "batch = 7\n"))
		column, _ := c.Column("nats_per_character")
		for _, pair := range []struct {
			a, b int
			want bool
			why  string
		}{
			{0, 1, false, "a vocabulary lacks 3 % of the tokens"}, {0, 2, true, "one lacks a 2,000th"}, {0, 3, false, "words lose case and punctuation"},
			{3, 4, false, "some words keep punctuation"}, {3, 5, true, "words lose the same"},
		} {
			if got := c.Comparable(column, c.Groups[pair.a], c.Groups[pair.b]); got != pair.want {
				t.Errorf("%s: losses a character are comparable: %v, though %s", split, got, pair.why)
			}
		}
		if !slices.ContainsFunc(c.Notes, func(note string) bool {
			return strings.HasPrefix(note, "Losses a character of B, D, E and F can't be compared")
		}) {
			t.Errorf("notes: %q", c.Notes)
		}
	}
}

// TestRepeatedRuns: the same run again is no other seed; by another state of the program it is another group.
func TestRepeatedRuns(t *testing.T) {
	one, again, other := comparetest.Run{Name: "one", Seed: 1, Right: 0.5}, comparetest.Run{Name: "again", Seed: 1, Right: 0.5}, comparetest.Run{Name: "other", Seed: 2, Right: 0.5}
	c := compared(t, compare.Options{}, one, again, other)
	if len(c.Groups) != 1 || len(c.Groups[0].Runs) != 2 || len(c.LeftOut) != 1 || !strings.Contains(c.LeftOut[0].Name, "-one-") || !strings.Contains(c.LeftOut[0].Reason, "same settings, seeds, data and code") {
		t.Errorf("groups %+v, left out %+v", c.Groups, c.LeftOut)
	}
	again.Commit = "0123456789"
	c = compared(t, compare.Options{}, one, again, other)
	if len(c.Groups) != 2 || len(c.Groups[0].Runs) != 2 || !slices.Equal(c.Keys, []string{"code (commit)"}) || c.Groups[1].Label != "code (commit) 01234567" || len(c.LeftOut) > 0 {
		t.Errorf("groups %+v, keys %v, left out %v", c.Groups, c.Keys, c.LeftOut)
	}
	other.Commit = again.Commit // one seed each: the runs of a study that went on after a change are one group, with a note
	if c = compared(t, compare.Options{}, one, other); len(c.Groups) != 1 || len(c.Notes) != 1 {
		t.Errorf("groups %+v, notes %q", c.Groups, c.Notes)
	}
}

// TestMETEORIsOfTheSameTest: it is taken from the runs, so it is absent where a run is compared on fewer pictures than it measured.
func TestMETEORIsOfTheSameTest(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Right: 0.5, METEOR: 0.2}, comparetest.Run{Right: 0.5, METEOR: 0.3, Pictures: 61, Epochs: 4})
	if _, ok := c.Groups[1].Figures["meteor"]; ok || c.Groups[0].Figures["meteor"].Mean != 0.2 {
		t.Errorf("of all the compared pictures %+v, of one more %+v", c.Groups[0].Figures, c.Groups[1].Figures)
	}
}

// TestContinuedTraining: the time of a training that went on from a shorter one is that of both.
func TestContinuedTraining(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Right: 0.5}, comparetest.Run{Right: 0.5, Epochs: 4, Continues: "the first"})
	for n, want := range []float64{180, 240} {
		if got := c.Groups[n].Figures[compare.TrainingSeconds].Mean; got != want {
			t.Errorf("group %d trained for %v s, want %v", n, got, want)
		}
	}
}

// TestGroupsOfManyKeys: where more keys differ than a name can hold, a study's cells are called by their names without the seeds.
func TestGroupsOfManyKeys(t *testing.T) {
	const more = "batch = 1\nclip_norm = 2\noptimizer = \"sgd\"\n"
	c := compared(t, compare.Options{},
		comparetest.Run{Name: "tokens-char-s1", Seed: 1, Right: 0.5}, comparetest.Run{Name: "tokens-char-s2", Seed: 2, Right: 0.5},
		comparetest.Run{Name: "mine-small", Tokenizer: "word", Right: 0.5, Extra: more})
	if a, b := c.Groups[0].Label, c.Groups[1].Label; a != "tokens-char" || b != "mine-small" {
		t.Errorf("labels %q and %q; keys %v", a, b, c.Keys)
	}
}

// TestNoLimitIsAll: a limit of 0 pictures would be read as none.
func TestNoLimitIsAll(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Limit: 50, Right: 0.5}, comparetest.Run{Unlimited: true, Right: 0.5})
	if a, b := c.Groups[0].Label, c.Groups[1].Label; a != "limit 50" || b != "limit all" {
		t.Errorf("labels %q and %q", a, b)
	}
}

// TestOtherDataIsAnotherGroup: the same config and seeds on data that changed are never averaged.
func TestOtherDataIsAnotherGroup(t *testing.T) {
	c := compared(t, compare.Options{},
		comparetest.Run{Seed: 1, Right: 0.5}, comparetest.Run{Seed: 2, Right: 0.5}, comparetest.Run{Seed: 1, Right: 0.5, Data: "changed"})
	if len(c.Groups) != 2 || len(c.Groups[0].Runs) != 2 || !slices.Equal(c.Keys, []string{"data (hash)"}) {
		t.Errorf("%d groups, keys %v", len(c.Groups), c.Keys)
	}
}

func TestWhatCannotBeComparedIsLeftOut(t *testing.T) {
	base := comparetest.Run{Name: "base", Seed: 1, Right: 0.5}
	same := comparetest.Run{Name: "same", Seed: 2, Right: 0.5}
	for _, test := range []struct {
		reason string
		run    comparetest.Run
		want   string
	}{
		{"other pictures", comparetest.Run{Name: "other", Right: 0.5, First: 40}, "other pictures: 60 validation pictures, of which 20 are among the 60 of "},
		{"far fewer pictures", comparetest.Run{Name: "other", Right: 0.5, Pictures: 20}, "other pictures: 20 validation pictures, of which 20"},
		{"other references", comparetest.Run{Name: "other", Right: 0.5, References: "cleaned"}, `evaluation.references = "cleaned"`},
		{"a run that failed", comparetest.Run{Name: "other", Right: 0.5, Status: runfolder.Failed}, "it is not done: failed"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			c := compared(t, compare.Options{}, base, same, test.run)
			if len(c.LeftOut) != 1 || !strings.Contains(c.LeftOut[0].Reason, test.want) || !strings.Contains(c.LeftOut[0].Name, "-other-") {
				t.Fatalf("left out %v, want %q", c.LeftOut, test.want)
			}
			if runs := c.Runs(); len(runs) != 2 {
				t.Errorf("%d runs are compared", len(runs))
			}
		})
	}
}

// TestDamagedRuns: a run whose files can't be read is left out, with what is wrong with it, and keeps no others from being compared;
// of one that isn't done it is said that it isn't, whatever else is wrong.
func TestDamagedRuns(t *testing.T) {
	results := t.TempDir()
	folders := []*runfolder.Folder{
		comparetest.Make(t, results, comparetest.Run{Name: "one", Seed: 1, Right: 0.5}),
		comparetest.Make(t, results, comparetest.Run{Name: "two", Seed: 2, Right: 0.5}),
	}
	var wants []string
	for n, c := range []struct {
		file   string
		status runfolder.Status
		want   string
	}{
		{"predictions/validation.jsonl", runfolder.Done, "it can't be read: "},
		{"metrics.jsonl", runfolder.Done, "it can't be read: "},
		{"run.json", runfolder.Done, "it can't be read: "},
		{"metrics.jsonl", runfolder.Failed, "it is not done: failed"},
	} {
		f := comparetest.Make(t, results, comparetest.Run{Name: "damaged", Seed: int64(3 + n), Right: 0.5, Status: c.status})
		if err := f.WriteFile(c.file, []byte("{\"epoch\": 1, \n")); err != nil {
			t.Fatal(err)
		}
		if c.status == runfolder.Done {
			c.want += f.Path(c.file)
		}
		folders, wants = append(folders, f), append(wants, c.want)
	}
	o := compare.Options{Split: "validation", Resamples: 10}
	c, err := compare.Runs(t.Context(), folders, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Runs()) != 2 || len(c.LeftOut) != len(wants) {
		t.Fatalf("%d runs are compared, left out %v", len(c.Runs()), c.LeftOut)
	}
	for n, want := range wants {
		if l := c.LeftOut[n]; l.Dir != folders[2+n].Dir || !strings.HasPrefix(l.Reason, want) {
			t.Errorf("left out %v, want %q", l, want)
		}
	}
	if _, err := compare.Runs(t.Context(), folders[1:4], o); !errors.Is(err, compare.ErrNothing) || !strings.Contains(err.Error(), wants[0]) || !strings.Contains(err.Error(), wants[1]) {
		t.Errorf("one run is left: error %v, want the reasons %q", err, wants[:2])
	}
}

// TestOtherSplits: of runs that hold out other pictures by another split seed, those of one split are compared, and it is said.
func TestOtherSplits(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Name: "a", Right: 0.5}, comparetest.Run{Name: "b", Right: 0.7, Epochs: 4},
		comparetest.Run{Name: "a", Right: 0.5, SplitSeed: 2, First: 60})
	if len(c.Runs()) != 2 || len(c.LeftOut) != 1 || !slices.ContainsFunc(c.Notes, func(note string) bool { return strings.Contains(note, "data.split_seed = 1") }) {
		t.Errorf("left out %v, notes %q", c.LeftOut, c.Notes)
	}
}

// TestSharedPictures: a few pictures that not all runs have are left out of all, and it is said.
func TestSharedPictures(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Name: "base", Right: 0.5}, comparetest.Run{Name: "other", Right: 0.5, First: 5, Epochs: 4})
	for _, r := range c.Runs() {
		if len(r.Predictions) != 55 || len(r.Scores.IDs) != 55 || r.Scores.IDs[0] != "005.jpg" {
			t.Errorf("%s: %d pictures, from %s on", r.Name, len(r.Predictions), r.Scores.IDs[0])
		}
	}
	if !slices.ContainsFunc(c.Notes, func(note string) bool { return strings.Contains(note, "55 of up to 60 pictures") }) {
		t.Errorf("notes %v", c.Notes)
	}
	perCharacter, _ := c.Column("nats_per_character")
	if c.Comparable(perCharacter, c.Groups[0], c.Groups[1]) {
		t.Error("losses of other pictures are compared")
	}
}

func TestNothingToCompare(t *testing.T) {
	results := t.TempDir()
	folders := []*runfolder.Folder{
		comparetest.Make(t, results, comparetest.Run{Name: "one", Right: 0.5}),
		comparetest.Make(t, results, comparetest.Run{Name: "two", Right: 0.5, First: 100}),
	}
	_, err := compare.Runs(context.Background(), folders, compare.Options{Split: "validation"})
	if !errors.Is(err, compare.ErrNothing) || !strings.Contains(err.Error(), "other pictures") {
		t.Errorf("error %v", err)
	}
	if _, err = compare.Runs(context.Background(), folders, compare.Options{Split: "test"}); err == nil || !strings.Contains(err.Error(), "no captions of the test split") {
		t.Errorf("error %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = compare.Runs(canceled, folders, compare.Options{Split: "validation"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
}

// TestOldRuns: runs that kept the cleaned references only are compared on them, which is said.
func TestOldRuns(t *testing.T) {
	c := compared(t, compare.Options{}, comparetest.Run{Name: "new", Right: 0.5}, comparetest.Run{Name: "old", Right: 0.5, Old: true, Epochs: 4})
	if len(c.LeftOut) != 0 || len(c.Groups) != 2 {
		t.Fatalf("left out %v, %d groups", c.LeftOut, len(c.Groups))
	}
	if !slices.ContainsFunc(c.Notes, func(note string) bool { return strings.Contains(note, "kept the cleaned references only") }) {
		t.Errorf("notes %v", c.Notes)
	}
}

// TestDefaults: a key that an old run's version did not have is no difference where its value is the default.
func TestDefaults(t *testing.T) {
	runs := []comparetest.Run{{Seed: 1, Right: 0.5}, {Seed: 2, Right: 0.5, Extra: "top_k = 0\n"}, {Seed: 3, Right: 0.5, Extra: "top_k = 5\n"}}
	c := compared(t, compare.Options{Defaults: map[string]string{"decoding.top_k": "0"}}, runs...)
	if len(c.Groups) != 2 || c.Groups[1].Settings["decoding.top_k"] != "5" {
		t.Errorf("%d groups, keys %v", len(c.Groups), c.Keys)
	}
}

// BenchmarkRuns compares twelve runs of 1,000 pictures: as many as Flickr8k's dev split has.
func BenchmarkRuns(b *testing.B) {
	results := b.TempDir()
	var folders []*runfolder.Folder
	for n := range 12 {
		folders = append(folders, comparetest.Make(b, results, comparetest.Run{Epochs: 1 + n/3, Seed: int64(n % 3), Right: 0.4, Pictures: 1000}))
	}
	for b.Loop() {
		if _, err := compare.Runs(context.Background(), folders, compare.Options{Split: "validation"}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestBaseline(t *testing.T) {
	results := t.TempDir()
	a := comparetest.Make(t, results, comparetest.Run{Name: "a", Right: 0.2})
	b := comparetest.Make(t, results, comparetest.Run{Name: "b", Right: 0.9, Epochs: 4})
	c, err := compare.Runs(context.Background(), []*runfolder.Folder{a, b}, compare.Options{Split: "validation", Baseline: b.Dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compare.Runs(context.Background(), []*runfolder.Folder{a, b, comparetest.Make(t, results, comparetest.Run{Name: "other", Right: 0.5, First: 40, Status: runfolder.Failed})},
		compare.Options{Split: "validation", Baseline: filepath.Join(results, "gone")}); err == nil || !strings.Contains(err.Error(), "the baseline gone can't be compared") {
		t.Errorf("a baseline that is not compared: %v", err)
	}
	d, ok := c.Difference(0, "cider")
	if c.Baseline != 1 || !ok || d.Difference.Difference >= 0 || !d.Distinguishable {
		t.Errorf("baseline %d, difference %+v", c.Baseline, d)
	}
	if name := filepath.Base(c.Groups[1].Runs[0].Dir); name != c.Groups[1].Runs[0].Name {
		t.Errorf("run %q is in %q", c.Groups[1].Runs[0].Name, name)
	}
}

// TestSizeCurves: groups that differ in the size of the data alone make one curve each way of doing it, through every run.
func TestSizeCurves(t *testing.T) {
	var runs []comparetest.Run
	for _, tokenizer := range []string{"char", "word"} {
		for _, n := range []int{100, 200, 400, 800, 1600} {
			for seed := range int64(2) {
				runs = append(runs, comparetest.Run{Limit: n, Tokenizer: tokenizer, Seed: seed + 1, Right: 0.5, Loss: 20*math.Pow(float64(n), -0.5) + 0.5})
			}
		}
	}
	c := compared(t, compare.Options{Resamples: 50}, runs...)
	var labels []string
	for _, s := range c.SizeCurves {
		if s.Column.Name != "nats_per_character" {
			continue
		}
		labels = append(labels, s.Label)
		if len(s.Points) != 10 || s.Fit == nil || math.Abs(s.Fit.B-0.5) > 1e-6 || math.Abs(s.Fit.A-20) > 1e-3 || math.Abs(s.Fit.C-0.5) > 1e-6 {
			t.Errorf("%s: %d points, fit %+v", s.Label, len(s.Points), s.Fit)
		}
	}
	if want := []string{"tokenizer char", "tokenizer word"}; !slices.Equal(labels, want) {
		t.Errorf("curves %v, want %v", labels, want)
	}
}

// TestPairedSeeds: groups of the same five seeds are compared seed by seed, in whatever order the runs come, so that what seeds do
// to both alike is not in the interval; of other seeds, and of fewer, it is.
func TestPairedSeeds(t *testing.T) {
	for _, test := range []struct {
		seeds, other int64
		want         bool
	}{{5, 0, true}, {5, 20, false}, {4, 0, false}} {
		var runs []comparetest.Run
		for seed := range test.seeds {
			last := test.seeds - 1 - seed
			runs = append(runs, comparetest.Run{Name: "base", Seed: seed + 1, Right: 0.1 + 0.15*float64(seed), Pictures: 150},
				comparetest.Run{Name: "better", Seed: last + 1 + test.other, Right: 0.25 + 0.15*float64(last), Pictures: 150, Epochs: 4})
		}
		d, ok := compared(t, compare.Options{}, runs...).Difference(1, "rouge_l")
		if !ok || d.Distinguishable != test.want {
			t.Errorf("%d seeds, the other group's %d higher: %+.3f (%.3f to %.3f), distinguishable: %v", test.seeds, test.other, d.Difference.Difference, d.Low, d.High, d.Distinguishable)
		}
	}
}
