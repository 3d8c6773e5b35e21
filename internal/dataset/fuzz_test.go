package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

// hostile are contents that no parser may choke on.
var hostile = []string{"", "\n", "\ufeff", "\xff\xfe", "\xff\xfea\x00", "\x00\x00\x00", "\r\r\r", "\"", "\"\"\"", "a.jpg,\"\n", "{", "[", "{\"images\":", "a\tb\tc\n",
	"../outside.jpg#0\tx\n", "link.jpg#0\tx\n", "/etc/passwd,x\n", strings.Repeat("[", 20000), strings.Repeat("x", 70000), "image,caption\na.jpg,\xb0\xad\n",
	"image|caption\n|\n||\n", "a.jpg\thttp://x\n", "a.jpg#99999999999999999999\tx\n", "image,caption,split\na.jpg,x,train\na.jpg,y,test\n"}

// fuzzFormat feeds one file of a format. Whatever is in it: no panic; one error, or examples that each have a picture
// inside the folder and a caption, in at most one split; problems that name the file and a line that it has.
func fuzzFormat(f *testing.F, format, file string) {
	for _, seed := range hostile {
		f.Add([]byte(seed))
	}
	for _, folder := range []string{"formats", "broken"} {
		paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, a := range archive.Files {
				if a.Name != "want" && a.Name != "settings" && len(a.Data) > 0 && filepath.Ext(a.Name) == filepath.Ext(file) {
					f.Add(a.Data)
				}
			}
		}
	}
	outer := f.TempDir()
	root := filepath.Join(outer, "root")
	put := func(name, text string) {
		where := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(where, []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	put("../outside.jpg", "secret")
	for _, name := range []string{"a.jpg", "b.jpg", "c.png", "images/d.jpg", "train2014/a.jpg", path.Join(path.Dir(file), "img/insta1.jpg"), "images/ann_@_1.jpg", "stamps/animals/a.png"} {
		put(name, name)
	}
	_ = os.Symlink("../outside.jpg", filepath.Join(root, "link.jpg"))
	for _, list := range flickrSplits {
		put(list.file, map[string]string{Train: "a.jpg\n", Validation: "b.jpg\n", Test: "c.png\n"}[list.split])
	}
	put("manifest.tsv", "http://x\ta.jpg\nhttp://y\tlink.jpg\nhttp://example.org/1.jpg\tb.jpg\n")
	where := filepath.Join(root, filepath.FromSlash(file))
	put(file, "")
	if strings.HasPrefix(file, "split.") {
		put("Flickr8k.token.txt", "a.jpg#0\tone\nb.jpg#0\ttwo\nc.png#0\tthree\n")
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(where, text, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, split := range []string{"official", "ratio"}[len(text)%2:][:1] { // each every other time
			s := Settings{Format: format, Root: root, Split: split, Ratio: []float64{0.5, 0.5}, Restval: "train", Language: "en"}
			if file == "split.txt" || file == "split.json" {
				s.Split, s.SplitFile = "file", where
			}
			d, err := Load(context.Background(), s, plain, "grapheme", outer, nil)
			if err != nil {
				if d != nil || strings.ContainsRune(err.Error(), '\n') && !bytes.ContainsRune(text, '\n') {
					t.Errorf("error %q", err)
				}
				continue
			}
			checkLoaded(t, d, root, lines(text))
		}
	})
}

// lines is more than the number of lines that any reading of a text finds.
func lines(text []byte) int {
	return 1 + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r"))
}

func checkLoaded(t *testing.T, d *Dataset, root string, lines int) {
	t.Helper()
	in := map[int]string{}
	known := map[string]bool{}
	for split, at := range d.Splits {
		for _, n := range at {
			e := d.Examples[n]
			if in[n] != "" || known[e.ID] {
				t.Errorf("%s is in %s and in %s", e.ID, in[n], split)
			}
			in[n], known[e.ID] = split, true
			within, err := filepath.Rel(root, e.Path)
			if err != nil || !filepath.IsLocal(within) || strings.HasSuffix(e.Path, "link.jpg") {
				t.Errorf("%s lies at %s, outside of %s", e.ID, e.Path, root)
			}
			if len(e.Captions) == 0 {
				t.Errorf("%s has no caption", e.ID)
			}
			for _, c := range e.Captions {
				if !utf8.ValidString(c.Text) || c.Text == "" || len(c.Raw) > maxCaption {
					t.Errorf("%s: caption %+v", e.ID, c)
				}
			}
		}
	}
	for _, p := range d.Problems {
		if p.Line > lines+100 || p.Reason == "" { // 100: manifest and lists
			t.Errorf("problem %s of a file of %d lines", p, lines)
		}
	}
}

func FuzzFlickr8k(f *testing.F)    { fuzzFormat(f, "flickr8k", "Flickr8k.token.txt") }
func FuzzFlickr8kCSV(f *testing.F) { fuzzFormat(f, "flickr8k", "captions.txt") }
func FuzzFlickr30k(f *testing.F)   { fuzzFormat(f, "flickr30k", "results.csv") }
func FuzzKarpathy(f *testing.F)    { fuzzFormat(f, "karpathy", "dataset_coco.json") }
func FuzzCOCO(f *testing.F)        { fuzzFormat(f, "coco", "captions_train2014.json") }
func FuzzInstagram(f *testing.F)   { fuzzFormat(f, "instagram", "instagram_data/captions_csv.csv") }
func FuzzInstapic(f *testing.F)    { fuzzFormat(f, "instapic", "insta-caption-train.json") }
func FuzzConceptual(f *testing.F)  { fuzzFormat(f, "conceptual", "Train_GCC-training.tsv") }
func FuzzTable(f *testing.F)       { fuzzFormat(f, "csv", "captions.csv") }
func FuzzJSONL(f *testing.F)       { fuzzFormat(f, "jsonl", "captions.jsonl") }
func FuzzFolder(f *testing.F)      { fuzzFormat(f, "folder", "a.txt") }
func FuzzStamps(f *testing.F)      { fuzzFormat(f, "stamps", "stamps/animals/a.txt") }
func FuzzSplitText(f *testing.F)   { fuzzFormat(f, "flickr8k", "split.txt") }
func FuzzSplitJSON(f *testing.F)   { fuzzFormat(f, "flickr8k", "split.json") }
func FuzzAuto(f *testing.F)        { fuzzFormat(f, "auto", "captions.csv") }

// FuzzRows: rows that encoding/csv takes are read as it reads them.
func FuzzRows(f *testing.F) {
	for _, seed := range append([]string{"a,b\nc,d\n", "\"a,b\",c\n", "\"a\nb\",c\nd,e", "a,\"b\n\n\"\"c\",\"d\ne\",f\ng\n", "\"a\"\"b\",\"\"\n", "a,\"b\r\n c\"\r\n", ",,\n,\n", "\"\"\n\"\",\n"}, hostile...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\ufeff") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") || len(text) > maxCaption {
			t.Skip("not for encoding/csv, or repaired before")
		}
		reader := csv.NewReader(strings.NewReader(text))
		reader.FieldsPerRecord = -1
		want, err := reader.ReadAll()
		if err != nil || strings.Count(text, "\n") > maxRowLines {
			t.Skip("encoding/csv refuses it, or we do")
		}
		var got [][]string
		rows := &csvReader{textReader: newTextReader(context.Background(), strings.NewReader(text), "x", "utf-8", func(p Problem) { t.Errorf("problem %s", p) }), comma: ','}
		for r, ok := rows.read(); ok; r, ok = rows.read() {
			got = append(got, r.fields)
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%q: got %q, encoding/csv gives %q", text, got, want)
		}
	})
}
