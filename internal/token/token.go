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
	"slices"
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

// Tokenizer cuts text into the tokens of one vocabulary. It may be used by several goroutines.
type Tokenizer interface {
	Kind() string
	Encode(text string) []int32 // without special tokens, but for Unknown
	// Decode stops at End and skips Pad and Start. Unknown is "<unk>" among words and U+FFFD else. Bytes that make no
	// UTF-8 become U+FFFD, one for each maximal part of a character (Unicode 3.9, table 3-8).
	Decode(ids []int32) string
	// Lossless says whether text that is valid UTF-8 and has no unknown token comes back byte for byte.
	Lossless() bool
	Size() int // tokens, special ones included
	// Token is a token's text, for people: bytes that are no whole characters are written <0xF0>.
	Token(id int32) string
	Save(w io.Writer) error
	Hash() string // SHA-256 of what Save writes
}

// kind makes one kind of tokenizer, of captions or of a file that Save wrote. open refuses fields of other kinds.
type kind struct {
	train func(s Settings, captions iter.Seq[string]) (Tokenizer, error)
	open  func(f file) (Tokenizer, error)
}

// kinds are the tokenizers by their name in text.tokenizer.
var kinds = map[string]kind{
	"char": {trainList, openList},
	"word": {trainList, openList},
	"ptb":  {trainList, openList},
	"byte": {trainBytes, openBytes},
	"bpe":  {trainPairs, openPairs},
}

// file is vocab.json. Each kind has the fields that say all about it, and no others.
type file struct {
	Kind   string        `json:"tokenizer"`
	Unit   string        `json:"unit,omitempty"`
	Words  *WordSettings `json:"words,omitempty"`  // of words that are not cut by default
	Tokens []string      `json:"tokens,omitempty"` // from id 4 on; 0 to 3 are padding, start, end and unknown
	Merges []string      `json:"merges,omitempty"` // of bpe: "Ġ t", as in GPT-2's merges.txt
}

// Train builds the vocabulary of these captions. Captions must be valid UTF-8, as cleaned ones are: vocab.json could
// not keep other bytes.
func Train(s Settings, captions iter.Seq[string]) (Tokenizer, error) {
	k, ok := kinds[s.Tokenizer]
	if !ok {
		return nil, fmt.Errorf("text.tokenizer: %w", unknownKind(s.Tokenizer))
	}
	if err := s.Check().Err(); err != nil {
		return nil, err
	}
	for text := range captions {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("caption %.40q is not valid UTF-8", text)
		}
	}
	return k.train(s, captions)
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
	k, ok := kinds[f.Kind]
	if !ok {
		return nil, unknownKind(f.Kind)
	}
	return k.open(f)
}

func unknownKind(name string) error {
	return fmt.Errorf("unknown tokenizer %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
}

// special is the text of a special token that is not Unknown, or of none.
func special(id int32) string {
	switch id {
	case Pad:
		return "<pad>"
	case Start:
		return "<start>"
	case End:
		return "<end>"
	}
	return ""
}

// ordinary are the ids that Decode shows: those before End, without Pad and Start.
func ordinary(ids []int32) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for _, id := range ids {
			if id == End {
				return
			}
			if id != Pad && id != Start && !yield(id) {
				return
			}
		}
	}
}

func (f file) save(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(f)
}

func (f file) hash() string {
	var b bytes.Buffer
	if err := f.save(&b); err != nil {
		return "" // a bytes.Buffer takes everything
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}
