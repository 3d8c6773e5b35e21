package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

// flickrFolder makes a small Flickr8k: pictures p0.jpg to p9.jpg with two captions each, of which missing have no file.
func flickrFolder(t *testing.T, eol string, missing ...string) string {
	t.Helper()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var rows strings.Builder
	var names []string
	for n := range 10 {
		name := fmt.Sprintf("p%d.jpg", n)
		names = append(names, name)
		fmt.Fprintf(&rows, "%s#0\tPicture %d # one .%s%s#1\tPicture %d two .%s", name, n, eol, name, n, eol)
		if !slices.Contains(missing, name) {
			write("images/"+name, name)
		}
	}
	fmt.Fprintf(&rows, "ghost.jpg.1#0\tA ghost .%s", eol)
	write("Flickr8k.token.txt", rows.String())
	write("Flickr_8k.trainImages.txt", strings.Join(names[:6], eol)+eol)
	write("Flickr_8k.devImages.txt", strings.Join(names[6:8], eol)+eol)
	write("Flickr_8k.testImages.txt", strings.Join(names[8:], eol)+eol)
	return root
}

const flickrTokens = "Flickr8k.token.txt"

var plain = CleanSettings{Hashtags: "remove", UserTags: "remove", Links: "remove", Whitespace: "collapse", Control: "remove", MaxLength: 80, OverLength: "truncate"}

func load(t *testing.T, s Settings) *Dataset {
	t.Helper()
	d, err := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ids(d *Dataset, split string) (out []string) {
	for _, n := range d.Splits[split] {
		out = append(out, d.Examples[n].ID)
	}
	return out
}

func TestFlickr8kOfficial(t *testing.T) {
	for _, eol := range []string{"\n", "\r\n"} { // copies of both kinds are about
		d := load(t, Settings{Format: "flickr8k", Root: flickrFolder(t, eol), Split: "official"})
		if got := ids(d, Train); !slices.Equal(got, []string{"p0.jpg", "p1.jpg", "p2.jpg", "p3.jpg", "p4.jpg", "p5.jpg"}) {
			t.Errorf("train is %v", got)
		}
		if got := ids(d, Test); !slices.Equal(got, []string{"p8.jpg", "p9.jpg"}) {
			t.Errorf("test is %v", got)
		}
		if got := d.Examples[0].Captions[0]; got.Text != "Picture 0 # one ." || got.Source != "Flickr8k.token.txt:1" {
			t.Errorf("first caption is %+v", got)
		}
	}
}

func TestFlickr8kLeavesOutWhatIsMissing(t *testing.T) {
	d := load(t, Settings{Format: "flickr8k", Root: flickrFolder(t, "\n", "p8.jpg", "p9.jpg", "p1.jpg"), Split: "official"})
	if len(d.Splits[Test]) != 0 || len(d.Splits[Train]) != 5 || len(d.Splits[Validation]) != 2 {
		t.Errorf("splits have %d, %d, %d pictures", len(d.Splits[Train]), len(d.Splits[Validation]), len(d.Splits[Test]))
	}
	var got []string
	for _, p := range d.Problems {
		got = append(got, p.String())
	}
	want := []string{
		"official test split: 2 of 2 pictures are missing; split left out",
		"Flickr8k.token.txt:21: left out: there is no picture ghost.jpg.1",
		"Flickr8k.token.txt:3: left out: there is no picture p1.jpg",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("problems:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFlickr8kMissingFolderSaysWhatToDo(t *testing.T) {
	_, err := Load(context.Background(), Settings{Format: "flickr8k", Root: "nowhere"}, plain, "grapheme", t.TempDir(), nil)
	for _, want := range []string{"data.root: nowhere is not there", "download Flickr8k", "data.root=FOLDER", "DATA=FOLDER"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestRatioSplitIsByImageAndNested(t *testing.T) {
	s := Settings{Format: "flickr8k", Root: flickrFolder(t, "\n"), Split: "ratio", Ratio: []float64{0.6, 0.2, 0.2}, SplitSeed: 3}
	whole := load(t, s)
	seen := map[string]string{}
	for _, split := range []string{Train, Validation, Test} {
		for _, id := range ids(whole, split) {
			if other, twice := seen[id]; twice {
				t.Errorf("%s is in %s and %s", id, other, split)
			}
			seen[id] = split
		}
	}
	if len(seen) != 10 || len(whole.Splits[Train]) != 6 || len(whole.Splits[Test]) != 2 {
		t.Errorf("%d pictures split, %d of them for training, %d for test", len(seen), len(whole.Splits[Train]), len(whole.Splits[Test]))
	}
	if again := load(t, s); again.Hash != whole.Hash {
		t.Error("the same seed gave another split")
	}
	s.SplitSeed = 4
	if other := load(t, s); other.Hash == whole.Hash {
		t.Error("another seed gave the same split")
	}
	s.SplitSeed = 3
	var smaller []string
	for limit := 1; limit <= 6; limit++ {
		s.Limit = limit
		larger := ids(load(t, s), Train)
		for _, id := range smaller {
			if !slices.Contains(larger, id) {
				t.Errorf("%s is among %d training pictures but not among %d", id, limit-1, limit)
			}
		}
		if smaller = larger; len(larger) != limit {
			t.Errorf("limit %d gave %d pictures", limit, len(larger))
		}
	}
	s.Limit, s.Ratio = 0, []float64{0.7, 0.3}
	if two := load(t, s); len(two.Splits[Train]) != 7 || len(two.Splits[Validation]) != 3 || len(two.Splits[Test]) != 0 {
		t.Errorf("70:30 gave %d, %d, %d", len(two.Splits[Train]), len(two.Splits[Validation]), len(two.Splits[Test]))
	}
}

// TestRealFlickr8k holds the published counts against the real set.
func TestRealFlickr8k(t *testing.T) {
	root := flickr8ktest.Need(t)
	d := load(t, Settings{Format: "flickr8k", Root: root, Split: "official"})
	if len(d.Splits[Train]) != 6000 || len(d.Splits[Validation]) != 1000 {
		t.Errorf("official splits: %d and %d pictures, want 6000 and 1000", len(d.Splits[Train]), len(d.Splits[Validation]))
	}
	for _, n := range slices.Concat(d.Splits[Train], d.Splits[Validation]) {
		if e := d.Examples[n]; len(e.Captions) != 5 {
			t.Errorf("%s has %d captions, want 5", e.ID, len(e.Captions))
		}
	}
	ghost := false
	for _, p := range d.Problems { // it has captions, and no picture in any copy
		ghost = ghost || p.File == flickrTokens && p.Line == 6731 && strings.HasSuffix(p.Reason, "2258277193_586949ec62.jpg.1")
	}
	if !ghost {
		t.Errorf("2258277193_586949ec62.jpg.1 is not reported: %v", d.Problems)
	}
	want := CleanStats{Captions: 35000, Changed: d.Cleaning.Truncated, Truncated: d.Cleaning.Truncated}
	if len(d.Splits[Test]) > 0 {
		want.Captions += 5000
	}
	if d.Cleaning != want { // these captions have "# 28" and the like, and no tag or link
		t.Errorf("cleaning did %+v, want %+v", d.Cleaning, want)
	}
}
