package token

import (
	"slices"
	"strings"
	"testing"
)

// TestEmojiOfSeveralTokens: an emoji comes back whole from the tokens of its bytes, and a part of it is U+FFFD.
func TestEmojiOfSeveralTokens(t *testing.T) {
	const family = "👨‍👩‍👧‍👦"
	for kind, k := range map[string]Tokenizer{
		"byte": trained(t, "byte", "", 1),
		"bpe":  trained(t, "bpe", "", 1, "no emoji in here"),
	} {
		ids := k.Encode(family)
		if len(ids) != len(family) || k.Decode(ids) != family {
			t.Errorf("%s: %d tokens come back as %q", kind, len(ids), k.Decode(ids))
		}
		for _, c := range []struct {
			reason string
			ids    []int32
			want   string
		}{
			{"a caption that was cut off within a character", ids[:6], "👨\uFFFD"},
			{"the rest of it", ids[1:4], "\uFFFD\uFFFD\uFFFD"},
			{"special tokens between its bytes", slices.Concat([]int32{Start}, ids[:2], []int32{Pad}, ids[2:4], []int32{End}, ids), "👨"},
			{"an unknown token", slices.Concat(ids[:4], []int32{Unknown}), "👨\uFFFD"},
			{"an id out of the vocabulary", []int32{int32(k.Size()), -1}, "\uFFFD\uFFFD"},
		} {
			if got := k.Decode(c.ids); got != c.want {
				t.Errorf("%s: %s: %q, want %q", kind, c.reason, got, c.want)
			}
		}
		for id, want := range map[int32]string{Pad: "<pad>", Start: "<start>", End: "<end>", Unknown: "\uFFFD", ids[0]: "<0xF0>", k.Encode("a")[0]: "a"} {
			if got := k.Token(id); got != want {
				t.Errorf("%s: token %d is %q, want %q", kind, id, got, want)
			}
		}
	}
	if k := trained(t, "bpe", "", 1, "love "+family, "love love"); len(k.Encode("love "+family)) != 2 {
		t.Errorf("trained on it, the tokens are %v", k.Encode("love "+family))
	} else if got := k.Token(k.Encode("love " + family)[1]); got != " "+family {
		t.Errorf("the emoji's token is %q", got)
	}
}

// TestPieces: GPT-2's pre-tokenization, as its regular expression has it.
func TestPieces(t *testing.T) {
	for _, c := range []struct{ reason, text, want string }{
		{"words with the space before them", "A dog runs", "A| dog| runs"},
		{"endings", "it's they've I'M", "it|'s| they|'ve| I|'|M"},
		{"an ending that stands apart is none", "dog 's", "dog| '|s"},
		{"numbers and signs apart", "C3PO!!! 4 €", "C|3|PO|!!!| 4| €"},
		{"the last of several spaces goes with the word", "a  b   c ", "a| | b|  | c| "},
		{"other white space stands alone", "a\t\tb\u00a0c", "a|\t|\t|b|\u00a0|c"},
		{"an emoji's parts stay together", "hi 👩🏽‍🚀❤️!", "hi| 👩🏽‍🚀❤️!"},
		{"accents that stand apart are no letters", "cafe\u0301s", "cafe|\u0301|s"},
		{"nothing", "", ""},
	} {
		got := slices.Collect(pieces(c.text))
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q has pieces %q", c.reason, c.text, got)
		}
	}
}

// TestMergesOfAWord: by rank, the leftmost first, and one token made in two ways is one.
func TestMergesOfAWord(t *testing.T) {
	k, err := openPairs(file{Kind: "bpe", Merges: []string{"a a", "b c", "aa b", "aa bc", "a b", "ab c", "aab c"}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"aaa":  {"aa", "a"},
		"aabc": {"aabc"},
		"aab":  {"aab"},
		"abc":  {"a", "bc"},
		"abab": {"ab", "ab"},
	} {
		var got []string
		for _, id := range k.Encode(text) {
			got = append(got, k.Token(id))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q has tokens %q, want %q", text, got, want)
		}
	}
	if k.Size() != byteLevelSize+6 {
		t.Errorf("vocabulary of %d, want 6 tokens more than bytes: aabc is made twice", k.Size())
	}
}

// TestEncodeTogether: encoding from several goroutines gives each its own ids (with the race detector).
func TestEncodeTogether(t *testing.T) {
	k := trained(t, "bpe", "", 1, posts...)
	done := make(chan string)
	for n := range 8 {
		go func() { done <- k.Decode(k.Encode(posts[n%len(posts)])) }()
	}
	for range 8 {
		if got := <-done; !slices.Contains(posts, got) {
			t.Errorf("got %q", got)
		}
	}
}
