package dataset

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

// parsed reads a data set's captions without looking for its pictures.
func parsed(t testing.TB, s Settings) *builder {
	t.Helper()
	b := newBuilder()
	err := withSource(s, func(a adapter, f *source, _ string) error {
		names, err := a.names(f)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := a.read(context.Background(), f, name, b); err != nil {
				return err
			}
		}
		if a.twoNames {
			b.joinNames(f.gallery)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func captionsOf(examples []Example) map[string][]string {
	out := map[string][]string{}
	for _, e := range examples {
		for _, c := range e.Captions {
			out[e.ID] = append(out[e.ID], c.Raw)
		}
	}
	return out
}

func count(captions map[string][]string) (n int) {
	for _, c := range captions {
		n += len(c)
	}
	return n
}

func texts(problems []Problem) (out []string) {
	for _, p := range problems {
		out = append(out, p.String())
	}
	return out
}

const ghost = "2258277193_586949ec62.jpg" // has captions and no picture, in every copy

// TestRealCopies: the clean token file and other people's copies give the same captions, but for what each lacks.
func TestRealCopies(t *testing.T) {
	root := flickr8ktest.Need(t)
	clean := parsed(t, Settings{Format: "flickr8k", Root: root, Encoding: "auto"})
	want := captionsOf(clean.examples)
	if len(want) != 8092 || count(want) != 40460 || len(clean.problems) != 0 {
		t.Fatalf("the token file: %d pictures, %d captions, want 8092 and 40460; problems %q", len(want), count(want), texts(clean.problems))
	}
	longest := 0
	for _, captions := range want {
		for _, c := range captions {
			longest = max(longest, len(c))
		}
	}
	if longest != 199 {
		t.Errorf("the longest caption has %d characters, want 199", longest)
	}
	for _, c := range []struct {
		file             string
		images, captions int
		lacks            []string // pictures of the token file
		more             []string
		problems         []string
	}{
		{"token_crlf.txt", 8090, 40450, []string{"861795382_5145ad433d.jpg", "99679241_adc853a5c0.jpg"}, nil, nil},
		{"token_two_names.txt", 8092, 40460, []string{ghost + ".1"}, []string{ghost},
			[]string{"copies/token_two_names.txt:6731: repaired: " + ghost + ".1 is " + ghost}},
		{"captions_kaggle.txt", 8091, 40455, []string{ghost + ".1"}, nil, nil},
		{"captions_requoted.csv", 8091, 40455, []string{ghost + ".1"}, nil, []string{"copies/captions_requoted.csv:1: repaired: 40456 rows were quoted as a whole"}},
	} {
		for _, s := range []Settings{
			{Format: "flickr8k", Root: root, Captions: "copies/" + c.file, Encoding: "auto"},
			{Format: "auto", Root: filepath.Join(root, "copies", c.file), Images: filepath.Join(root, "images"), Encoding: "auto"},
		} {
			b := parsed(t, s)
			got := captionsOf(b.examples)
			if len(got) != c.images || count(got) != c.captions {
				t.Errorf("%s: %d pictures, %d captions; want %d, %d", c.file, len(got), count(got), c.images, c.captions)
			}
			var lacks, more []string
			for id, captions := range want {
				if got[id] == nil {
					lacks = append(lacks, id)
				} else if !slices.Equal(got[id], captions) {
					t.Errorf("%s: %s has %q, want %q", c.file, id, got[id], captions)
				}
			}
			for id := range got {
				if want[id] == nil {
					more = append(more, id)
				}
			}
			slices.Sort(lacks)
			if !slices.Equal(lacks, c.lacks) || !slices.Equal(more, c.more) {
				t.Errorf("%s: lacks %q and has besides %q; want %q, %q", c.file, lacks, more, c.lacks, c.more)
			}
			if s.Format == "flickr8k" && !slices.Equal(texts(b.problems), c.problems) {
				t.Errorf("%s: problems %q, want %q", c.file, texts(b.problems), c.problems)
			}
			if id := ghost; c.more != nil && !slices.Equal(got[id], want[id+".1"]) {
				t.Errorf("%s: %s has %q, want %q", c.file, id, got[id], want[id+".1"])
			}
		}
	}
}

// loadedFrom is what a format's adapter makes of a folder, before it is split and cleaned.
func loadedFrom(t *testing.T, s Settings) (l *loaded) {
	t.Helper()
	if s.Encoding == "" {
		s.Encoding = "auto"
	}
	err := withSource(s, func(a adapter, f *source, name string) (err error) {
		l, err = a.load(context.Background(), f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bySplit are the captions of a loaded set's official splits.
func (l *loaded) bySplit() map[string]map[string][]string {
	all := captionsOf(l.examples)
	out := map[string]map[string][]string{}
	for split, ids := range l.official {
		out[split] = map[string][]string{}
		for _, id := range ids {
			out[split][id] = all[id]
		}
	}
	return out
}

// TestRealOfficialOfCopies: with the official lists, every copy gives the same splits; what it lacks is reported.
func TestRealOfficialOfCopies(t *testing.T) {
	root := flickr8ktest.Need(t)
	want := loadedFrom(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
	if n := len(want.official[Train]); n != 6000 {
		t.Fatalf("%d pictures to train on, want 6000", n)
	}
	for _, file := range []string{"token_crlf.txt", "token_two_names.txt", "captions_kaggle.txt", "captions_requoted.csv"} {
		got := loadedFrom(t, Settings{Format: "flickr8k", Root: root, Captions: "copies/" + file, Split: "official"})
		a, b := want.bySplit(), got.bySplit()
		for _, p := range got.problems {
			if id, ok := strings.CutPrefix(p.Reason, "left out: there is no caption of "); ok { // and so it can't be there
				for _, split := range a {
					delete(split, id)
				}
			}
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: -clean +copy\n%.2000s", file, diff)
		}
	}
}

// listsOf reads the official lists: picture -> split.
func listsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, list := range flickrSplits {
		data, err := os.ReadFile(filepath.Join(root, list.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(string(data)) {
			out[name] = list.split
		}
	}
	return out
}

// TestRealVariants writes the real captions in other formats and reads them back.
func TestRealVariants(t *testing.T) {
	root := flickr8ktest.Need(t)
	images := filepath.Join(root, "images")
	base := loadedFrom(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
	all := loadedFrom(t, Settings{Format: "flickr8k", Root: root, Split: "ratio"})
	every := parsed(t, Settings{Format: "flickr8k", Root: root, Encoding: "auto"}).examples
	lists := listsOf(t, root)
	for _, c := range []struct {
		format string
		split  string
		write  func(t *testing.T, to string, examples []Example, lists map[string]string)
		// reports are the problems besides the pictures that are not there.
		reports []string
	}{
		{"karpathy", "official", writeKarpathy, nil},
		{"coco", "official", writeCOCO, nil},
		{"flickr30k", "ratio", writeFlickr30k, nil},
		{"flickr30k", "ratio", writeFlickr30kKaggle, []string{`results.csv:20000: repaired: a separator is missing in `}},
	} {
		to := t.TempDir()
		c.write(t, to, every, lists)
		got := loadedFrom(t, Settings{Format: "auto", Root: to, Images: images, Split: c.split, Restval: "train"})
		if c.split == "official" {
			if diff := cmp.Diff(base.bySplit(), got.bySplit()); diff != "" {
				t.Errorf("%s: -token file +variant\n%.2000s", c.format, diff)
			}
		} else if diff := cmp.Diff(captionsOf(all.examples), captionsOf(got.examples)); diff != "" {
			t.Errorf("%s: -token file +variant\n%.2000s", c.format, diff)
		}
		var reports []string
		for _, p := range texts(got.problems) {
			if !strings.Contains(p, "there is no picture") && !strings.Contains(p, "official test split") && !strings.Contains(p, "in no official split") {
				reports = append(reports, p)
			}
		}
		if len(reports) != len(c.reports) || len(reports) > 0 && !strings.HasPrefix(reports[0], c.reports[0]) {
			t.Errorf("%s: reports %q, want %q", c.format, reports, c.reports)
		}
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

type object = map[string]any

// writeKarpathy writes dataset_flickr8k.json as Karpathy's: only the pictures of the lists, and tokens that have lost
// case and punctuation.
func writeKarpathy(t *testing.T, to string, examples []Example, lists map[string]string) {
	names := map[string]string{Train: "train", Validation: "val", Test: "test"}
	var images []object
	sentid := 0
	for _, e := range examples {
		if lists[e.ID] == "" {
			continue
		}
		var sentences []object
		var ids []int
		for _, c := range e.Captions {
			tokens := strings.FieldsFunc(strings.ToLower(c.Raw), func(r rune) bool { return strings.ContainsRune(" .,;!?\"'", r) })
			sentences = append(sentences, object{"tokens": tokens, "raw": c.Raw, "imgid": len(images), "sentid": sentid})
			ids = append(ids, sentid)
			sentid++
		}
		images = append(images, object{"sentids": ids, "imgid": len(images), "sentences": sentences, "split": names[lists[e.ID]], "filename": e.ID})
	}
	writeJSON(t, filepath.Join(to, "dataset_flickr8k.json"), object{"images": images, "dataset": "flickr8k"})
}

// writeCOCO writes a file a split.
func writeCOCO(t *testing.T, to string, examples []Example, lists map[string]string) {
	for split, name := range map[string]string{Train: "train2014", Validation: "val2014", Test: "test2014", "": "rest"} {
		images, annotations := []object{}, []object{}
		for n, e := range examples {
			if lists[e.ID] != split {
				continue
			}
			images = append(images, object{"id": n, "file_name": e.ID, "height": 224, "width": 224})
			for k, c := range e.Captions {
				annotations = append(annotations, object{"id": 5*n + k, "image_id": n, "caption": c.Raw})
			}
		}
		if err := os.MkdirAll(filepath.Join(to, "annotations"), 0o755); err != nil {
			t.Fatal(err)
		}
		writeJSON(t, filepath.Join(to, "annotations", "captions_"+name+".json"), object{"info": object{"year": 2014}, "images": images, "annotations": annotations})
	}
}

func writeRows(t *testing.T, path string, each func(w *bufio.Writer)) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	each(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeFlickr30k(t *testing.T, to string, examples []Example, _ map[string]string) {
	writeRows(t, filepath.Join(to, "results_20130124.token"), func(w *bufio.Writer) {
		for _, e := range examples {
			for k, c := range e.Captions {
				fmt.Fprintf(w, "%s#%d\t%s\n", e.ID, k, c.Raw)
			}
		}
	})
}

// writeFlickr30kKaggle writes Kaggle's table, with the fault that its row 19999 has.
func writeFlickr30kKaggle(t *testing.T, to string, examples []Example, _ map[string]string) {
	writeRows(t, filepath.Join(to, "results.csv"), func(w *bufio.Writer) {
		fmt.Fprint(w, "image_name| comment_number| comment\n")
		row := 0
		for _, e := range examples {
			for k, c := range e.Captions {
				between := "|"
				if row++; row == 19999 {
					between = "  "
				}
				fmt.Fprintf(w, "%s| %d%s %s\n", e.ID, k, between, c.Raw)
			}
		}
	})
}

// TestRealIdenticalPair: the one pair of byte-identical pictures is found where a split parts it.
func TestRealIdenticalPair(t *testing.T) {
	root := flickr8ktest.Need(t)
	l := loadedFrom(t, Settings{Format: "flickr8k", Root: root, Split: "ratio"})
	pair := []string{"2851198725_37b6027625.jpg", "3050606344_af711c726c.jpg"}
	d := &Dataset{Examples: l.examples, Splits: map[string][]int{}}
	for n, e := range l.examples {
		split := Train
		if e.ID == pair[1] {
			split = Validation
		}
		d.Splits[split] = append(d.Splits[split], n)
	}
	if len(d.Splits[Validation]) != 1 {
		t.Skip("this copy lacks " + pair[1])
	}
	if err := d.warnIdentical(context.Background(), l.sizes); err != nil {
		t.Fatal(err)
	}
	want := "warning: " + pair[0] + " (train) and " + pair[1] + " (validation) are the same picture, byte for byte"
	if got := texts(d.Problems); !slices.Equal(got, []string{want}) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// BenchmarkRealFlickr8k loads all captions and finds and compares the pictures.
func BenchmarkRealFlickr8k(b *testing.B) {
	s := Settings{Format: "flickr8k", Root: flickr8ktest.Need(b), Split: "official"}
	for b.Loop() {
		if _, err := Load(context.Background(), s, plain, "grapheme", b.TempDir(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
