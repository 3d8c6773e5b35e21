package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
)

// tokenFolder holds a token file, written as it is, and the pictures a.jpg to e.jpg.
func tokenFolder(t *testing.T, tokens string) string {
	t.Helper()
	root := t.TempDir()
	overwrite(t, root, flickrTokens, tokens)
	for n, name := range []string{"a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"} {
		overwrite(t, root, name, string(smallPicture(t, n)))
	}
	return root
}

// TestEncodings: what a file of captions is written in, and what breaks it.
func TestEncodings(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for _, c := range []struct {
		reason, tokens, encoding string
		want                     []string // captions
		problems                 []string
	}{
		{"UTF-8 with a byte order mark", "\ufeffa.jpg#0\tcafé\n", "", []string{"café"}, nil},
		{"UTF-16, little end first", "\xff\xfea\x00.\x00j\x00p\x00g\x00#\x000\x00\t\x00\xe9\x00\n\x00", "", []string{"é"}, nil},
		{"UTF-16, big end first", "\xfe\xff\x00a\x00.\x00j\x00p\x00g\x00#\x000\x00\t\x00\xe9\x00\n", "", []string{"é"}, nil},
		{"lines end with CR alone", "a.jpg#0\tone\rb.jpg#0\ttwo\r", "", []string{"one", "two"}, nil},
		{"no end of the last line", "a.jpg#0\tone\nb.jpg#0\ttwo", "", []string{"one", "two"}, nil},
		{"CP949, found by itself", "a.jpg#0\tone\nb.jpg#0\t\xb0\xad\xbe\xc6\xc1\xf6\n", "", []string{"one", "강아지"},
			[]string{"Flickr8k.token.txt:2: repaired: not UTF-8, read as cp949"}},
		{"stray bytes of Western text are no CP949", "c.jpg#0\tcaf\xe9\nd.jpg#0\tit\x92s\n", "", []string{"caf\xe9", "it\x92s"},
			[]string{`Flickr8k.token.txt:1: not UTF-8: bytes replaced in "caf\xe9"`, `Flickr8k.token.txt:2: not UTF-8: bytes replaced in "it\x92s"`}},
		{"a rarer syllable of CP949, once the file is known to be Korean", "a.jpg#0\t\xb0\xad\nb.jpg#0\t\x8cc\n", "", []string{"강", "똠"},
			[]string{"Flickr8k.token.txt:1: repaired: not UTF-8, read as cp949", "Flickr8k.token.txt:2: repaired: not UTF-8, read as cp949"}},
		{"CP949 by config", "a.jpg#0\t\xb0\xad\n", "cp949", []string{"강"}, nil},
		{"bytes that are no CP949", "a.jpg#0\t\xb0\xad \xff!\n", "cp949", []string{"강 \ufffd!"},
			[]string{`Flickr8k.token.txt:1: U+FFFD in "a.jpg#0\t강 �!": something was replaced, here or before`}},
		{"half a surrogate pair in UTF-16", "\xff\xfea\x00.\x00j\x00p\x00g\x00#\x000\x00\t\x00\x3d\xd8\n\x00", "", []string{"\ufffd"},
			[]string{`Flickr8k.token.txt:1: U+FFFD in "a.jpg#0\t�": something was replaced, here or before`}},
		{"UTF-8 that came with U+FFFD", "a.jpg#0\tcaf\ufffd\n", "", []string{"caf\ufffd"}, nil},
		{"Windows-1252 by config", "a.jpg#0\tit\x92s a caf\xe9\n", "windows-1252", []string{"it’s a café"}, nil},
		{"UTF-8 by config: nothing is guessed", "a.jpg#0\t\xb0\xad\n", "utf-8", []string{"\xb0\xad"}, []string{`Flickr8k.token.txt:1: not UTF-8: bytes replaced in "\xb0\xad"`}},
		{"NUL bytes", "a.jp\x00g#0\to\x00ne\n", "", []string{"one"}, []string{"Flickr8k.token.txt:1: repaired: NUL bytes removed"}},
		{"a line of 10 MB", "a.jpg#0\tone\nb.jpg#0\t" + long + "\nc.jpg#0\tthree\n", "", []string{"one", "three"},
			[]string{"Flickr8k.token.txt:2: row left out: longer than 1048576 bytes"}},
		{"a caption of 100 kB", "a.jpg#0\tone\nb.jpg#0\t" + long[:100000] + "\n", "", []string{"one"},
			[]string{"Flickr8k.token.txt:2: row left out: a caption of 100000 bytes; at most 65536 are read"}},
		{"10 MB without a line's end after a row", "a.jpg#0\tone\n" + long, "", []string{"one"}, []string{"Flickr8k.token.txt:2: row left out: longer than 1048576 bytes"}},
		{"names that lead out", "../a.jpg#0\tup\n/etc/passwd#0\tabsolute\na.jpg#0\tone\n", "", []string{"one"}, []string{
			`Flickr8k.token.txt:1: row left out: "../a.jpg" leads out of the data folder`,
			`Flickr8k.token.txt:2: row left out: "/etc/passwd" is an absolute path; expected one below the data folder`}},
	} {
		d := load(t, Settings{Format: "flickr8k", Root: tokenFolder(t, c.tokens), Encoding: c.encoding, Split: "ratio", Ratio: []float64{1, 0}})
		var got []string
		for _, e := range d.Examples {
			for _, caption := range e.Captions {
				got = append(got, caption.Raw)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: captions %.200q, want %q", c.reason, got, c.want)
		}
		if !slices.Equal(problems(d), c.problems) {
			t.Errorf("%s: problems\n%s\nwant\n%s", c.reason, strings.Join(problems(d), "\n"), strings.Join(c.problems, "\n"))
		}
	}
}

// TestWesternTextIsNoKorean: lines of Windows-1252 with bytes beyond ASCII beside each other stay what they are, and
// Korean lines, or English ones with the quotes of CP949, are known.
func TestWesternTextIsNoKorean(t *testing.T) {
	for _, text := range []string{"ein größerer Hund", "GRÖßE", "Ähren", "ÄÖÜ", "¿Él come?", "¿Éste?", "¡Ánimo!", "¿¿¿Él?", "¿¡Como!?", "¡¡¡Éxito", "«École", "«À Paris",
		"À L'ÉCOLE", "»Ärger", "ein »Ähm", "AÇÃO", "CORAÇÃO", "créée", "naïf", "ÇÀ", "20°±1°", "····", "°°°°", "»«", "§§", "ÀÁ", "Æ´", "À»"} {
		row, err := charmap.Windows1252.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := fromCP949([]byte(row), false); ok {
			t.Errorf("%q was read as %q", text, got)
		}
	}
	for _, text := range []string{"고양이", "강아지 두 마리", "a 개 runs: 사진", "the dog’s “ball”", "그 사람은 공원에서 “산책”을 한다.", "大韓民國 사람", "ㅋㅋㅋ"} {
		row, err := korean.EUCKR.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := fromCP949([]byte(row), false); !ok || got != text {
			t.Errorf("%q was read as %q, %v", text, got, ok)
		}
	}
	got := load(t, Settings{Format: "flickr8k", Root: tokenFolder(t, "a.jpg#0\tein gr\xf6\xdferer Hund\nb.jpg#0\t\xc4hren\n"), Split: "ratio", Ratio: []float64{1, 0}})
	for n, want := range []string{"ein gr\xf6\xdferer Hund", "\xc4hren"} {
		if raw := got.Examples[n].Captions[0].Raw; raw != want {
			t.Errorf("caption %d is %q, want %q", n, raw, want)
		}
	}
}

// TestLinksOutOfTheFolder: neither captions nor pictures are read through a link that leads out of the data folder;
// data.images and data.captions, which the user names, may lie elsewhere.
func TestLinksOutOfTheFolder(t *testing.T) {
	outside := t.TempDir()
	overwrite(t, outside, "secret.jpg", string(smallPicture(t, 9)))
	overwrite(t, outside, "secret.csv", "image,caption\na.jpg,secret\n")
	link := func(t *testing.T, root, name, to string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	t.Run("a picture", func(t *testing.T) {
		root := tokenFolder(t, "a.jpg#0\tone\nlink.jpg#0\tout\ninside.jpg#0\tin\n")
		link(t, root, "link.jpg", filepath.Join(outside, "secret.jpg"))
		link(t, root, "inside.jpg", "b.jpg")
		d := load(t, Settings{Format: "flickr8k", Root: root, Split: "ratio", Ratio: []float64{1, 0}})
		want := []string{"Flickr8k.token.txt:2: left out: the picture link.jpg is a link that leads out of the data folder or to no file"}
		if !slices.Equal(problems(d), want) || !slices.Equal(ids(d, Train), []string{"a.jpg", "inside.jpg"}) {
			t.Errorf("pictures %q, problems %q", ids(d, Train), problems(d))
		}
	})
	t.Run("the captions", func(t *testing.T) {
		root := t.TempDir()
		overwrite(t, root, "a.jpg", "a")
		link(t, root, "captions.csv", filepath.Join(outside, "secret.csv"))
		s := Settings{Format: "csv", Root: root, Split: "ratio", Ratio: []float64{1, 0}}
		if _, err := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil); err == nil {
			t.Error("captions were read through a link out of the folder")
		}
		s.Captions = filepath.Join(outside, "secret.csv")
		if d := load(t, s); d.Examples[0].Captions[0].Raw != "secret" {
			t.Errorf("data.captions gave %+v", d.Examples)
		}
	})
	t.Run("the folder of pictures", func(t *testing.T) {
		root := t.TempDir()
		overwrite(t, root, "captions.csv", "image,caption\nsecret.jpg,one\n")
		link(t, root, "images", outside)
		s := Settings{Format: "csv", Root: root, Split: "ratio", Ratio: []float64{1, 0}}
		for _, err := range []error{Present(s), func() error {
			_, err := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil)
			return err
		}()} {
			if err == nil || !strings.Contains(err.Error(), "images is a link out of the data folder, which is not followed: name the pictures' folder by data.images") {
				t.Errorf("got %v", err)
			}
		}
		s.Images = outside
		if d := load(t, s); d.Examples[0].Path != filepath.Join(outside, "secret.jpg") {
			t.Errorf("data.images gave %+v", d.Examples)
		}
	})
	t.Run("a text beside a picture", func(t *testing.T) {
		root := tokenFolder(t, "")
		overwrite(t, root, "b.txt", "mine")
		link(t, root, "a.txt", filepath.Join(outside, "secret.csv"))
		d := load(t, Settings{Format: "folder", Root: root, Split: "ratio", Ratio: []float64{1, 0}})
		if !slices.Equal(ids(d, Train), []string{"b.jpg"}) || !slices.Contains(problems(d), "a.txt: left out: it is no file, or a link out of the data folder") {
			t.Errorf("pictures %q, problems %q", ids(d, Train), problems(d))
		}
	})
}

