package ptb

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
)

// TestAsTheReference: the tokens of testdata/nasty.jsonl.gz are pycocoevalcap's, see testdata/reference.py.
func TestAsTheReference(t *testing.T) {
	if n := compare(t, unzipped(t, "testdata/nasty.jsonl.gz")); n < 3000 {
		t.Errorf("only %d captions", n)
	}
}

// TestMoreLines compares as many lines as reference.py was asked for.
func TestMoreLines(t *testing.T) {
	file, err := os.Open(os.Getenv("CAPTIONLAB_PTB_LINES"))
	if err != nil {
		t.Skip("CAPTIONLAB_PTB_LINES names no file of testdata/reference.py --lines")
	}
	defer file.Close()
	t.Logf("%d lines compared", compare(t, file))
}

// TestLowerIsJavas: texts around a sigma, whose form hangs on where Java sees words end. See testdata/Lower.java.
func TestLowerIsJavas(t *testing.T) {
	n := 0
	for s := bufio.NewScanner(unzipped(t, cmp.Or(os.Getenv("CAPTIONLAB_PTB_LOWER"), "testdata/lower.tsv.gz"))); s.Scan(); n++ {
		text, want, _ := strings.Cut(s.Text(), "\t")
		if got := lower(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
	if n < 4000 {
		t.Errorf("only %d texts", n)
	}
}

func unzipped(t *testing.T, path string) io.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func compare(t *testing.T, r io.Reader) int {
	t.Helper()
	type row struct {
		Caption     string
		Raw, Tokens []string
	}
	var rows []row
	var captions []string
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var one row
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		rows, captions = append(rows, one), append(captions, one.Caption)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	raw, tokens := RawLines(captions), TokenizeLines(captions)
	for n, want := range rows {
		if !slices.Equal(raw[n], want.Raw) {
			t.Errorf("caption %d, %q:\n got %q\nwant %q", n, want.Caption, raw[n], want.Raw)
		} else if !slices.Equal(tokens[n], want.Tokens) {
			t.Errorf("caption %d, %q, without punctuation:\n got %q\nwant %q", n, want.Caption, tokens[n], want.Tokens)
		}
	}
	return len(rows)
}

// TestRealCaptions: all of the real Flickr8k, token for token by their hash, in well under a second.
func TestRealCaptions(t *testing.T) {
	captions := flickr8ktest.Captions(t, flickr8ktest.Need(t))
	var want struct {
		Captions, Raw, Tokens int
		RawHash               string `json:"raw_sha256"`
		TokensHash            string `json:"tokens_sha256"`
	}
	data, err := os.ReadFile("testdata/flickr8k.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	tokens := TokenizeLines(captions)
	t.Logf("%d captions in %v", len(captions), time.Since(start))
	raw := RawLines(captions)
	if len(captions) != want.Captions || count(raw) != want.Raw || count(tokens) != want.Tokens {
		t.Errorf("%d captions, %d raw tokens, %d tokens; want %d, %d, %d", len(captions), count(raw), count(tokens), want.Captions, want.Raw, want.Tokens)
	}
	if digest(raw) != want.RawHash || digest(tokens) != want.TokensHash {
		t.Errorf("the tokens differ from pycocoevalcap's")
	}
	for n, caption := range captions { // punctuation left out, no caption of these depends on the next one
		if alone := Tokenize(caption); !slices.Equal(alone, tokens[n]) {
			t.Errorf("%q alone has tokens %q, want %q", caption, alone, tokens[n])
		}
	}
}

func count(lines [][]string) (n int) {
	for _, l := range lines {
		n += len(l)
	}
	return n
}

func digest(lines [][]string) string {
	joined := make([]string, len(lines))
	for n, l := range lines {
		joined[n] = strings.Join(l, " ")
	}
	sum := sha256.Sum256([]byte(strings.Join(joined, "\n")))
	return hex.EncodeToString(sum[:])
}

func TestTokenize(t *testing.T) {
	for _, c := range []struct {
		reason, text string
		want         []string
	}{
		{"lower case, punctuation left out", `A dog, "Rex" , runs -- fast ... !`, []string{"a", "dog", "rex", "runs", "fast"}},
		{"several signs in a row are none of the punctuation", "what ?! !!", []string{"what", "?!", "!!"}},
		{"contractions", "don't can't it's they'll cannot gonna", []string{"do", "n't", "ca", "n't", "it", "'s", "they", "'ll", "can", "not", "gon", "na"}},
		{"brackets stay, written out: lower case hides them from the list", "(a) [b]", []string{"-lrb-", "a", "-rrb-", "-lsb-", "b", "-rsb-"}},
		{"hyphens", "tri-colored 12-year-old", []string{"tri-colored", "12-year-old"}},
		{"emoji go, as all that UTF-16 writes in two units", "love 👍🏽 it", []string{"love", "it"}},
		{"a line feed is a space, and other breaks separate", "a\nb\rc\u2028d", []string{"a", "b", "c", "d"}},
		{"a byte that is not UTF-8", "a\xffb", []string{"a", "b"}},
		{"a fraction is one token", "1 1/2 cups", []string{"1\u00a01/2", "cups"}},
		{"a face with a space inside, which ends the token", "~.[^x= >~<>] a", []string{"~.[^x=", ">~<>]", "a"}},
		{"nothing", "", nil},
		{"white space", " \t\u3000", nil},
	} {
		if got := Tokenize(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q has tokens %q, want %q", c.reason, c.text, got, c.want)
		}
	}
}

// TestNextLine: what the reference makes of a line can depend on the next one, and only of its end.
func TestNextLine(t *testing.T) {
	got := TokenizeLines([]string{"vitamin C.", "The dog"})
	if want := [][]string{{"vitamin", "c"}, {"the", "dog"}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Tokenize("vitamin C."); !slices.Equal(got, []string{"vitamin", "c."}) {
		t.Errorf("alone: got %q", got)
	}
}

// TestWorkersAgree: markup in quotes can go on over many lines and past a worker's first one.
func TestWorkersAgree(t *testing.T) {
	var lines []string
	for n := range 1000 {
		lines = append(lines, []string{"a dog runs", `<a b="`, "U.S.", "The end", `">`, "x 'y", "etc."}[n*n%7])
	}
	one := func() [][]string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		return RawLines(lines)
	}()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(7))
	if many := RawLines(lines); !slices.EqualFunc(one, many, slices.Equal) {
		t.Error("seven workers found other tokens than one")
	}
}

// TestUnits: the sets of letters are those of the reference, whatever Unicode this Go knows.
func TestUnits(t *testing.T) {
	sizes := map[string]int{}
	for name, set := range namedSets() {
		for _, s := range set {
			sizes[name] += int(s.hi) - int(s.lo) + 1
		}
	}
	for name, want := range map[string]int{"letter": 48462, "upper": 999, "digit": 350, "mark": 500} {
		if sizes[name] != want {
			t.Errorf("%d units are a %s, want %d", sizes[name], name, want)
		}
	}
	if n := english().machine.classes; n > 256 {
		t.Errorf("%d classes of units don't fit a byte", n)
	}
}

// TestLong: a million characters that promise a long token and keep none cost no more than their length.
func TestLong(t *testing.T) {
	const size = 1_000_000
	for _, c := range []struct {
		reason, part string
		want         int // tokens
	}{
		{"markup that never closes", "<a", size},
		{"an address without @", "a,", size / 2},
		{"one word", "a", 1},
		{"a host without an end", "www.", 0},
		{"signs", "'", 0},
		{"spaces", " ", 0},
		{"attributes", `<a b="`, 0},
	} {
		start := time.Now()
		got := Tokenize(strings.Repeat(c.part, size/len(c.part)))
		if c.want > 0 && len(got) != c.want {
			t.Errorf("%s: %d tokens, want %d", c.reason, len(got), c.want)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", c.reason, took)
		} else {
			t.Logf("%s: %v", c.reason, took)
		}
	}
}

// FuzzTokenize: no text makes it fail; tokens are in lower case, without ASCII spaces, and a line's tokens do not
// depend on the line before it.
func FuzzTokenize(f *testing.F) {
	for _, text := range []string{"A dog's 1/2 <a b='c'>", "U.S. The \xff", "d\u00adog ΣΟΣ", "me@x.com http://a.b/c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, token := range Raw(text) {
			if token == "" || strings.ContainsAny(token, " \n") || !utf8.ValidString(token) {
				t.Errorf("%q has a token %q", text, token)
			}
		}
		if after := TokenizeLines([]string{"a dog", text})[1]; !slices.Equal(after, Tokenize(text)) {
			t.Errorf("%q has tokens %q after a line, %q alone", text, after, Tokenize(text))
		}
	})
}

func BenchmarkTokenizeLines(b *testing.B) {
	captions := flickr8ktest.Captions(b, flickr8ktest.Need(b))
	for b.Loop() {
		TokenizeLines(captions)
	}
	b.ReportMetric(float64(len(captions)*b.N)/b.Elapsed().Seconds(), "captions/s")
}
