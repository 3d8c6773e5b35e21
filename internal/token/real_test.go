package token

import (
	"slices"
	"testing"

	"github.com/captionlab/captionlab/internal/dataset/flickr8ktest"
	"github.com/captionlab/captionlab/internal/ptb"
)

// TestRealCaptions: every caption of the real Flickr8k comes back byte for byte, and its words are as many as another program counts.
func TestRealCaptions(t *testing.T) {
	captions := flickr8ktest.Captions(t, flickr8ktest.Need(t))
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
	captions := flickr8ktest.Captions(t, flickr8ktest.Need(t))
	for n, want := range ptb.TokenizeLines(captions) {
		if got := ptbWords(captions[n], defaultWords); !slices.Equal(got, want) {
			t.Errorf("%q has tokens %q, want %q", captions[n], got, want)
		}
	}
}
