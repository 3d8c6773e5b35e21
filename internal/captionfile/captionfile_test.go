package captionfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// of opens a text.
func of(text string) again {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// show writes a file's images as name,name=caption|caption.
func show(f *File) string {
	var images []string
	for _, image := range f.Images {
		images = append(images, strings.Join(image.Names, ",")+"="+strings.Join(image.Captions, "|"))
	}
	return strings.Join(images, "; ")
}

const karpathy = `{"dataset": "flickr8k", "images": [
  {"filename": "a.jpg", "imgid": 0, "split": "train", "sentids": [0], "sentences": [{"tokens": ["a"], "raw": "A .", "imgid": 0, "sentid": 0}]},
  {"filename": "b.jpg", "imgid": 1, "split": "test", "sentences": [{"raw": "B ."}, {"raw": "Bb ."}]},
  {"filename": "c.jpg", "imgid": 2, "split": "val", "cocoid": 77, "sentences": [{"raw": "C ."}]}]}`

func TestReferences(t *testing.T) {
	for _, c := range []struct{ reason, text, split, format, want string }{
		{"COCO captions: more than five, in the order of the images, one of them without captions",
			`{"info": {"x": [1, {"y": null}]}, "annotations": [{"id": 1, "image_id": 9, "caption": "a\nb"}, {"id": 2, "image_id": 7, "caption": "c"}, {"id": 3, "image_id": 9, "caption": "d"}],
			  "images": [{"id": 7, "file_name": "x.jpg"}, {"id": 8, "file_name": "y.jpg"}, {"id": 9, "file_name": "z.jpg", "height": 4}]}`, "", "COCO captions", "7,x.jpg=c; 9,z.jpg=a\nb|d"},
		{"annotations alone", `{"annotations": [{"image_id": "q", "caption": "a"}]}`, "", "COCO captions", "q,=a"},
		{"Karpathy's test split, the captions as written", karpathy, "", "Karpathy", "b.jpg,,1=B .|Bb ."},
		{"another split, under our name; COCO's ids come first", karpathy, "validation", "Karpathy", "77,c.jpg,2=C ."},
		{"all splits", karpathy, "all", "Karpathy", "a.jpg,,0=A .; b.jpg,,1=B .|Bb .; 77,c.jpg,2=C ."},
		{"a Flickr token file with CRLF, a # in a caption and in a name, a blank line",
			"a.jpg#0\tone # two\r\n\r\nb#c.jpg#0\tx\r\na.jpg#1\tthree\tfour\r\n", "", "Flickr token", "a.jpg=one # two|three\tfour; b#c.jpg=x"},
		{"JSON lines", `{"image_id": "a", "captions": ["x", ""], "more": {"deep": [1]}}` + "\n" + `{"image_id": 5, "captions": ["y"]}`, "", "JSON lines", "a=x|; 5=y"},
		{"JSON lines of one line", `{"captions": ["y"], "image_id": 5}`, "", "JSON lines", "5=y"},
		{"a byte order mark, white space before the text", "\ufeff \n" + `{"image_id": "a", "captions": ["x"]}`, "", "JSON lines", "a=x"},
		{"numbers as tables with gaps write them", `{"image_id": 42.0, "captions": ["x"]}`, "", "JSON lines", "42=x"},
		{"lines that end in CR alone", "a.jpg#0\tx\rb.jpg#0\ty\r\ra.jpg#1\tz", "", "Flickr token", "a.jpg=x|z; b.jpg=y"},
	} {
		f, err := readReferences(of(c.text), "refs", Options{Split: c.split})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
		} else if got := show(f); got != c.want || f.Format != c.format {
			t.Errorf("%s: %s: %q, want %s: %q", c.reason, f.Format, got, c.format, c.want)
		}
	}
}