// TestFraction: a share of the training pictures is the subset that the limit of as many is, and lies inside a larger.
func TestFraction(t *testing.T) {
	s := Settings{Format: "flickr8k", Root: flickrFolder(t, "\n"), Split: "ratio", Ratio: []float64{0.8, 0.1, 0.1}, SplitSeed: 5}
	var smaller []string
	for n := 1; n <= 8; n++ {
		part, limited := s, s
		part.Fraction, limited.Limit = float64(n)/8, n
		got := ids(load(t, part), Train)
		if want := ids(load(t, limited), Train); !slices.Equal(got, want) {
			t.Errorf("fraction %d/8 gave %v, limit %d gave %v", n, got, n, want)
		}
		for _, id := range smaller {
			if !slices.Contains(got, id) {
				t.Errorf("%s is not in the larger subset %v", id, got)
			}
		}
		smaller = got
	}
	s.Fraction, s.Limit = 0.5, 2
	if got := ids(load(t, s), Train); len(got) != 2 {
		t.Errorf("a fraction of 4 pictures with a limit of 2 gave %v", got)
	}
	s.Fraction, s.Limit = 1e-9, 0
	if got := ids(load(t, s), Train); len(got) != 1 {
		t.Errorf("the smallest fraction gave %v", got)
	}
}

