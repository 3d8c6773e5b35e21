package datacheck

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	xdraw "golang.org/x/image/draw"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/picture"
	"github.com/captionlab/captionlab/internal/picture/picturetest"
	"github.com/captionlab/captionlab/internal/token"
)

// corpus is a folder of pictures and a data set over them.
type corpus struct {
	t    testing.TB
	root string
	data dataset.Dataset
}

func newCorpus(t testing.TB) *corpus {
	return &corpus{t, t.TempDir(), dataset.Dataset{Name: "test", Splits: map[string][]int{}}}
}

// add puts a picture with captions into a split. Without a file the picture is not written.
func (c *corpus) add(split, id string, file []byte, captions ...string) {
	c.t.Helper()
	path := filepath.Join(c.root, id)
	if file != nil {
		if err := os.WriteFile(path, file, 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	e := dataset.Example{ID: id, Path: path}
	for n, text := range captions {
		e.Captions = append(e.Captions, dataset.Caption{Raw: text, Text: text, Source: fmt.Sprintf("captions.txt:%d", n+1)})
	}
	c.data.Splits[split] = append(c.data.Splits[split], len(c.data.Examples))
	c.data.Examples = append(c.data.Examples, e)
}

func (c *corpus) request() Request {
	return Request{
		Data: &c.data, Root: c.root, Pictures: true,
		Clean: dataset.CleanSettings{Hashtags: "remove", UserTags: "remove", Links: "remove", Whitespace: "collapse", Control: "remove", MaxLength: 20, OverLength: "truncate"},
		Token: token.Settings{Tokenizer: "char", Unit: "grapheme", MinCount: 1, Words: token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}},
	}
}

func (c *corpus) check(q Request) *Report {
	c.t.Helper()
	r, err := Check(context.Background(), q)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func scene(t testing.TB, seed uint64) []byte {
	return picturetest.JPEG(t, picturetest.Scene(seed, 120, 90), 90)
}

// kinds are the findings as severity:kind:count.
func kinds(r *Report) (out []string) {
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s:%s:%d", f.Severity, f.Kind, f.Count))
	}
	return out
}

// Each broken picture is one reported picture; each odd one is read and counted. Nothing outside the folder is read.
func TestBrokenPictures(t *testing.T) {
	c := newCorpus(t)
	good := scene(t, 1)
	odd := func(name string) []byte {
		data, err := os.ReadFile("../picture/testdata/format-" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	outside := filepath.Join(t.TempDir(), "secret.jpg")
	if err := os.WriteFile(outside, scene(t, 2), 0o644); err != nil {
		t.Fatal(err)
	}
	link := func(id, target string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(c.root, id)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		c.add(dataset.Train, id, nil, "a link")
	}
	c.add(dataset.Train, "good.jpg", good, "a good one")
	c.add(dataset.Train, "cut.jpg", good[:len(good)/2], "cut off")
	c.add(dataset.Train, "bomb.png", picturetest.Bomb(t), "a bomb")
	c.add(dataset.Train, "zero.jpg", []byte{}, "empty")
	c.add(dataset.Train, "page.jpg", []byte("<html>404</html>"), "a web page")
	c.add(dataset.Train, "gone.jpg", nil, "missing")
	if err := os.Mkdir(filepath.Join(c.root, "folder.jpg"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.add(dataset.Train, "folder.jpg", nil, "a folder")
	link("outside.jpg", outside)
	link("inside.jpg", "good.jpg") // the same picture again
	c.add(dataset.Train, "cmyk.jpg", odd("cmyk.jpg"), "CMYK")
	c.add(dataset.Train, "palette.png", odd("palette.png"), "a palette")
	c.add(dataset.Train, "through.png", odd("alpha.png"), "transparent")
	c.add(dataset.Train, "deep.png", picturetest.PNG(t, image.NewGray16(image.Rect(0, 0, 40, 20))), "16 bits")
	c.add(dataset.Validation, "turned.jpg", picturetest.Oriented(scene(t, 3), binary.LittleEndian, 6), "on its side")

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := c.check(c.request())
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 100<<20 {
		t.Errorf("%d MiB allocated: a bomb was decoded", n>>20)
	}
	var got []string
	for _, b := range r.Pictures.Broken {
		got = append(got, b.ID+" "+b.Kind)
		if b.Reason == "" || strings.Contains(b.Reason, c.root) {
			t.Errorf("%s: reason %q: expected one without the path", b.ID, b.Reason)
		}
	}
	want := []string{"cut.jpg truncated", "bomb.png too_large", "zero.jpg empty", "page.jpg not_a_picture", "gone.jpg missing", "folder.jpg unreadable", "outside.jpg outside"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("broken pictures (-want +got):\n%s", diff)
	}
	p := r.Pictures
	if p.Whole != 7 || p.CMYK != 1 || p.Palette != 1 || p.Through != 1 || p.Deep != 1 || p.Turned != 1 {
		t.Errorf("counts %+v", p)
	}
	if p.Smallest != [2]int{40, 20} || p.Largest != [2]int{120, 90} && p.Largest != [2]int{90, 120} {
		t.Errorf("sizes %v to %v", p.Smallest, p.Largest)
	}
	if !r.OK || len(p.Identical) != 1 || p.Identical[0].Pictures[1].ID != "inside.jpg" {
		t.Errorf("ok %v, identical %v; broken pictures are warnings: a run stops at them", r.OK, p.Identical)
	}
	for _, want := range []string{"warning:pictures_truncated:1", "warning:pictures_missing:1", "warning:pictures_outside:1", "note:cmyk:1", "note:turned:1"} {
		if !slices.Contains(kinds(r), want) {
			t.Errorf("no finding %s among %v", want, kinds(r))
		}
	}
}

// A folder of pictures that the user linked is the user's own arrangement.
func TestLinkedFolder(t *testing.T) {
	c := newCorpus(t)
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "a.jpg"), scene(t, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(c.root, "images")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	c.add(dataset.Train, filepath.Join("images", "a.jpg"), nil, "a")
	if r := c.check(c.request()); r.Pictures.Whole != 1 || len(r.Pictures.Broken) != 0 {
		t.Errorf("%+v", r.Pictures)
	}
}

// The same picture in two splits is an error, in one split none; the eye sees through another size, quality and
// orientation.
func TestSamePicture(t *testing.T) {
	original := picturetest.Scene(1, 240, 180)
	small := image.NewRGBA(image.Rect(0, 0, 100, 75))
	xdraw.CatmullRom.Scale(small, small.Bounds(), original, original.Bounds(), xdraw.Src, nil)
	saved := picturetest.JPEG(t, small, 40)
	// Stored on its side, as orientation 6 turns it back: 8 turns the other way.
	lying := image.NewRGBA(image.Rect(0, 0, 180, 240))
	draw.Draw(lying, lying.Bounds(), picture.Upright(original, 8), image.Point{}, draw.Src)
	turned := picturetest.Oriented(picturetest.JPEG(t, lying, 90), binary.BigEndian, 6)
	first := picturetest.JPEG(t, original, 90)

	for name, test := range map[string]struct {
		reason string
		split  string
		file   []byte
		want   []string // findings but for those about the empty test split
		ok     bool
	}{
		"identical, other split": {"a leak", dataset.Validation, first, []string{"error:leak_identical:1"}, false},
		"identical, same split":  {"a doubled example", dataset.Train, first, []string{"warning:identical:1"}, true},
		"saved, other split":     {"a leak that no hash of bytes sees", dataset.Validation, saved, []string{"error:leak_near_identical:1"}, false},
		"saved, same split":      {"only a note", dataset.Train, saved, []string{"note:near_identical:1"}, true},
		"turned, other split":    {"pictures are compared upright", dataset.Validation, turned, []string{"error:leak_near_identical:1", "note:turned:1"}, false},
		"another picture":        {"none", dataset.Validation, scene(t, 9), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCorpus(t)
			c.add(dataset.Train, "first.jpg", first, "a")
			c.add(dataset.Validation, "other.jpg", scene(t, 5), "a b")
			c.add(test.split, "second.jpg", test.file, "b")
			c.add(dataset.Test, "last.jpg", scene(t, 6), "c")
			r := c.check(c.request())
			if diff := cmp.Diff(test.want, kinds(r)); diff != "" || r.OK != test.ok {
				t.Errorf("%s: ok %v, findings (-want +got):\n%s", test.reason, r.OK, diff)
			}
		})
	}
}

// Without decoding, pictures that are missing, empty or equal byte for byte are found all the same.
func TestNoPictures(t *testing.T) {
	c := newCorpus(t)
	c.add(dataset.Train, "a.jpg", scene(t, 1), "a")
	c.add(dataset.Train, "gone.jpg", nil, "b")
	c.add(dataset.Train, "zero.jpg", []byte{}, "c")
	c.add(dataset.Validation, "b.jpg", scene(t, 1), "d")
	c.add(dataset.Test, "page.jpg", []byte("<html>"), "e")
	q := c.request()
	q.Pictures = false
	r := c.check(q)
	if diff := cmp.Diff([]string{"error:leak_identical:1", "warning:pictures_missing:1", "warning:pictures_empty:1"}, kinds(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if r.Pictures.Decoded || r.Pictures.Whole != 0 {
		t.Errorf("%+v", r.Pictures)
	}
}

func TestEmptySplit(t *testing.T) {
	c := newCorpus(t)
	c.add(dataset.Train, "a.jpg", scene(t, 1), "a")
	if r := c.check(c.request()); r.OK || !slices.Contains(kinds(r), "error:empty_split:1") || !slices.Contains(kinds(r), "note:no_test_split:1") {
		t.Errorf("ok %v, %v", r.OK, kinds(r))
	}
}

func TestCounts(t *testing.T) {
	c := newCorpus(t)
	c.data.Problems = []dataset.Problem{{File: "captions.txt", Line: 7, Reason: "row left out"}, {Reason: "no file"}}
	c.add(dataset.Train, "a.jpg", scene(t, 1), "a dog ❤️", "a dog 👨‍👩‍👧❤️")
	c.add(dataset.Train, "b.jpg", scene(t, 2), "A cat™ 🙌🏽 #1")
	c.add(dataset.Validation, "c.jpg", scene(t, 3), "a dog ❤️", "zebra a a\U0001f3fb")
	c.data.Examples[1].Captions[0].Raw = "A cat™ 🙌🏽 #1 #long\u00ad tail of it here"
	r := c.check(c.request())
	if diff := cmp.Diff([]Split{{"train", 2, 3}, {"validation", 1, 2}, {"test", 0, 0}}, r.Splits); diff != "" {
		t.Error(diff)
	}
	if r.Images != 3 || r.Captions != 5 || r.DistinctCaptions != 4 || r.CaptionsPerImage != (Spread{1, 5.0 / 3, 2, 2, 2}) {
		t.Errorf("images %d, captions %d, different %d, an image %+v", r.Images, r.Captions, r.DistinctCaptions, r.CaptionsPerImage)
	}
	// 7, 8, 7 and 9 characters; the long one is "A cat™ 🙌🏽 #1 tail of it here" before it is cut.
	if diff := cmp.Diff(Spread{7, (7 + 8 + 7 + 9 + 27) / 5.0, 8, 27, 27}, r.Length.Spread); diff != "" || r.Length.Over != 1 {
		t.Errorf("over %d, lengths (-want +got):\n%s", r.Length.Over, diff)
	}
	if diff := cmp.Diff(Tally{3, 5, []Some{{"❤", 3}, {"👨‍👩‍👧", 1}, {"🙌🏽", 1}}}, r.Emoji); diff != "" {
		t.Errorf("emoji (-want +got):\n%s", diff)
	}
	if r.BrokenEmoji != 1 { // the skin tone of c.jpg
		t.Errorf("%d fragments of emoji", r.BrokenEmoji)
	}
	if diff := cmp.Diff([]Some{{" ", 11}, {"a", 6}, {"d", 3}}, r.Characters.Counts[:3]); diff != "" || r.Characters.Distinct != 19 {
		t.Errorf("%d characters, the first ones (-want +got):\n%s", r.Characters.Distinct, diff)
	}
	if diff := cmp.Diff([]WordShare{{"validation", 5, 1}}, r.Words.Unknown); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Shared{{"validation", 1, 1, []string{"a dog ❤️"}}}, r.Shared); diff != "" {
		t.Errorf("shared (-want +got):\n%s", diff)
	}
	if len(r.Rows) != 2 || r.Rows[0].String() != "captions.txt:7: row left out" || r.Rows[1].String() != "no file" {
		t.Errorf("rows %v", r.Rows)
	}
	data, err := json.Marshal(r)
	if err != nil || strings.Contains(string(data), "null") {
		t.Errorf("JSON with null, which each reader must look out for: %v\n%s", err, data)
	}
}

// Captions that a tokenizer of words makes nothing of are found, also where there are no others.
func TestWordlessCaptions(t *testing.T) {
	for _, test := range []struct {
		reason, tokenizer, emoji string
		captions                 []string
		want                     int
	}{
		{"words", "word", "drop", []string{"a dog", "🎉🎉", "!!"}, 4},
		{"emoji are words", "word", "keep", []string{"a dog", "🎉🎉", "!!"}, 2},
		{"coco-caption's words", "ptb", "drop", []string{"a dog", "...", "!"}, 4},
		{"no word at all", "word", "drop", []string{"🎉"}, 2},
		{"characters", "char", "drop", []string{"🎉🎉", "!!"}, 0},
	} {
		c := newCorpus(t)
		c.add(dataset.Train, "a.jpg", []byte("a"), test.captions...)
		c.add(dataset.Validation, "b.jpg", []byte("b"), test.captions...)
		q := c.request()
		q.Pictures, q.Token.Tokenizer, q.Token.Words.Emoji = false, test.tokenizer, test.emoji
		got := 0
		for _, f := range c.check(q).Findings {
			if f.Kind == "wordless_captions" {
				got = f.Count
			}
		}
		if got != test.want {
			t.Errorf("%s: %d captions, want %d", test.reason, got, test.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	for _, test := range []struct {
		reason  string
		numbers []int
		want    []Bin
	}{
		{"nothing", nil, []Bin{}},
		{"only empty captions", []int{0, 0}, []Bin{{0, 0, 2}}},
		{"width 1", []int{1, 3, 3}, []Bin{{0, 0, 0}, {1, 1, 1}, {2, 2, 0}, {3, 3, 2}}},
		{"the last number has a bin", []int{25}, append(pairs(12), Bin{24, 25, 1})},
	} {
		if diff := cmp.Diff(test.want, histogram(test.numbers)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.reason, diff)
		}
	}
	for _, largest := range []int{199, 100_000, 1 << 40} {
		if n := len(histogram([]int{largest})); n > mostBins || n < 1 {
			t.Errorf("%d bins up to %d", n, largest)
		}
	}
}

func pairs(n int) (bins []Bin) {
	for i := range n {
		bins = append(bins, Bin{2 * i, 2*i + 1, 0})
	}
	return bins
}

// Groups are what a plain search over all pairs finds, joined.
func TestNearGroups(t *testing.T) {
	looks := make([]*look, 300)
	for n := range looks {
		looks[n] = &look{hash: uint64(n) * 0x9e3779b97f4a7c15}
	}
	for n, distance := range map[int]int{7: 3, 8: 6, 9: 7} { // of 100, 7 and 8: a chain 100, 7, 8, and 9 not in it
		looks[n].hash = looks[100].hash
		for b := range distance {
			looks[n].hash ^= 1 << (5 * b)
		}
	}
	looks[200].hash = looks[201].hash
	looks[200].grid[0] = 200 // one value of 768 hardly counts
	looks[210].hash = looks[211].hash
	for n := range looks[210].grid {
		looks[210].grid[n] = 21
	}
	groups, distances, err := nearGroups(context.Background(), looks)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int{{7, 8, 9, 100}, {200, 201}}, groups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff) // 9 is near 8
	}
	if !slices.Equal(distances, []int{6, 0}) {
		t.Errorf("distances %v", distances)
	}
}

func TestInterrupted(t *testing.T) {
	c := newCorpus(t)
	c.add(dataset.Train, "a.jpg", scene(t, 1), "a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, c.request()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
