package token

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func trained(t testing.TB, kind, unit string, minCount int, captions ...string) Tokenizer {
	t.Helper()
	k, err := Train(Settings{Tokenizer: kind, Unit: unit, MinCount: minCount, Words: defaultWords}, slices.Values(captions))
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
		{"an accent that stands apart belongs to its letter", "ae\u0301b", "grapheme", 3},
		{"and is a code point", "ae\u0301b", "codepoint", 4},
		{"CR LF is one grapheme", "a\r\nb", "grapheme", 3},
		{"plain letters around an emoji", "hi 👋🏽!", "grapheme", 5},
		{"a keycap", "1️⃣2", "grapheme", 2},
		{"an invalid byte is a unit", "a\xffb", "codepoint", 3},
		{"nothing", "", "grapheme", 0},
	} {
		if got := Units(c.text, c.unit); len(got) != c.want || strings.Join(got, "") != c.text {
			t.Errorf("%s: %q has units %q", c.reason, c.text, got)
		}
	}
}

// TestUnitsAgreeWithUniseg: the short cut for ASCII cuts as the Unicode rules do.
func TestUnitsAgreeWithUniseg(t *testing.T) {
	for _, text := range append(posts, "a\r\n\tb \u0301c", "x\u200dy", "\u0600a", "1️⃣#️⃣*️⃣") {
		var want []string
		for g := uniseg.NewGraphemes(text); g.Next(); {
			want = append(want, g.Str())
		}
		if got := Units(text, "grapheme"); !slices.Equal(got, want) {
			t.Errorf("%q has units %q, want %q", text, got, want)
		}
	}
}

func TestWordsAreCut(t *testing.T) {
	for _, c := range []struct {
		reason, text string
		want         []string
	}{
		{"lower case, punctuation left out", "A dog, (two) cats -- run.", []string{"a", "dog", "two", "cats", "run"}},
		{"apostrophes inside stay, quoting ones go", "'Don't' the dogs' o'clock '", []string{"don't", "the", "dogs", "o'clock"}},
		{"an ending that stands apart keeps its apostrophe", "the men 's team 'll win", []string{"the", "men", "'s", "team", "'ll", "win"}},
		{"a typographic apostrophe is the same word's", "don’t", []string{"don't"}},
		{"digits, and letters with them", "# 28 in the 1st", []string{"28", "in", "the", "1st"}},
		{"hyphens separate", "tri-colored", []string{"tri", "colored"}},
		{"emoji and what they are made of are no words", "love ❤️ 👍🏽 👨‍👩‍👧 🇩🇪", []string{"love"}},
		{"accents, joined or apart", "Café cafe\u0301", []string{"café", "cafe\u0301"}},
		{"other scripts", "Привет, мир!", []string{"привет", "мир"}},
		{"nothing", " ... ' ", nil},
	} {
		if got := defaultWords.cut(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q has words %q, want %q", c.reason, c.text, got, c.want)
		}
	}
}

func TestWordSettings(t *testing.T) {
	const text = "It's 'Any' Dog's… #1️⃣ 👩🏽‍🚀❤️ @me 10% Ⓜ️"
	for _, c := range []struct {
		s    WordSettings
		want string
	}{
		{WordSettings{true, drop, drop}, "it's any dog's me 10"},
		{WordSettings{false, drop, drop}, "It's Any Dog's me 10"},
		{WordSettings{true, keep, drop}, "it's ' any ' dog's … # @ me 10 %"},
		{WordSettings{true, drop, keep}, "it's any dog's 1️⃣ 👩🏽‍🚀 ❤️ me 10 Ⓜ️"},
		{WordSettings{false, keep, keep}, "It's ' Any ' Dog's … # 1️⃣ 👩🏽‍🚀 ❤️ @ me 10 % Ⓜ️"},
	} {
		if got := strings.Join(c.s.cut(text), " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.s, got, c.want)
		}
	}
}

// TestPTB: coco-caption's words, whose equality with the reference package ptb tests, and its punctuation where it is kept.
func TestPTB(t *testing.T) {
	for punctuation, want := range map[string]string{drop: "the dog 's ball ca n't roll", keep: "the dog 's ball ca n't roll , ..."} {
		k, err := Train(Settings{Tokenizer: "ptb", Unit: "grapheme", MinCount: 1, Words: WordSettings{true, punctuation, drop}},
			slices.Values([]string{"The dog's ball can't roll, ..."}))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Decode(k.Encode("The dog's ball can't roll, ...")); got != want {
			t.Errorf("punctuation %s: %q, want %q", punctuation, got, want)
		}
	}
}

