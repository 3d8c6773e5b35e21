package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// overwrite writes one file of a data set's folder anew.
func overwrite(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func problems(d *Dataset) (out []string) {
	for _, p := range d.Problems {
		out = append(out, p.String())
	}
	return out
}

// TestBrokenRowsAreReported: every row that is repaired or left out is a problem with its file and line.
func TestBrokenRowsAreReported(t *testing.T) {
	for _, c := range []struct {
		reason, file, text string
		want               []string
	}{
		{"a byte order mark is no part of the first name", "Flickr8k.token.txt", "\ufeffp0.jpg#0\tOne\n", nil},
		{"rows without tab, without number, with no number, without name", "Flickr8k.token.txt",
			"p0.jpg#0 One\np0.jpg\tTwo\np0.jpg#x\tThree\n#1\tFour\np0.jpg#4\tFive\n", []string{
				`Flickr8k.token.txt:1: row left out: expected name.jpg#k<TAB>caption, got "p0.jpg#0 One"`,
				`Flickr8k.token.txt:2: row left out: expected name.jpg#k<TAB>caption, got "p0.jpg\tTwo"`,
				`Flickr8k.token.txt:3: row left out: expected name.jpg#k<TAB>caption, got "p0.jpg#x\tThree"`,
				`Flickr8k.token.txt:4: row left out: expected name.jpg#k<TAB>caption, got "#1\tFour"`}},
		{"blank lines are nobody's fault, but count as lines; a row twice", "Flickr8k.token.txt", "\n\np0.jpg#0\tOne\n \np0.jpg#0\tOne\n",
			[]string{"Flickr8k.token.txt:5: row left out: the same as line 3"}},
		{"nothing is left of a caption", "Flickr8k.token.txt", "p0.jpg#0\tOne\np0.jpg#1\t\np0.jpg#2\t#fun\n", []string{
			`Flickr8k.token.txt:2: caption dropped: cleaning leaves nothing of it: ""`,
			`Flickr8k.token.txt:3: caption dropped: cleaning leaves nothing of it: "#fun"`}},
		{"a picture without a caption left", "Flickr8k.token.txt", "p0.jpg#0\tOne\np1.jpg#0\t#fun\n", []string{
			`Flickr8k.token.txt:2: caption dropped: cleaning leaves nothing of it: "#fun"`, "p1.jpg: picture left out: it has no caption"}},
		{"bytes that are not UTF-8", "Flickr8k.token.txt", "p0.jpg#0\tcaf\xe9\n", []string{`Flickr8k.token.txt:1: not UTF-8: bytes replaced in "caf\xe9"`}},
		{"a list names a picture twice", "Flickr_8k.trainImages.txt", "p0.jpg\np0.jpg\n",
			[]string{"Flickr_8k.trainImages.txt:2: p0.jpg left out: it is in the train split already"}},
		{"two lists name a picture", "Flickr_8k.devImages.txt", "p6.jpg\n\np0.jpg\n",
			[]string{"Flickr_8k.devImages.txt:3: p0.jpg left out: it is in the train split already"}},
		{"a list names a picture without captions", "Flickr_8k.devImages.txt", "p6.jpg\nnew.jpg\n",
			[]string{"Flickr_8k.devImages.txt:2: left out: there is no caption of new.jpg"}},
		{"a picture is in no list", "Flickr_8k.devImages.txt", "p6.jpg\n",
			[]string{"Flickr8k.token.txt: 1 picture is in no official split and not used"}},
	} {
		root := flickrFolder(t, "\n")
		overwrite(t, root, c.file, c.text)
		if c.file == flickrTokens {
			overwrite(t, root, "Flickr_8k.trainImages.txt", "p0.jpg\n")
			overwrite(t, root, "Flickr_8k.devImages.txt", "")
			overwrite(t, root, "Flickr_8k.testImages.txt", "")
			if strings.Contains(c.text, "p1.jpg") {
				overwrite(t, root, "Flickr_8k.testImages.txt", "p1.jpg\n")
			}
		}
		d := load(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
		if d.Examples[0].ID != "p0.jpg" || len(d.Splits[Train]) == 0 {
			t.Errorf("%s: the first picture is %q", c.reason, d.Examples[0].ID)
		}
		got := slices.DeleteFunc(problems(d), func(p string) bool { // what the changed lists and captions entail besides
			return strings.Contains(p, "ghost.jpg.1") || strings.Contains(p, "no official split") && !strings.Contains(c.reason, "in no list")
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: problems\n%s\nwant\n%s", c.reason, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestPresent: what is missing is refused before anything is read, with what to do about it.
func TestPresent(t *testing.T) {
	for _, c := range []struct {
		reason, without, split string
		want                   []string // nothing: it is present
	}{
		{"all there", "", "official", nil},
		{"no captions", "Flickr8k.token.txt", "ratio", []string{"has no Flickr8k.token.txt or captions.txt", "Flickr8k_text.zip", "DATA=FOLDER"}},
		{"no list", "Flickr_8k.devImages.txt", "official", []string{"Flickr_8k.devImages.txt", "data.split=ratio"}},
		{"no list needed", "Flickr_8k.devImages.txt", "ratio", nil},
		{"no pictures", "images", "ratio", []string{"pictures", "Flickr8k_Dataset.zip", "DATA=FOLDER"}},
	} {
		root := flickrFolder(t, "\n")
		if c.without != "" {
			if err := os.RemoveAll(filepath.Join(root, c.without)); err != nil {
				t.Fatal(err)
			}
		}
		s := Settings{Format: "flickr8k", Root: root, Split: c.split, Ratio: []float64{0.5, 0.5}}
		_, loadErr := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil)
		for _, err := range []error{Present(s), loadErr} {
			if (err == nil) != (c.want == nil) {
				t.Errorf("%s: %v", c.reason, err)
			}
			for _, want := range c.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %q does not say %q", c.reason, err, want)
				}
			}
		}
	}
}

// TestPictureFolders: copies differ in where they keep the pictures, and some have a few of them empty.
func TestPictureFolders(t *testing.T) {
	for _, folder := range []string{"Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "."} {
		root := flickrFolder(t, "\n")
		paths, err := filepath.Glob(filepath.Join(root, "images", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if err := os.Rename(path, filepath.Join(root, folder, filepath.Base(path))); err != nil {
				t.Fatal(err)
			}
		}
		overwrite(t, root, filepath.Join(folder, "p1.jpg"), "")
		d := load(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
		if got := d.Examples[0].Path; got != filepath.Join(root, folder, "p0.jpg") {
			t.Errorf("%s: the first picture is %s", folder, got)
		}
		if slices.Contains(ids(d, Train), "p1.jpg") || !slices.Contains(problems(d), "Flickr8k.token.txt:3: left out: the picture p1.jpg is empty") {
			t.Errorf("%s: the empty picture is used, or not reported:\n%s", folder, strings.Join(problems(d), "\n"))
		}
	}
}

func TestIdenticalPicturesAcrossSplits(t *testing.T) {
	root := flickrFolder(t, "\n")
	overwrite(t, root, "images/p1.jpg", "p0.jpg") // both for training: no leak
	overwrite(t, root, "images/p6.jpg", "p0.jpg")
	d := load(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
	want := "warning: p0.jpg (train) and p6.jpg (validation) are the same picture, byte for byte"
	got := slices.DeleteFunc(problems(d), func(p string) bool { return !strings.HasPrefix(p, "warning") })
	if !slices.Equal(got, []string{want}) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	if len(d.Splits[Train]) != 6 || len(d.Splits[Validation]) != 2 {
		t.Error("a warning took a picture away")
	}
}

func TestLimits(t *testing.T) {
	d := load(t, Settings{Format: "flickr8k", Root: flickrFolder(t, "\n"), Split: "official", Limit: 4, EvalLimit: 1, CaptionsPerImage: 1})
	if len(d.Splits[Train]) != 4 || len(d.Splits[Validation]) != 1 || len(d.Splits[Test]) != 1 {
		t.Errorf("splits have %d, %d, %d pictures", len(d.Splits[Train]), len(d.Splits[Validation]), len(d.Splits[Test]))
	}
	if !slices.IsSorted(d.Splits[Train]) {
		t.Errorf("the training pictures %v are not in the file's order", d.Splits[Train])
	}
	for _, n := range slices.Concat(d.Splits[Train], d.Splits[Validation], d.Splits[Test]) {
		if e := d.Examples[n]; len(e.Captions) != 1 {
			t.Errorf("%s has %d captions", e.ID, len(e.Captions))
		}
	}
	if d.Cleaning.Captions != 6 {
		t.Errorf("%d captions were cleaned, want those of the 6 pictures used", d.Cleaning.Captions)
	}
}

// TestLimitsAfterCleaning: captions and pictures that cleaning leaves nothing of take no place of others.
func TestLimitsAfterCleaning(t *testing.T) {
	root := flickrFolder(t, "\n")
	overwrite(t, root, flickrTokens, "p0.jpg#0\tA very long caption\np0.jpg#1\tA dog\np0.jpg#2\tA cat\np1.jpg#0\tAnother long one\np2.jpg#0\tOne that is of no use\n"+
		"p2.jpg#1\tA boy\np3.jpg#0\tA girl\n")
	clean := plain
	clean.MaxLength, clean.OverLength = 10, "drop"
	d, err := Load(context.Background(), Settings{Format: "flickr8k", Root: root, Split: "ratio", Ratio: []float64{1, 0}, Limit: 2, CaptionsPerImage: 1},
		clean, "grapheme", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range d.Splits[Train] {
		for _, c := range d.Examples[n].Captions {
			got = append(got, c.Text)
		}
	}
	if !slices.Equal(got, []string{"A dog", "A girl"}) || len(d.TooLong) != 2 || d.Cleaning.Captions != 3 {
		t.Errorf("captions %q; %d were too long", got, len(d.TooLong))
	}
}

func TestOverLengthDrop(t *testing.T) {
	root := flickrFolder(t, "\n")
	overwrite(t, root, flickrTokens, "p0.jpg#0\tA dog\np0.jpg#1\tA very long caption\n")
	clean := plain
	clean.MaxLength, clean.OverLength = 10, "drop"
	d, err := Load(context.Background(), Settings{Format: "flickr8k", Root: root, Split: "ratio", Ratio: []float64{1, 0}}, clean, "grapheme", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Examples[0].Captions; len(got) != 1 || got[0].Text != "A dog" {
		t.Errorf("captions %+v", got)
	}
	if want := []string{`Flickr8k.token.txt:2: caption dropped: longer than text.max_length = 10: "A very long caption"`}; !slices.Equal(problems(d), want) {
		t.Errorf("problems %q, want %q", problems(d), want)
	}
	if p := d.Problems[0]; p.File != flickrTokens || p.Line != 2 {
		t.Errorf("the problem is at %q, line %d", p.File, p.Line)
	}
}

func TestSummary(t *testing.T) {
	root := flickrFolder(t, "\n", "p8.jpg", "p9.jpg")
	overwrite(t, root, flickrTokens, "p0.jpg#0\tab\np0.jpg#1\t👨‍👩‍👧‍👦\np6.jpg#0\tabc\np8.jpg#0\tx\np9.jpg#0\tx\n")
	s := Settings{Format: "flickr8k", Root: root, Split: "official"}
	for unit, want := range map[string][]SplitSummary{
		"grapheme":  {{Train, 1, 2, 1.5}, {Validation, 1, 1, 3}},
		"codepoint": {{Train, 1, 2, 4.5}, {Validation, 1, 1, 3}},
	} {
		d, err := Load(context.Background(), s, plain, unit, t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Summary(); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", unit, got, want)
		}
	}
}

// TestLoadedIsSmall: of long addresses, in rows and in the builder's maps, nothing stays in memory.
func TestLoadedIsSmall(t *testing.T) {
	root := t.TempDir()
	var rows, manifest strings.Builder
	const pictures, address = 40, 500_000
	for n := range pictures {
		url := fmt.Sprintf("http://x/%d/%s", n, strings.Repeat("y", address))
		fmt.Fprintf(&rows, "caption %d\t%s\n", n, url)
		fmt.Fprintf(&manifest, "%s\t%d.jpg\n", url, n)
		overwrite(t, root, fmt.Sprintf("%d.jpg", n), "x")
	}
	overwrite(t, root, "train_gcc.tsv", rows.String())
	overwrite(t, root, "manifest.tsv", manifest.String())
	rows, manifest = strings.Builder{}, strings.Builder{}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var l *loaded
	err := withSource(Settings{Format: "conceptual", Root: root, Encoding: "auto"}, func(a adapter, f *source, _ string) (err error) {
		l, err = a.load(context.Background(), f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if grew := heap() - before; grew > pictures*address/4 {
		t.Errorf("%d captions of a few letters take %d bytes", pictures, grew)
	}
	if len(l.examples) != pictures {
		t.Errorf("%d examples", len(l.examples))
	}
}

func TestUnknownFormatNamesTheKnown(t *testing.T) {
	_, err := Load(context.Background(), Settings{Format: "flickr"}, plain, "grapheme", t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), "emojigram, flickr30k, flickr8k, folder, instagram, ") {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Load(ctx, Settings{Format: "flickr8k", Root: flickrFolder(t, "\n"), Split: "official"}, plain, "grapheme", t.TempDir(), nil)
	if err == nil {
		t.Error("a cancelled context loaded a data set")
	}
}
