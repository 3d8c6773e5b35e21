package token

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func trained(t testing.TB, kind, unit string, minCount int, captions ...string) Tokenizer {
	t.Helper()
	k, err := Train(Settings{Tokenizer: kind, Unit: unit, MinCount: minCount}, slices.Values(captions))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var posts = []string{"hi 👋🏽 you", "the family 👨‍👩‍👧‍👦 is here ❤️", "café, naïve & 日本語 🇩🇪", "a"}

// TestCharactersRoundTrip: every training caption comes back byte for byte.
func TestCharactersRoundTrip(t *testing.T) {
	for _, unit := range []string{"codepoint", "grapheme"} {
		k := trained(t, "char", unit, 1, posts...)
		for _, text := range posts {
			if got := k.Decode(k.Encode(text)); got != text {
				t.Errorf("%s: %q came back as %q", unit, text, got)
			}
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		reason, text, unit string
		want               int
	}{
		{"a family is one grapheme", "👨‍👩‍👧‍👦", "grapheme", 1},
		{"and seven code points", "👨‍👩‍👧‍👦", "codepoint", 7},
		{"a flag is one grapheme", "🇩🇪", "grapheme", 1},
		{"a skin tone belongs to its hand", "👋🏽", "grapheme", 1},
		{"a heart with its variation selector", "❤️", "grapheme", 1},
	} {
		if got := Units(c.text, c.unit); len(got) != c.want || strings.Join(got, "") != c.text {
			t.Errorf("%s: %q has units %q", c.reason, c.text, got)
		}
	}
}

func TestWords(t *testing.T) {
	k := trained(t, "word", "grapheme", 2, "A dog runs.", "a DOG sleeps", "the cat's toy")
	if got := k.Decode(k.Encode("A dog, and the cat's dog!")); got != "a dog <unk> <unk> <unk> dog" {
		t.Errorf("got %q", got)
	}
	if k.Size() != 4+2 {
		t.Errorf("vocabulary of %d, want the 4 special tokens, a and dog", k.Size())
	}
}

func TestDecodeStopsAtEnd(t *testing.T) {
	k := trained(t, "char", "grapheme", 1, "ab")
	ids := append([]int32{Start}, k.Encode("ab")...)
	ids = append(ids, End, k.Encode("b")[0], Pad)
	if got := k.Decode(ids); got != "ab" {
		t.Errorf("got %q, want ab", got)
	}
	if got := k.Decode(k.Encode("axb")); got != "a\uFFFDb" {
		t.Errorf("an unknown character came back as %q", got)
	}
}

func TestSaveAndLoad(t *testing.T) {
	k := trained(t, "char", "grapheme", 1, posts...)
	var b bytes.Buffer
	if err := k.Save(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Load(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != k.Hash() || !slices.Equal(again.Encode(posts[2]), k.Encode(posts[2])) {
		t.Error("the loaded vocabulary differs")
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ reason, text string }{
		{"no JSON", "tokens: a"},
		{"an unknown tokenizer", `{"tokenizer":"bpe","unit":"grapheme","tokens":["a"]}`},
		{"an unknown unit", `{"tokenizer":"char","unit":"byte","tokens":["a"]}`},
		{"a token twice", `{"tokenizer":"char","unit":"grapheme","tokens":["a","a"]}`},
		{"an empty token", `{"tokenizer":"char","unit":"grapheme","tokens":[""]}`},
		{"an unknown field", `{"tokenizer":"char","unit":"grapheme","tokens":["a"],"size":1}`},
	} {
		if _, err := Load(strings.NewReader(c.text)); err == nil {
			t.Errorf("%s was accepted", c.reason)
		}
	}
}

func TestTrainRefusesAnEmptyVocabulary(t *testing.T) {
	if _, err := Train(Settings{Tokenizer: "word", Unit: "grapheme", MinCount: 3}, slices.Values([]string{"a b"})); err == nil {
		t.Error("no token occurs three times, yet there is a vocabulary")
	}
}

// FuzzRoundTrip: ids are always valid, and characters of a text that was trained on always come back.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range posts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind := range kinds {
			for _, unit := range []string{"codepoint", "grapheme"} {
				k, err := Train(Settings{Tokenizer: kind, Unit: unit, MinCount: 1}, slices.Values([]string{text}))
				if err != nil {
					continue // nothing to train on
				}
				ids := k.Encode(text)
				for _, id := range ids {
					if id < specials || int(id) >= k.Size() {
						t.Errorf("%s: %q has id %d of %d", kind, text, id, k.Size())
					}
				}
				if got := k.Decode(ids); kind == "char" && got != text {
					t.Errorf("%s: %q came back as %q", unit, text, got)
				}
			}
		}
	})
}