func TestCandidates(t *testing.T) {
	long := strings.Repeat("a dog ", 200_000)
	for _, c := range []struct{ reason, text, format, want string }{
		{"COCO results", `[{"image_id": 42, "caption": "a"}, {"image_id": "x", "caption": ""}]`, "COCO results", "42=a; x="},
		{"JSON lines with other keys, as a run's predictions", `{"image_id":"p","path":"x","split":"test","caption":"a","log_probability":-1.5,"tokens":3,"references":["r"]}` + "\n\n", "JSON lines", "p=a"},
		{"tab-separated: an empty caption, a tab in one, no break at the end", "a\t\nb\tc\td\n e \tf", "tab-separated", "a=; b=c\td; e=f"},
		{"a byte order mark", "\ufeffa\tb\n", "tab-separated", "a=b"},
		{"lines that end in CR alone", "a\tx\rb\ty\r", "tab-separated", "a=x; b=y"},
		{"a whole surrogate pair, U+FFFD that the file has, and what only looks like half a pair", `{"image_id": 1, "caption": "\ud83d\ude00 \ufffd \\ud83d \n"}`, "JSON lines", "1=😀 \ufffd \\ud83d \n"},
		{"more than a million characters", "a\t" + long + "\n", "tab-separated", "a=" + long},
		{"more than a million characters of JSON", `[{"image_id": 1, "caption": "` + long + `"}]`, "COCO results", "1=" + long},
		{"nothing but white space in a caption", `[{"image_id": 1, "caption": " \t\n"}]`, "COCO results", "1= \t\n"},
		{"characters of several bytes at the ends of all buffers", "a\t" + strings.Repeat("é€😀x", 30_000), "tab-separated", "a=" + strings.Repeat("é€😀x", 30_000)},
	} {
		f, err := readCandidates(of(c.text), "cands")
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
		} else if got := show(f); got != c.want || f.Format != c.format {
			t.Errorf("%s: %s: %.99q, want %s: %.99q", c.reason, f.Format, got, c.format, c.want)
		}
	}
}

// TestPipe: a pipe can be read once, and its lines are named all the same.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	go func() { _ = os.WriteFile(path, []byte("a\tx\nb\ty\nq\tz\nb\tw\n"), 0o600) }()
	if _, err := Candidates(path); err == nil || !strings.Contains(err.Error(), `"b" (lines 2 and 4)`) {
		t.Errorf("error %v", err)
	}
}

