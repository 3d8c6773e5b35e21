package score

import (
	"strings"
	"testing"

	"github.com/agnivade/levenshtein"
)

func TestConfusion(t *testing.T) {
	c := NewConfusion([]string{"a", "b", Other})
	for _, pair := range []string{"aa", "aa", "ab", "bb", "ax", "yb"} {
		c.Add(pair[:1], pair[1:])
	}
	if got, want := c.Accuracy(), 3.0/6; got != want {
		t.Errorf("accuracy %v, want %v", got, want)
	}
	var counts, shares strings.Builder
	if err := c.WriteCSV(&counts, false); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteCSV(&shares, true); err != nil {
		t.Fatal(err)
	}
	if want := "true \\ predicted,a,b,other\na,2,1,1\nb,0,1,0\nother,0,1,0\n"; counts.String() != want {
		t.Errorf("counts\n%s\nwant\n%s", counts.String(), want)
	}
	if want := "a,0.500000,0.250000,0.250000\n"; !strings.Contains(shares.String(), want) {
		t.Errorf("shares\n%s\nwithout %s", shares.String(), want)
	}
}

func TestClass(t *testing.T) {
	for token, want := range map[string]string{
		"a": "letter", "é": "letter", "dog": "letter", "Ġgantija": "letter", " the": "letter", "中": "letter", "7": "digit", "2nd": "digit", " ": "space", "  ": "space", ".": "punctuation", "'s": "punctuation", "$": "punctuation",
		"🐱": "emoji", " 🐱🐶": "emoji", "🐱!": "emoji", " ,": "punctuation", "❤️": "emoji", "👩‍🚀": "emoji", "🙌🏽": "emoji", "1️⃣": "emoji", "🇩🇪": "emoji", "⛵": "emoji", "🏽": "emoji", "\ufe0f": "emoji", "♥": "punctuation", "♥️": "emoji", "★": "punctuation", "✓": "punctuation", "©": "punctuation", "\u200b": Other, "": Other,
	} {
		if got := Class(token, false, false); got != want {
			t.Errorf("%q is %s, want %s", token, got, want)
		}
	}
	for token, want := range map[string]string{"❤": "emoji", "\ufe0f": "emoji", "🐱": "emoji", "a": "letter", "1": "digit", "#": "punctuation", "★": "punctuation"} {
		if got := Class(token, false, true); got != want {
			t.Errorf("of code points, %q is %s, want %s", token, got, want)
		}
	}
	if got := Class("a", true, false); got != "end" {
		t.Errorf("the end token is %s", got)
	}
}

// TestAlign: the distance is that of a library; the steps lead from one text to the other and cost the distance.
func TestAlign(t *testing.T) {
	for _, c := range [][2]string{{"kitten", "sitting"}, {"", "abc"}, {"abc", ""}, {"", ""}, {"a dog runs", "the dog ran"}, {"flaw", "lawn"}, {"abab", "baba"}} {
		steps, distance := Align(strings.Split(c[0], ""), strings.Split(c[1], ""))
		if want := levenshtein.ComputeDistance(c[0], c[1]); distance != want {
			t.Errorf("%q to %q: distance %d, want %d", c[0], c[1], distance, want)
		}
		var from, to strings.Builder
		cost := 0
		for _, s := range steps {
			if s.Reference != Nothing {
				from.WriteString(s.Reference)
			}
			if s.Candidate != Nothing {
				to.WriteString(s.Candidate)
			}
			if s.Reference != s.Candidate {
				cost++
			}
		}
		if from.String() != c[0] || to.String() != c[1] || cost != distance {
			t.Errorf("%q to %q: steps %v cost %d", c[0], c[1], steps, cost)
		}
	}
}
