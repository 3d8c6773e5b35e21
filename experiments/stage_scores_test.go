package experiments

import (
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/token"
)

// tokenized is an experiment that has come as far as its tokenizer.
func tokenized(t *testing.T, s token.Settings, captions ...string) *experiment {
	t.Helper()
	k, err := token.Train(s, slices.Values(captions))
	if err != nil {
		t.Fatal(err)
	}
	return &experiment{tokenizer: k}
}

// TestClassesOfTokens: what a matrix calls the tokens of a text, by every kind of tokenizer.
func TestClassesOfTokens(t *testing.T) {
	const text = "two dogs 🐶!"
	words := token.WordSettings{Lowercase: true, Punctuation: "keep", Emoji: "keep"}
	for _, c := range []struct {
		s    token.Settings
		want string
	}{
		{token.Settings{Tokenizer: "char", Unit: "grapheme"}, "letter letter letter space letter letter letter letter space emoji punctuation"},
		{token.Settings{Tokenizer: "word", Unit: "grapheme", Words: words}, "letter letter emoji punctuation"},
		{token.Settings{Tokenizer: "byte"}, "letter letter letter space letter letter letter letter space bytes bytes bytes bytes punctuation"},
		{token.Settings{Tokenizer: "bpe", MinCount: 2}, "letter letter emoji punctuation"}, // the emoji's token begins with the space
		{token.Settings{Tokenizer: "bpe", MaxSize: 260}, "letter letter letter space letter letter letter letter space bytes bytes bytes bytes punctuation"},
	} {
		e := tokenized(t, c.s, text, "two dogs 🐶 two dogs 🐶", "two two")
		var got []string
		for _, id := range e.tokenizer.Encode(text) {
			got = append(got, e.class(id))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: the classes are %v, want %s", c.s, got, c.want)
		}
		if has, must := slices.Contains(e.classes(), score.Bytes), c.s.Tokenizer == "byte" || c.s.Tokenizer == "bpe"; has != must {
			t.Errorf("%s: classes are %v", c.s.Tokenizer, e.classes())
		}
		if e.class(token.End) != "end" || e.class(token.Unknown) != score.Other {
			t.Errorf("%s: end and unknown are %s and %s", c.s.Tokenizer, e.class(token.End), e.class(token.Unknown))
		}
	}
}

// TestWordsThatAreLabels: the words "end" and "other" don't count as what the rows of the end and of all others stand for.
func TestWordsThatAreLabels(t *testing.T) {
	e := tokenized(t, token.Settings{Tokenizer: "word", Unit: "grapheme", Words: token.WordSettings{Lowercase: true, Punctuation: "drop", Emoji: "drop"}},
		"each other at the end")
	var got []string
	for _, id := range append(e.tokenizer.Encode("each other at the end"), token.End) {
		got = append(got, e.label(id))
	}
	if want := []string{"each", `"other"`, "at", "the", "end", endLabel}; !slices.Equal(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}

// TestFreeRunningClasses: captions of bytes are aligned byte by byte, and a part of an emoji that is wrong counts as bytes.
func TestFreeRunningClasses(t *testing.T) {
	e := tokenized(t, token.Settings{Tokenizer: "byte"})
	_, m, tally := e.aligned([]string{"a 🐱."}, [][]string{{"something else", "a 🐶!"}}, []string{score.Other})
	at := func(truth, predicted string) int {
		return m.Counts[slices.Index(m.Labels, truth)][slices.Index(m.Labels, predicted)]
	}
	if m.Total() != 7 || at("letter", "letter") != 1 || at("space", "space") != 1 || at(score.Bytes, score.Bytes) != 4 || at("punctuation", "punctuation") != 1 {
		t.Errorf("counts %v of %v", m.Counts, m.Labels)
	}
	if tally.Total != 7 || tally.Correct != 5 { // the emoji differ in their last byte alone
		t.Errorf("%d of %d bytes are right, want 5 of 7", tally.Correct, tally.Total)
	}
}