// TestSplitOfAnEarlierRun: a split.json gives the split back, hash included, whatever the order of the rows.
func TestSplitOfAnEarlierRun(t *testing.T) {
	root := flickrFolder(t, "\n")
	for _, s := range []Settings{
		{Format: "flickr8k", Root: root, Split: "official"},
		{Format: "flickr8k", Root: root, Split: "ratio", Ratio: []float64{0.7, 0.3}, SplitSeed: 11},
	} {
		first := load(t, s)
		var names []string
		for split := range first.Splits {
			names = append(names, fmt.Sprintf("%q:[\"%s\"]", split, strings.Join(ids(first, split), `","`)))
		}
		overwrite(t, root, "split.json", `{"hash":"`+first.Hash+`","splits":{`+strings.Join(names, ",")+`}}`)
		again := load(t, Settings{Format: "flickr8k", Root: root, Split: "file", SplitFile: "split.json"})
		if again.Hash != first.Hash {
			t.Errorf("%s: the hash is another", s.Split)
		}
		for _, p := range problems(again) {
			if strings.Contains(p, "differ") {
				t.Error(p)
			}
		}
	}
}

// TestOneFileIsOnePicture: two names of one file are one picture, so that no split can part them.
func TestOneFileIsOnePicture(t *testing.T) {
	root := t.TempDir()
	overwrite(t, root, "captions.csv", "image,caption\nimages/a.jpg,one\na.jpg,two\nb.jpg,three\n")
	if err := os.Mkdir(filepath.Join(root, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	overwrite(t, root, "images/a.jpg", "a")
	overwrite(t, root, "images/b.jpg", "b")
	d := load(t, Settings{Root: root, Split: "ratio", Ratio: []float64{1, 0}})
	if !slices.Equal(ids(d, Train), []string{"images/a.jpg", "b.jpg"}) || len(d.Examples[0].Captions) != 2 {
		t.Errorf("examples %+v", d.Examples)
	}
	if want := []string{"captions.csv:3: repaired: a.jpg is the file of images/a.jpg"}; !slices.Equal(problems(d), want) {
		t.Errorf("problems %q, want %q", problems(d), want)
	}
}

// TestQuotesThatNeverEnd: a file of rows whose quotes do not end costs no more than its bytes, not those of 200 lines each.
func TestQuotesThatNeverEnd(t *testing.T) {
	for _, row := range []string{`a.jpg,"b` + strings.Repeat("x", 330), `a.jpg",",`, `a.jpg,"`} {
		const rows = 5_001 // an odd number: the last kind closes its quotes in pairs
		text := strings.Repeat(row+"\n", rows)
		reported := 0
		reader := &csvReader{textReader: newTextReader(context.Background(), strings.NewReader(text), "x", "utf-8", func(Problem) { reported++ }), comma: ','}
		began, lines := time.Now(), 0
		for r, ok := reader.read(); ok; r, ok = reader.read() {
			lines += 1 + strings.Count(r.whole, "\n")
		}
		if lines != rows || reported == 0 {
			t.Errorf("%.20q: %d of %d lines, %d problems", row, lines, rows, reported)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%.20q: %v for %d bytes", row, took, len(text))
		}
	}
}

// TestTwoTextsOfOneName: of a.TXT and a.txt beside one picture one is read, and the other is reported.
func TestTwoTextsOfOneName(t *testing.T) {
	root := tokenFolder(t, "")
	overwrite(t, root, "a.TXT", "loud")
	overwrite(t, root, "a.txt", "quiet")
	if found, _ := filepath.Glob(filepath.Join(root, "a.[tT]*")); len(found) < 2 {
		t.Skip("names differ by more than their case here")
	}
	d := load(t, Settings{Format: "folder", Root: root, Split: "ratio", Ratio: []float64{1, 0}})
	if len(d.Examples) != 1 || len(d.Examples[0].Captions) != 1 || d.Examples[0].Captions[0].Raw != "quiet" ||
		!slices.Contains(problems(d), "a.TXT: left out: a.txt beside it is of the same name") {
		t.Errorf("examples %+v, problems %q", d.Examples, problems(d))
	}
}

// TestHugeJSON: a caption of 10 MB costs that caption, in every format of JSON.
func TestHugeJSON(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for _, c := range []struct{ format, file, text string }{
		{"karpathy", "dataset_x.json", `{"images":[{"filename":"a.jpg","split":"train","sentences":[{"raw":"%s"},{"raw":"one"}]}]}`},
		{"coco", "captions_x.json", `{"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[{"image_id":1,"caption":"%s"},{"image_id":1,"caption":"one"}]}`},
		{"instapic", "insta-caption-x.json", `{"a.jpg":{"1":{"caption":"%s"}},"b":{"1":{"caption":"one"}}}`},
		{"jsonl", "x.jsonl", `{"image":"b.jpg","caption":"%s"}` + "\n" + `{"image":"a.jpg","caption":"one"}`},
	} {
		root := t.TempDir()
		overwrite(t, root, c.file, fmt.Sprintf(c.text, long))
		overwrite(t, root, "a.jpg", "a")
		overwrite(t, root, "b_@_1.jpg", "b")
		d := load(t, Settings{Format: c.format, Root: root, Split: "ratio", Ratio: []float64{1, 0}})
		if len(d.Examples) != 1 || len(d.Examples[0].Captions) != 1 || d.Examples[0].Captions[0].Raw != "one" {
			t.Errorf("%s: %d examples", c.format, len(d.Examples))
		}
		if got := problems(d); len(got) != 1 || !strings.Contains(got[0], "row left out: ") {
			t.Errorf("%s: problems %.300q", c.format, got)
		}
	}
}

// TestLinkedFolders: a folder below data.root that is a link is not followed, which is said.
func TestLinkedFolders(t *testing.T) {
	root := tokenFolder(t, "")
	overwrite(t, root, "a.txt", "one")
	outside := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, ".store"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"inside": ".store", "outside": outside, "notes.md": "a.txt"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	d := load(t, Settings{Format: "folder", Root: root, Split: "ratio", Ratio: []float64{1, 0}})
	got := slices.DeleteFunc(problems(d), func(p string) bool { return !strings.Contains(p, " link ") })
	want := []string{"inside: left out: a link to a folder, or to nothing in the data folder, is not followed",
		"outside: left out: a link to a folder, or to nothing in the data folder, is not followed"}
	if !slices.Equal(got, want) || !slices.Equal(ids(d, Train), []string{"a.jpg"}) {
		t.Errorf("pictures %q, problems %q, want %q", ids(d, Train), got, want)
	}
}

// TestAccentsOfPairs: a text is a picture's where one name's accents are composed and the other's are not; where both
// pairs are there, they are two.
func TestAccentsOfPairs(t *testing.T) {
	const composed, decomposed = "\u00e9", "e\u0301"
	for _, c := range []struct{ names, want []string }{
		{[]string{composed + ".txt", decomposed + ".jpg"}, []string{composed + ".txt " + decomposed + ".jpg"}},
		{[]string{decomposed + ".txt", composed + ".jpg", composed + ".png"}, []string{decomposed + ".txt " + composed + ".jpg " + composed + ".png"}},
		{[]string{composed + ".txt", composed + ".jpg", decomposed + ".txt", decomposed + ".jpg"},
			[]string{decomposed + ".txt " + decomposed + ".jpg", composed + ".txt " + composed + ".jpg"}},
	} {
		files := fstest.MapFS{}
		for _, name := range c.names {
			files[name] = &fstest.MapFile{}
		}
		var got []string
		err := eachText(files, func(text string, pictures []string) error {
			got = append(got, text+" "+strings.Join(pictures, " "))
			return nil
		}, func(p Problem) { t.Errorf("%q: %s", c.names, p) })
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: pairs %q, want %q; %v", c.names, got, c.want, err)
		}
	}
}

// locked is a folder of files, of which one folder can't be read, not even by root.
type locked struct {
	fstest.MapFS
	folder string
}

func (l locked) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == l.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.ReadDir(name)
}