// TestMaxVocabulary: the most frequent tokens stay.
func TestMaxVocabulary(t *testing.T) {
	k, err := Train(Settings{Tokenizer: "word", Unit: "grapheme", MinCount: 1, MaxSize: 6, Words: defaultWords}, slices.Values([]string{"a b a c b a"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Decode(k.Encode("a b c")); got != "a b <unk>" || k.Size() != 6 {
		t.Errorf("%q with a vocabulary of %d, want a b <unk> with 6", got, k.Size())
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

// TestIds: special tokens first, then the most frequent, and equally frequent ones in byte order, so that the same
// captions in another order give the same vocabulary.
func TestIds(t *testing.T) {
	k := trained(t, "char", "codepoint", 1, "bca", "cé")
	for id, want := range []string{"<pad>", "<start>", "<end>", "\uFFFD", "c", "a", "b", "é", "\uFFFD"} {
		if got := k.Token(int32(id)); got != want {
			t.Errorf("token %d is %q, want %q", id, got, want)
		}
	}
	if got := k.Encode("éx"); !slices.Equal(got, []int32{7, Unknown}) {
		t.Errorf("éx is %v", got)
	}
	if Pad != 0 || Start != 1 || End != 2 || Unknown != 3 {
		t.Error("the special ids are not 0 to 3, which batches and decoders rely on")
	}
	if other := trained(t, "char", "codepoint", 1, "éc", "abc"); other.Hash() != k.Hash() {
		t.Error("the order of the captions changed the vocabulary")
	}
}

func TestDescribe(t *testing.T) {
	k := trained(t, "char", "grapheme", 1, "ab")
	got := Describe(k, slices.Values([]string{"ab", "ax👋🏽b"}))
	if want := (Stats{Vocabulary: 6, Captions: 2, TokensPerCaption: 3, CharactersPerCaption: 3.5, UnknownRate: 2. / 6, Fertility: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := Describe(k, slices.Values([]string(nil))); got != (Stats{Vocabulary: 6}) {
		t.Errorf("no captions: %+v", got)
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
	for _, c := range []struct{ reason, text, want string }{
		{"nothing", "", "empty or cut off"},
		{"a file cut off", `{"tokenizer":"char","unit":"gra`, "empty or cut off"},
		{"no JSON", "tokens: a", "not a vocabulary"},
		{"an unknown tokenizer", `{"tokenizer":"wordpiece","unit":"grapheme","tokens":["a"]}`, "known are bpe, byte, char, ptb, word"},
		{"an unknown unit", `{"tokenizer":"char","unit":"byte","tokens":["a"]}`, `unknown unit "byte"`},
		{"no tokens", `{"tokenizer":"char","unit":"grapheme","tokens":[]}`, "no tokens"},
		{"a token twice", `{"tokenizer":"char","unit":"grapheme","tokens":["a","b","a"]}`, `"a" stands twice in the vocabulary, as 4 and 6`},
		{"an empty token", `{"tokenizer":"char","unit":"grapheme","tokens":[""]}`, "is no token of"},
		{"two characters", `{"tokenizer":"char","unit":"grapheme","tokens":["ab"]}`, "is no token of"},
		{"a cluster among code points", `{"tokenizer":"char","unit":"codepoint","tokens":["👋🏽"]}`, "is no token of"},
		{"punctuation among words", `{"tokenizer":"word","unit":"grapheme","tokens":["a",","]}`, "token 5 of the vocabulary"},
		{"a capital among words", `{"tokenizer":"word","unit":"grapheme","tokens":["Dog"]}`, "is no token of"},
		{"merges of characters", `{"tokenizer":"char","unit":"grapheme","tokens":["a"],"merges":["a b"]}`, "has no merges"},
		{"settings of words among characters", `{"tokenizer":"char","unit":"grapheme","words":{"lowercase":true,"punctuation":"keep","emoji":"drop"},"tokens":["a"]}`, "no settings of words"},
		{"settings that no config has", `{"tokenizer":"word","unit":"grapheme","words":{"lowercase":true,"punctuation":"some","emoji":"drop"},"tokens":["a"]}`, `words.punctuation of the vocabulary is "some"`},
		{"an emoji where they are left out", `{"tokenizer":"word","unit":"grapheme","tokens":["😀"]}`, "is no token of"},
		{"a space in a word", `{"tokenizer":"ptb","unit":"grapheme","tokens":["a b"]}`, "is no token of"},
		{"tokens of bytes", `{"tokenizer":"byte","tokens":["a"]}`, "no field but merges"},
		{"merges of bytes", `{"tokenizer":"byte","merges":["a b"]}`, "has no merges"},
		{"a unit of pieces", `{"tokenizer":"bpe","unit":"grapheme","merges":["a b"]}`, "no field but merges"},
		{"a merge of one", `{"tokenizer":"bpe","merges":["ab"]}`, "merge 0 of the vocabulary, \"ab\", is not two tokens"},
		{"a merge of three", `{"tokenizer":"bpe","merges":["a b c"]}`, "stands for no byte"},
		{"a merge of nothing", `{"tokenizer":"bpe","merges":["a "]}`, "empty token"},
		{"a character that stands for no byte", `{"tokenizer":"bpe","merges":["a 日"]}`, "'日' stands for no byte"},
		{"a merge of what there is not yet", `{"tokenizer":"bpe","merges":["a bc","b c"]}`, "no merge before it makes \"bc\""},
		{"a merge twice", `{"tokenizer":"bpe","merges":["a b","a b"]}`, "stands twice in the vocabulary, as 0 and 1"},
		{"a field too many", `{"tokenizer":"char","unit":"grapheme","tokens":["a"],"size":1}`, "size"},
		{"two vocabularies", `{"tokenizer":"char","unit":"grapheme","tokens":["a"]}{}`, "follows"},
	} {
		if _, err := Load(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.reason, err, c.want)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	for _, c := range []struct {
		reason, want string
		s            Settings
		caption      string
	}{
		{"no token occurs three times", "text.min_count", Settings{Tokenizer: "word", Unit: "grapheme", MinCount: 3, Words: defaultWords}, "a b"},
		{"an unknown tokenizer", "known are bpe, byte, char, ptb, word", Settings{Tokenizer: "wordpiece", Unit: "grapheme", MinCount: 1}, "a"},
		{"an unknown unit", "unknown unit", Settings{Tokenizer: "char", Unit: "byte", MinCount: 1}, "a"},
		{"bytes that are not UTF-8", "not valid UTF-8", Settings{Tokenizer: "char", Unit: "grapheme", MinCount: 1}, "a\xff"},
		{"pieces without text", "no text", Settings{Tokenizer: "bpe"}, ""},
		{"a vocabulary without room for bytes", "at least 260", Settings{Tokenizer: "bpe", MaxSize: 259}, "a"},
		{"a vocabulary of special tokens alone", "at least 5", Settings{Tokenizer: "char", Unit: "grapheme", MaxSize: 4}, "a"},
	} {
		if _, err := Train(c.s, slices.Values([]string{c.caption})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.reason, err, c.want)
		}
	}
}

// everyKind are settings of every kind of tokenizer, in all their forms that cut text differently.
func everyKind() (all []Settings) {
	for _, unit := range []string{"codepoint", "grapheme"} {
		all = append(all, Settings{Tokenizer: "char", Unit: unit, MinCount: 1, Words: defaultWords})
	}
	for _, w := range []WordSettings{defaultWords, {true, keep, keep}, {false, drop, keep}, {false, keep, drop}} {
		all = append(all, Settings{Tokenizer: "word", Unit: "grapheme", MinCount: 1, Words: w})
	}
	for _, w := range []WordSettings{defaultWords, {true, keep, drop}} {
		all = append(all, Settings{Tokenizer: "ptb", Unit: "grapheme", MinCount: 1, Words: w})
	}
	return append(all, Settings{Tokenizer: "byte"}, Settings{Tokenizer: "bpe", MinCount: 1}, Settings{Tokenizer: "bpe", MinCount: 2, MaxSize: 300})
}

// TestEveryKind: everyKind leaves none out, and the config knows all of them.
func TestEveryKind(t *testing.T) {
	var tried []string
	for _, s := range everyKind() {
		tried = append(tried, s.Tokenizer)
	}
	known := slices.Sorted(maps.Keys(kinds))
	if tried = slices.Compact(slices.Sorted(slices.Values(tried))); !slices.Equal(tried, known) {
		t.Errorf("everyKind has %v, kinds has %v", tried, known)
	}
	field, _ := reflect.TypeFor[Settings]().FieldByName("Tokenizer")
	if inConfig := strings.Fields(field.Tag.Get("oneof")); !slices.Equal(inConfig, known) {
		t.Errorf("the config allows %v, kinds has %v", inConfig, known)
	}
}

// TestDefaultWords: the config's defaults are what a vocabulary file means that does not say.
func TestDefaultWords(t *testing.T) {
	tags, values := reflect.TypeFor[WordSettings](), reflect.ValueOf(defaultWords)
	for n := range tags.NumField() {
		if tag, value := tags.Field(n).Tag.Get("default"), fmt.Sprint(values.Field(n)); tag != value {
			t.Errorf("%s is %s by its tag and %s by default", tags.Field(n).Name, tag, value)
		}
	}
}

// FuzzRoundTrip: ids are always valid, also those of a text that was not trained on; a tokenizer that promises it gives back the
// text that it was trained on, and what it gives back of any text has the same ids again where nothing was unknown; what is saved
// can be loaded and is the same.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range posts {
		f.Add(text, "don't 'İ'")
	}
	f.Add("<a href=\"x y\">'tis 555 1234</a>", "aaaa\xf0\x9f aaa")
	f.Add("#️⃣1️⃣ Ⓜ️ '' ''s ’s 'abc' ''", "\u0600a \u200d😀\u200d \ufe0f")
	f.Fuzz(func(t *testing.T, text, other string) {
		for _, s := range everyKind() {
			k, err := Train(s, slices.Values([]string{text}))
			if err != nil {
				continue // nothing to train on, or not UTF-8
			}
			ids := k.Encode(text)
			if slices.Contains(ids, Unknown) {
				t.Errorf("%+v: a token of %q is unknown", s, text)
			}
			for _, id := range append(k.Encode(other), ids...) {
				if id < Unknown || int(id) >= k.Size() {
					t.Errorf("%+v: id %d of %d", s, id, k.Size())
				}
				if !utf8.ValidString(k.Token(id)) {
					t.Errorf("%+v: token %d is %q", s, id, k.Token(id))
				}
			}
			got := k.Decode(ids)
			if k.Lossless() && got != text {
				t.Errorf("%+v: %q came back as %q", s, text, got)
			}
			if again := k.Encode(got); !slices.Equal(again, ids) && s.Tokenizer != "ptb" { // whose tokens depend on what stands around them
				t.Errorf("%+v: %q has ids %v, decoded and encoded again %v", s, text, ids, again)
			}
			if got := k.Decode(k.Encode(other)); k.Lossless() && !slices.Contains(k.Encode(other), Unknown) && got != toUTF8(other) {
				t.Errorf("%+v: %q came back as %q", s, other, got)
			}
			var b bytes.Buffer
			if err := k.Save(&b); err != nil {
				t.Fatal(err)
			}
			if loaded, err := Load(&b); err != nil || loaded.Hash() != k.Hash() || !slices.Equal(loaded.Encode(text), ids) {
				t.Errorf("%+v: the vocabulary of %q was not loaded again: %v", s, text, err)
			}
		}
	})
}

// FuzzLoad: no file makes Load panic, and a vocabulary that it takes is what Save writes.
func FuzzLoad(f *testing.F) {
	f.Add(`{"tokenizer":"char","unit":"grapheme","tokens":["a","👋🏽"]}`)
	f.Add(`{"tokenizer":"word","unit":"codepoint","tokens":["don't"]} x`)
	f.Add(`{"tokenizer":"word","unit":"grapheme","words":{"lowercase":false,"punctuation":"keep","emoji":"keep"},"tokens":["A","👋🏽","."]}`)
	f.Add(`{"tokenizer":"byte"}`)
	f.Add(`{"tokenizer":"bpe","merges":["Ġ t","ð Ł","Ġt h"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := k.Save(&b); err != nil {
			t.Fatal(err)
		}
		if again, err := Load(&b); err != nil || again.Hash() != k.Hash() {
			t.Errorf("%q was loaded but not again: %v", text, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	k := trained(b, "char", "grapheme", 1, posts...)
	for b.Loop() {
		k.Encode("A child in a pink dress is climbing up a set of stairs in an entry way .")
	}
}
