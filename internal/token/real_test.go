package token

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/ptb"
)

// flickr8k are the captions of the real Flickr8k where it lies beside the checkout, else nil.
func flickr8k(t testing.TB) (captions []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "flickr8k", "Flickr8k.token.txt"))
	if err != nil {
		return nil
	}
	for row := range strings.Lines(string(data)) {
		_, text, ok := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		if !ok {
			t.Fatalf("row %q", row)
		}
		captions = append(captions, text)
	}
	if len(captions) != 40460 {
		t.Fatalf("%d captions, want the published 40,460", len(captions))
	}
	return captions
}

// TestRealCaptions: where the real Flickr8k lies beside the checkout, every caption of it comes back byte for byte,
// and its words are as many as another program counts.
func TestRealCaptions(t *testing.T) {
	captions := flickr8k(t)
	if captions == nil {
		t.Skip("the real Flickr8k is not beside the checkout")
	}
	for _, unit := range []string{"codepoint", "grapheme"} {
		k := trained(t, "char", unit, 1, captions...)
		for _, text := range captions {
			if got := k.Decode(k.Encode(text)); got != text {
				t.Fatalf("%s: %q came back as %q", unit, text, got)
			}
		}
	}
	// Counted by Python: re.findall(r"(?<![a-z0-9'])'[a-z0-9]{1,2}(?!'*[a-z0-9])|[a-z0-9]+(?:'+[a-z0-9]+)*", text.lower())
	for minCount, want := range map[int]int{1: 8491, 5: 2977} {
		if got := trained(t, "word", "grapheme", minCount, captions...).Size() - int(specials); got != want {
			t.Errorf("%d words occur %d times or more, want %d", got, minCount, want)
		}
	}
}

// TestRealPTB: each caption alone has the tokens that it has in a file of all of them, which package ptb compares with
// coco-caption's own.
func TestRealPTB(t *testing.T) {
	captions := flickr8k(t)
	if captions == nil {
		t.Skip("the real Flickr8k is not beside the checkout")
	}
	for n, want := range ptb.TokenizeLines(captions) {
		if got := ptbWords(captions[n], defaultWords); !slices.Equal(got, want) {
			t.Errorf("%q has tokens %q, want %q", captions[n], got, want)
		}
	}
}