func TestRefused(t *testing.T) {
	const references, candidates = true, false
	for _, c := range []struct {
		reason string
		isRef  bool
		text   string
		split  string
		want   string
	}{
		{"nothing", references, "", "", "f: no captions; expected COCO captions"},
		{"white space", candidates, " \n\n", "", "f: no captions; expected COCO results"},
		{"an empty list", candidates, "[]", "", "f: no captions"},
		{"candidates in place of references", references, `[{"image_id": 1, "caption": "a"}]`, "", `f:1: one "caption" instead of "captions": these are candidates`},
		{"candidates in place of references, by tabs", references, "a.jpg\tx\n", "", `f:1: "a.jpg" before the tab is no name.jpg#number`},
		{"references in place of candidates", candidates, karpathy, "", "f: these are references"},
		{"references in place of candidates, by lines", candidates, `{"image_id": 1, "captions": ["a"]}`, "", `f:1: "captions" instead of one "caption": these are references`},
		{"no tab", candidates, "a\tb\nc d\n", "", `f:2: no id and tab before a caption in "c d"`},
		{"a table with commas", references, "image,caption\n1.jpg,a dog\n", "", `f:1: no tab in "image,caption"`},
		{"no caption", candidates, "[{\"image_id\": 1, \"caption\": \"a\"},\n\n {\"image_id\": 2}]", "", `f:3: no "caption"`},
		{"no id", candidates, `{"caption": "a"}`, "", `f:1: no "image_id"`},
		{"null for a caption", candidates, "[\n{\"image_id\": 2, \"caption\": null}]", "", "f:2: expected a string, got null"},
		{"a number for a caption", candidates, `{"image_id": 2, "caption": 3}`, "", "f:1: expected a string, got 3"},
		{"captions that are none", references, `{"image_id": 2, "captions": []}`, "", "f:1: captions: expected at least one"},
		{"captions of null", references, `{"image_id": 2, "captions": ["a", null]}`, "", "f:1: captions: expected strings, got null"},
		{"a number among captions", references, `{"image_id": 2, "captions": ["a", 3]}`, "", "f:1: captions: a number is not"},
		{"captions that are no list", references, `{"image_id": 2, "captions": "a"}`, "", "f:1: captions: a string is not"},
		{"half an id", candidates, `{"image_id": 2.5, "caption": "a"}`, "", "f:1: an image id that is 2.5"},
		{"a list for an id", candidates, `{"image_id": [2], "caption": "a"}`, "", "f:1: an image id that is [2]"},
		{"an empty id", candidates, `{"image_id": "", "caption": "a"}`, "", "f:1: an empty image id"},
		{"JSON that ends early", candidates, "[{\"image_id\": 1, \"caption\": \"a\"},\n{\"image_id\": 2,", "", "f:2: the JSON ends in the middle"},
		{"JSON that is none", candidates, "[{\"image_id\": 1, \"caption\": \"a\"},\n{image_id: 2}]", "", "f:2: invalid character 'i'"},
		{"something behind the JSON", candidates, `[{"image_id": 1, "caption": "a"}] x`, "", "f:1: invalid character 'x'"},
		{"a second list", candidates, `[{"image_id": 1, "caption": "a"}] []`, "", "f:1: something after the end"},
		{"numbers in place of objects", candidates, `[1, 2]`, "", "f:1: a number; expected an object"},
		{"a list in place of an object", candidates, `[[]]`, "", "f:1: an array; expected an object"},
		{"an object in place of a caption", references, `[{"image_id": 2, "captions": [{}]}]`, "", "f:1: captions: an object is not expected here"},
		{"an object in place of a list", references, `{"image_id": 2, "captions": {}}`, "", "f:1: captions: an object is not expected here"},
		{"images that are no list", references, `{"images": 3}`, "", "f:1: images: expected a list, got 3"},
		{"annotations of null", references, `{"annotations": null}`, "", "f:1: annotations: expected a list, got null"},
		{"null behind an object", candidates, `{"image_id": 1, "caption": "a"} null`, "", "f:1: null; expected an object"},
		{"lines of JSON with commas between", candidates, "{\"image_id\": 1, \"caption\": \"a\"},\n{\"image_id\": 2, \"caption\": \"b\"}\n", "", "f:1: invalid character ','"},
		{"a comma behind the last line", candidates, "{\"image_id\": 1, \"caption\": \"a\"}\n{\"image_id\": 2, \"caption\": \"b\"},\n", "", "f:2: invalid character ','"},
		{"commas at the beginning of lines", candidates, "[{\"image_id\": 1, \"caption\": \"a\"}\n,{\"image_id\": 2}]", "", `f:2: no "caption"`},
		{"a list that ends with its first line", candidates, "[{\"image_id\": 1, \"caption\": \"a\"},\n", "", "f:1: the JSON ends in the middle"},
		{"half a surrogate pair, which decoders of JSON would replace", candidates, "[{\"image_id\": 1, \"caption\": \"a\"},\n{\"image_id\": 2, \"caption\": \"a \\ud83d dog\"}]", "", `f:2: \ud83d is half a surrogate pair`},
		{"the second half", candidates, `{"image_id": 2, "caption": "\ud83d\ude00\uDE00"}`, "", `f:1: \uDE00 is half a surrogate pair`},
		{"half a surrogate pair in references", references, `{"image_id": 2, "captions": ["a", "\ud83db"]}`, "", `f:1: \ud83d is half a surrogate pair`},
		{"half a surrogate pair in an id", candidates, `{"image_id": "\ud83d", "caption": "a"}`, "", `f:1: \ud83d is half a surrogate pair`},
		{"a CR in a line", references, "a.jpg#0\tx\nb.jpg#0\ty\rc.jpg#0\tz\n", "", "f:2: a carriage return in the middle of a line"},
		{"no tab, and lines that end in CR", candidates, "a\tb\r\rc\r", "", `f:3: no id and tab before a caption in "c"`},
		{"bytes that are not UTF-8, by lines", candidates, "a\tb\nc\td\xff\n", "", "f:2: not UTF-8"},
		{"bytes that are not UTF-8, which decoders of JSON would replace", candidates, "[\n{\"image_id\": 1,\n\"caption\": \"a\xe9\"}]", "", "f:3: not UTF-8"},
		{"half a character at the end", candidates, "a\tb\xe2\x82", "", "f:1: not UTF-8"},
		{"UTF-16", references, "\xff\xfea\x00", "", "f: UTF-16 text; expected UTF-8"},
		{"a NUL byte", candidates, "a\tb\nc\td\x00e\n", "", "f:2: a NUL byte"},
		{"an image twice", candidates, "a\tb\nc\td\na\te\n", "", `f: 1 image id that stood before: "a" (lines 1 and 3)`},
		{"many images twice", candidates, strings.Repeat("a\tb\n", 6), "", `f: 5 image ids that stood before: "a" (lines 1 and 2), "a" (lines 1 and 3), "a" (lines 1 and 4) and 2 more`},
		{"a number twice", references, "a#0\tb\na#1\tc\na#0\td\n", "", `f: 1 caption number that stood before: "a#0" (lines 1 and 3)`},
		{"a number and a string are one id", candidates, `[{"image_id": 1, "caption": "a"}, {"image_id": "1", "caption": "a"}]`, "", `"1" (lines 1 and 1)`},
		{"an image twice among COCO's", references, `{"images": [{"id": 1}, {"id": 1}], "annotations": []}`, "", `image id "1" stands twice`},
		{"a split that is not there", references, karpathy, "tset", `f: no captions in split "tset"; the file has test (1), train (1), val (1)`},
		{"a split of a file that has none", references, `{"image_id": 1, "captions": ["a"]}`, "test", "f: only Karpathy's files have splits"},
		{"a split of a token file", references, "a#0\tb\n", "test", "f: a Flickr token file has no splits"},
		{"Karpathy's tokens without the text", references, `{"images": [{"filename": "a", "split": "test", "sentences": [{"tokens": ["a"]}]}]}`, "", `image "a" has a sentence without "raw"`},
		{"depth without end", candidates, strings.Repeat("[", 1<<20), "", "f:1: "},
	} {
		var err error
		if c.isRef {
			_, err = readReferences(of(c.text), "f", Options{Split: c.split})
		} else {
			_, err = readCandidates(of(c.text), "f")
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.reason, err, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	token := "a.jpg#0\tA\nb.jpg#0\tB\nc.jpg#0\tC\n"
	coco := `{"images": [{"id": 1, "file_name": "x_01.jpg"}, {"id": 2, "file_name": "x_02.jpg"}], "annotations": [{"image_id": 1, "caption": "A"}, {"image_id": 2, "caption": "B"}]}`
	swapped := `{"images": [{"filename": "b.jpg", "imgid": 0, "split": "test", "sentences": [{"raw": "A"}]}, {"filename": "a.jpg", "imgid": 1, "split": "test", "sentences": [{"raw": "B"}]}]}`
	crossed := `{"images": [{"id": 1, "file_name": "2.jpg"}, {"id": 2, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": "A"}, {"image_id": 2, "caption": "B"}]}`
	numbered := `{"images": [{"filename": "1.jpg", "imgid": 2, "split": "test", "sentences": [{"raw": "A"}]}, {"filename": "2.jpg", "imgid": 1, "split": "test", "sentences": [{"raw": "B"}]}]}`
	gap := `{"images": [{"id": 1, "file_name": "x.jpg"}, {"id": 2, "file_name": "y.jpg"}], "annotations": [{"image_id": 1, "caption": "A"}]}`
	for _, c := range []struct{ reason, references, candidates, want, err string }{
		{"in the references' order", token, "c.jpg\tz\na.jpg\tx\nb.jpg\ty\n", "a.jpg:x:A b.jpg:y:B c.jpg:z:C", ""},
		{"names without their extension", token, "c\tz\na\tx\nb\ty\n", "a.jpg:x:A b.jpg:y:B c.jpg:z:C", ""},
		{"the references without theirs", "a#0\tA\n", "a.jpg\tx\n", "a:x:A", ""},
		{"COCO by number", coco, `[{"image_id": 2, "caption": "y"}, {"image_id": 1, "caption": "x"}]`, "1:x:A 2:y:B", ""},
		{"COCO by strings", coco, `[{"image_id": "2", "caption": "y"}, {"image_id": "1", "caption": "x"}]`, "1:x:A 2:y:B", ""},
		{"COCO by file name", coco, "x_02\ty\nx_01.jpg\tx\n", "1:x:A 2:y:B", ""},
		{"Karpathy by name", swapped, "a.jpg\ty\nb.jpg\tx\n", "b.jpg:x:A a.jpg:y:B", ""},
		{"Karpathy by number", swapped, "1\ty\n0\tx\n", "b.jpg:x:A a.jpg:y:B", ""},
		{"file names that are others' ids, to the letter", crossed, "1.jpg\ty\n2.jpg\tx\n", "1:x:A 2:y:B", ""},
		{"ids that are others' file names", crossed, "1\tx\n2\ty\n", "1:x:A 2:y:B", ""},
		{"Karpathy's numbers that are others' names", numbered, "1\ty\n2\tx\n", "1.jpg:x:A 2.jpg:y:B", ""},
		{"Karpathy's names that are others' numbers", numbered, "1.jpg\tx\n2.jpg\ty\n", "1.jpg:x:A 2.jpg:y:B", ""},
		{"two ways to the letter", strings.ReplaceAll(crossed, ".jpg", ""), "\n1\tx\n2\ty\n", "",
			`cands:2: "1" is image "1" of refs by its "id" and image "2" by its "file_name", which know 2 and 2 of all 2 names; expected names that fit one`},
		{"two ways, neither to the letter", strings.NewReplacer(`id": 1`, `id": "1.jpg"`, `id": 2`, `id": "2.jpg"`).Replace(crossed), "1\tx\n2\ty\n", "", `cands:1: "1" is image "1.jpg" of refs by its "id" and image "2.jpg" by its`},
		{"all names without their extension, or some to the letter", strings.ReplaceAll(numbered, `"imgid": 2`, `"imgid": 0`), "1\tx\n2\ty\n", "",
			`cands:1: "1" is image "1.jpg" of refs by its "filename" and image "2.jpg" by its "imgid", which know 2 and 1 of all 2 names`},
		{"two ways that agree", strings.ReplaceAll(strings.ReplaceAll(crossed, "2.jpg", "1"), "1.jpg", "2"), "1\tx\n2\ty\n", "1:x:A 2:y:B", ""},
		{"an image without captions, by id", gap, "1\tx\n2\ty\n", "", "refs and cands don't have the same images:\n  1 candidate names an image that the references have without captions: \"2\" (line 2)"},
		{"an image without captions, by file name, and one of no image", gap, "x\tx\ny\ty\nz\tz\n", "",
			"\n  1 candidate names an image that has no references: \"z\" (line 3)\n  1 candidate names an image that the references have without captions: \"y\" (line 2)"},
		{"one missing", token, "a.jpg\tx\nb.jpg\ty\n", "", "refs and cands don't have the same images:\n  1 image has no candidate: \"c.jpg\""},
		{"one too many, nearly the missing one", token, "a.jpg\tx\nb.jpg\ty\n\nd.jpg\tz\n", "", "\n  1 image has no candidate: \"c.jpg\"\n  1 candidate names an image that has no references: \"d.jpg\" (line 4; did you mean \"c.jpg\"?)"},
		{"nothing in common", token, "p\tx\nq\ty\nr\tz\ns\tz\n", "", "3 images have no candidate: \"a.jpg\", \"b.jpg\", \"c.jpg\"\n  4 candidates name an image that has no references: \"p\" (line 1), \"q\" (line 2), \"r\" (line 3) and 1 more"},
		{"one image under two names", token, "a\tx\na.jpg\ty\nb\tx\nc\tx\n", "", "\n  1 candidate names an image that has one already: \"a.jpg\" (line 2)"},
		{"a short name of two images names neither", "a.jpg#0\tA\na.png#0\tB\n", "a\tx\na.png\ty\n", "", "1 image has no candidate: \"a.jpg\"\n  1 candidate names an image that has no references: \"a\""},
	} {
		references, err := readReferences(of(c.references), "refs", Options{})
		candidates, err2 := readCandidates(of(c.candidates), "cands")
		if err != nil || err2 != nil {
			t.Fatalf("%s: %v, %v", c.reason, err, err2)
		}
		pairs, err := Match(references, candidates)
		var got []string
		for _, p := range pairs {
			got = append(got, fmt.Sprintf("%s:%s:%s", p.ID, p.Candidate, strings.Join(p.References, "|")))
		}
		if strings.Join(got, " ") != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", c.reason, got, err, c.want, c.err)
		}
	}
}

func TestFilesAndLists(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f, err := References(write("token.txt", "a.jpg#0\tA\nb.jpg#0\tB\nc.jpg#0\tC\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(write("list", "\ufeffc\r\na.jpg\n\n")); err != nil {
		t.Fatal(err)
	}
	for reason, c := range map[string]struct {
		text string
		want int
	}{"the listed ones": {"a.jpg\tx\nc.jpg\ty\n", 2}, "one that is not listed": {"a.jpg\tx\nc.jpg\ty\nb.jpg\tz\n", 2}, "one is missing": {"a.jpg\tx\nb.jpg\tz\n", 0}, "one of no image": {"a.jpg\tx\nc.jpg\ty\nq\tz\n", 0}} {
		candidates, err := Candidates(write("cands.tsv", c.text))
		if err != nil {
			t.Fatal(err)
		}
		if pairs, err := Match(f, candidates); len(pairs) != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%s: %v, %v", reason, pairs, err)
		}
	}
	for reason, c := range map[string][2]string{
		"an image that is not there": {"a.jpg\nq.jpg\n", "1 image is not in " + f.Path + `: "q.jpg"`},
		"an empty list":              {"\n", "no image is listed"},
		"bytes":                      {"\xff\n", "not UTF-8"},
	} {
		if err := f.Keep(write("list", c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	coco, err := References(write("coco.json", `{"images": [{"id": 1, "file_name": "2.jpg"}, {"id": 2, "file_name": "1.jpg"}, {"id": 3, "file_name": "3.jpg"}, {"id": 4, "file_name": "4.jpg"}],
		"annotations": [{"image_id": 1, "caption": "A"}, {"image_id": 2, "caption": "B"}, {"image_id": 3, "caption": "C"}]}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := coco.Keep(write("list", "3.jpg\r4.jpg\r")); err == nil || !strings.Contains(err.Error(), "1 image has no captions in "+coco.Path+`: "4.jpg"`) {
		t.Errorf("an image without captions: %v", err)
	}
	if err := coco.Keep(write("list", "1.jpg\r3.jpg\r")); err != nil {
		t.Fatal(err)
	}
	all, err := Candidates(write("cands.tsv", "1.jpg\tb\n2.jpg\ta\n3.jpg\tc\n4.jpg\td\n"))
	if err != nil {
		t.Fatal(err)
	}
	if pairs, err := Match(coco, all); err != nil || fmt.Sprint(pairs) != "[{2 b [B]} {3 c [C]}]" {
		t.Errorf("a list of file names that are others' ids: %v, %v", pairs, err)
	}
	twins := &File{Path: "refs", Images: []Image{{Names: []string{"1", "2"}}, {Names: []string{"2", "1"}}}, schemes: []string{"id", "file_name"}}
	if err := twins.Keep(write("list", "1\n")); err == nil || !strings.Contains(err.Error(), `list: "1" is image "1" of refs by its "id" and image "2" by its "file_name"`) {
		t.Errorf("a list that names images in two ways: %v", err)
	}
	if _, err := Candidates(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Candidates(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	wrong := write("wrong.tsv", "a\tb\nc\n")
	if _, err := Candidates(wrong); err == nil || !strings.HasPrefix(err.Error(), wrong+":2: ") {
		t.Errorf("no place: %v", err)
	}
}

// FuzzReferences: no text makes reading fail in any other way than by an error, and what is read has names and captions.
func FuzzReferences(f *testing.F) {
	for _, text := range []string{karpathy, "a.jpg#0\tb\n", `{"image_id": 1, "captions": ["a"]}`, `{"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "\u0000"}]}`, "\ufeff[", "\xff"} {
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, split string) {
		file, err := readReferences(of(text), "f", Options{Split: split})
		if err != nil {
			return
		}
		for _, image := range file.Images {
			if image.Names[0] == "" || len(image.Captions) == 0 || len(image.Names) != len(file.Images[0].Names) {
				t.Errorf("image %+v", image)
			}
		}
	})
}

// FuzzCandidates: what is read has one caption an image, and fits references of the same images.
func FuzzCandidates(f *testing.F) {
	for _, text := range []string{`[{"image_id": 1, "caption": "a"}]`, "a\tb\nc\td\n", `{"image_id": "x.jpg", "caption": ""}`, "\ufeff{", "a\t\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := readCandidates(of(text), "f")
		if err != nil {
			return
		}
		pairs, err := Match(file, file)
		if err != nil || len(pairs) != len(file.Images) {
			t.Errorf("%d of %d images match themselves: %v", len(pairs), len(file.Images), err)
		}
		if !slices.EqualFunc(pairs, file.Images, func(p Pair, i Image) bool { return p.ID == i.Names[0] && p.Candidate == i.Captions[0] }) {
			t.Error("pairs are not the images")
		}
	})
}
