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
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
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
	// Decode stops at End and skips Pad and Start. Unknown is U+FFFD among characters and "<unk>" among words.
	Decode(ids []int32) string
	Size() int // tokens, special ones included
	Token(id int32) string
	Save(w io.Writer) error
	Hash() string // SHA-256 of what Save writes
}

// kind is how one tokenizer cuts text and joins it again.
type kind struct {
	split     func(text, unit string) []string
	separator string // between tokens that are joined
	unknown   string // what an unknown token is decoded to
}

// kinds are the tokenizers by their name in text.tokenizer.
var kinds = map[string]kind{
	"char": {Units, "", "\uFFFD"},
	"word": {words, " ", "<unk>"},
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
// equally frequent ones in byte order. Captions must be valid UTF-8, as cleaned ones are: vocab.json could not keep
// other bytes.
func Train(s Settings, captions iter.Seq[string]) (Tokenizer, error) {
	k, ok := kinds[s.Tokenizer]
	if !ok {
		return nil, fmt.Errorf("text.tokenizer: unknown tokenizer %q; known are %s", s.Tokenizer, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	counts := map[string]int{}
	for text := range captions {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("caption %.40q is not valid UTF-8", text)
		}
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

// Load reads what Save wrote, and nothing else: a file that was cut off, edited into another vocabulary or made by
// another tokenizer is an error.
func Load(r io.Reader) (Tokenizer, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the vocabulary is empty or cut off")
	} else if err != nil {
		return nil, fmt.Errorf("not a vocabulary: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the vocabulary")
	}
	return newVocabulary(f)
}

func newVocabulary(f file) (Tokenizer, error) {
	k, ok := kinds[f.Kind]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown tokenizer %q; known are %s", f.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	case f.Unit != "codepoint" && f.Unit != "grapheme":
		return nil, fmt.Errorf("unknown unit %q; known are codepoint, grapheme", f.Unit)
	case len(f.Tokens) == 0:
		return nil, errors.New("the vocabulary has no tokens")
	case len(f.Tokens) > math.MaxInt32-int(specials):
		return nil, fmt.Errorf("the vocabulary has too many tokens: %d", len(f.Tokens))
	}
	v := &vocabulary{kind: k, file: f, ids: make(map[string]int32, len(f.Tokens))}
	for n, t := range f.Tokens {
		id := specials + int32(n)
		if first, twice := v.ids[t]; twice {
			return nil, fmt.Errorf("token %q stands twice in the vocabulary, as %d and %d", t, first, id)
		}
		if parts := k.split(t, f.Unit); len(parts) != 1 || parts[0] != t {
			return nil, fmt.Errorf("token %d of the vocabulary, %q, is no token of tokenizer %q with unit %q", id, t, f.Kind, f.Unit)
		}
		v.ids[t] = id
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
	return strings.Join(parts, v.separator)
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
