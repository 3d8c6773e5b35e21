// Package token turns caption text into token ids and back.
package token

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Ids of the special tokens; ordinary tokens follow.
const (
	Pad int32 = iota
	Start
	End
	Unknown
	specials
)

// Tokenizer cuts text into the tokens of one vocabulary.
type Tokenizer interface {
	Kind() string
	Encode(text string) []int32 // without special tokens, but for Unknown
	Decode(ids []int32) string  // stops at End and skips Pad and Start
	Size() int                  // tokens, special ones included
	Token(id int32) string
	Save(w io.Writer) error
	Hash() string // SHA-256 of what Save writes
}

// kind is how one tokenizer cuts text and joins it again.
type kind struct {
	split   func(text, unit string) []string
	join    func(tokens []string) string
	unknown string // what an unknown token is decoded to
}

// kinds are the tokenizers by their name in text.tokenizer.
var kinds = map[string]kind{
	"char": {Units, func(tokens []string) string { return strings.Join(tokens, "") }, "\uFFFD"},
	"word": {words, func(tokens []string) string { return strings.Join(tokens, " ") }, "<unk>"},
}

// Units cuts text into characters: code points, or grapheme clusters, which keep an emoji of several code points
// whole. Joined, they are the text again.
func Units(text, unit string) []string {
	out := make([]string, 0, len(text))
	if unit == "codepoint" {
		for at, r := range text {
			out = append(out, text[at:at+runeLength(text[at:], r)])
		}
		return out
	}
	state := -1
	for text != "" {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		out = append(out, cluster)
	}
	return out
}

// runeLength is the length of r in bytes; an invalid byte, which ranges as U+FFFD, has one.
func runeLength(text string, r rune) int {
	if r == unicode.ReplacementChar && !strings.HasPrefix(text, "\uFFFD") {
		return 1
	}
	return len(string(r))
}

// words are lower-case runs of letters, marks, digits and apostrophes; punctuation and symbols are left out.
func words(text, _ string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '\'' && r != '’'
	})
}

// vocabulary implements Tokenizer.
type vocabulary struct {
	kind
	file file
	ids  map[string]int32
}

// file is vocab.json.
type file struct {
	Kind   string   `json:"tokenizer"`
	Unit   string   `json:"unit"`
	Tokens []string `json:"tokens"` // from id 4 on; 0 to 3 are padding, start, end and unknown
}

// Train builds the vocabulary of these captions: the tokens seen at least MinCount times, the most frequent first,
// equally frequent ones in code point order.
func Train(s Settings, captions iter.Seq[string]) (Tokenizer, error) {
	k, ok := kinds[s.Tokenizer]
	if !ok {
		return nil, fmt.Errorf("text.tokenizer: unknown tokenizer %q", s.Tokenizer)
	}
	counts := map[string]int{}
	for text := range captions {
		for _, t := range k.split(text, s.Unit) {
			counts[t]++
		}
	}
	f := file{Kind: s.Tokenizer, Unit: s.Unit}
	for t, n := range counts {
		if n >= s.MinCount {
			f.Tokens = append(f.Tokens, t)
		}
	}
	if len(f.Tokens) == 0 {
		return nil, fmt.Errorf("no token occurs %d times in the training captions (text.min_count)", s.MinCount)
	}
	sort.Slice(f.Tokens, func(a, b int) bool {
		if ca, cb := counts[f.Tokens[a]], counts[f.Tokens[b]]; ca != cb {
			return ca > cb
		}
		return f.Tokens[a] < f.Tokens[b]
	})
	return newVocabulary(f)
}

// Load reads what Save wrote.
func Load(r io.Reader) (Tokenizer, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	return newVocabulary(f)
}

func newVocabulary(f file) (Tokenizer, error) {
	k, ok := kinds[f.Kind]
	if !ok {
		return nil, fmt.Errorf("vocabulary: unknown tokenizer %q", f.Kind)
	}
	if f.Unit != "codepoint" && f.Unit != "grapheme" {
		return nil, fmt.Errorf("vocabulary: unknown unit %q", f.Unit)
	}
	v := &vocabulary{kind: k, file: f, ids: make(map[string]int32, len(f.Tokens))}
	for n, t := range f.Tokens {
		if _, twice := v.ids[t]; twice || t == "" {
			return nil, errors.New("vocabulary: a token is empty or stands twice")
		}
		v.ids[t] = specials + int32(n)
	}
	return v, nil
}

func (v *vocabulary) Kind() string { return v.file.Kind }
func (v *vocabulary) Size() int    { return int(specials) + len(v.file.Tokens) }

func (v *vocabulary) Encode(text string) []int32 {
	parts := v.split(text, v.file.Unit)
	ids := make([]int32, len(parts))
	for n, t := range parts {
		id, ok := v.ids[t]
		if !ok {
			id = Unknown
		}
		ids[n] = id
	}
	return ids
}

func (v *vocabulary) Decode(ids []int32) string {
	if n := slices.Index(ids, End); n >= 0 {
		ids = ids[:n]
	}
	parts := make([]string, 0, len(ids))
	for _, id := range ids {
		if id != Pad && id != Start {
			parts = append(parts, v.Token(id))
		}
	}
	return v.join(parts)
}

func (v *vocabulary) Token(id int32) string {
	switch {
	case id == Pad:
		return "<pad>"
	case id == Start:
		return "<start>"
	case id == End:
		return "<end>"
	case id < specials || int(id) >= v.Size():
		return v.unknown
	}
	return v.file.Tokens[id-specials]
}

func (v *vocabulary) Save(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(v.file)
}

func (v *vocabulary) Hash() string {
	var b bytes.Buffer
	if err := v.Save(&b); err != nil {
		return "" // a bytes.Buffer takes everything
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// Stats describe a tokenizer on some captions.
type Stats struct {
	Vocabulary           int
	TokensPerCaption     float64
	CharactersPerCaption float64 // code points
	UnknownRate          float64 // share of tokens
}

// Describe measures a tokenizer on captions.
func Describe(t Tokenizer, captions iter.Seq[string]) Stats {
	s, n, tokens, unknown, characters := Stats{Vocabulary: t.Size()}, 0, 0, 0, 0
	for text := range captions {
		n++
		for _, id := range t.Encode(text) {
			tokens++
			if id == Unknown {
				unknown++
			}
		}
		characters += len([]rune(text))
	}
	s.TokensPerCaption, s.CharactersPerCaption = float64(tokens)/float64(max(n, 1)), float64(characters)/float64(max(n, 1))
	s.UnknownRate = float64(unknown) / float64(max(tokens, 1))
	return s
}