// TestUnreadableFolder: a folder below data.root that can't be read is a remark; data.root itself is an error.
func TestUnreadableFolder(t *testing.T) {
	files := fstest.MapFS{"a.jpg": {}, "a.txt": {}, "lost+found/b.jpg": {}, "z/c.jpg": {}, "z/c.txt": {}}
	var texts, reasons []string
	each := func(text string, _ []string) error {
		texts = append(texts, text)
		return nil
	}
	err := eachText(locked{files, "lost+found"}, each, func(p Problem) { reasons = append(reasons, p.String()) })
	if err != nil || !slices.Equal(texts, []string{"a.txt", "z/c.txt"}) || !slices.Equal(reasons, []string{"lost+found: left out: the folder can't be read: permission denied"}) {
		t.Errorf("texts %q, problems %q, %v", texts, reasons, err)
	}
	if err := eachText(locked{files, "."}, each); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// TestNamesThatAreNotUTF8: split.json could not tell two of them apart, so that one picture would be in two splits.
func TestNamesThatAreNotUTF8(t *testing.T) {
	root := tokenFolder(t, "")
	overwrite(t, root, "a.txt", "one")
	for _, name := range []string{"q\xff", "q\xfe"} {
		if err := os.WriteFile(filepath.Join(root, name+".jpg"), smallPicture(t, len(name)), 0o644); err != nil {
			t.Skip("no such names here:", err)
		}
		overwrite(t, root, name+".txt", "two")
	}
	if err := os.Mkdir(filepath.Join(root, "d\xff"), 0o755); err != nil {
		t.Fatal(err)
	}
	overwrite(t, root, "captions.csv", "image,caption\na.jpg,one\nq\xff.jpg,two\n")
	for format, want := range map[string][]string{
		"csv": {`captions.csv:3: row left out: the name "q\xff.jpg" is not UTF-8`},
		"folder": {`d�: left out: its name, "d\xff", is not UTF-8`,
			`q�.jpg: left out: its name, "q\xfe.jpg", is not UTF-8`, `q�.txt: left out: its name, "q\xfe.txt", is not UTF-8`,
			`q�.jpg: left out: its name, "q\xff.jpg", is not UTF-8`, `q�.txt: left out: its name, "q\xff.txt", is not UTF-8`},
	} {
		d := load(t, Settings{Format: format, Root: root, Split: "ratio", Ratio: []float64{1, 0}})
		got := slices.DeleteFunc(problems(d), func(p string) bool { return !strings.Contains(p, "not UTF-8") })
		if !slices.Equal(got, want) || !slices.Equal(ids(d, Train), []string{"a.jpg"}) {
			t.Errorf("%s: pictures %q, problems %q, want %q", format, ids(d, Train), got, want)
		}
	}
}
