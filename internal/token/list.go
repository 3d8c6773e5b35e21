package token

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
)

// cutter is how a tokenizer whose tokens are listed in its vocabulary cuts text and joins it again.
type cutter struct {
	cut       func(text string) []string
	isToken   func(token string) bool // whether cut can give this token
	separator string                  // between tokens that are joined
	unknown   string                  // what an unknown token is decoded to
}

// newCutter is the cutter of a kind with a file's settings.
func newCutter(f file) cutter {
	words := defaultWords
	if f.Words != nil {
		words = *f.Words
	}
	// Cutting a token again gives the token.
	itself := func(cut func(string) []string) func(string) bool {
		return func(token string) bool {
			parts := cut(token)
			return len(parts) == 1 && parts[0] == token
		}
	}
	switch f.Kind {
	case "word":
		cut := func(text string) []string { return words.cut(text) }
		return cutter{cut, itself(cut), " ", "<unk>"}
	case "ptb":
		return cutter{func(text string) []string { return ptbWords(text, words) }, isPTBWord, " ", "<unk>"}
	}
	cut := func(text string) []string { return Units(text, f.Unit) }
	return cutter{cut, itself(cut), "", replacement}
}

// list is a Tokenizer whose vocabulary lists its tokens; text without one is unknown.
type list struct {
	cutter
	file file
	ids  map[string]int32
}

// trainList takes the tokens seen at least MinCount times, the most frequent first, equally frequent ones in byte
// order.
func trainList(s Settings, captions iter.Seq[string]) (Tokenizer, error) {
	f := file{Kind: s.Tokenizer, Unit: s.Unit}
	if s.Words != defaultWords && f.Kind != "char" {
		f.Words = &s.Words
	}
	if err := f.checkList(); err != nil {
		return nil, err
	}
	counts, cut := map[string]int{}, newCutter(f).cut
	for text := range captions {
		for _, t := range cut(text) {
			counts[t]++
		}
	}
	for t, n := range counts {
		if n >= s.MinCount {
			f.Tokens = append(f.Tokens, t)
		}
	}
	if len(f.Tokens) == 0 {
		return nil, fmt.Errorf("no token occurs %d times in the training captions (text.min_count)", s.MinCount)
	}
	slices.SortFunc(f.Tokens, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	if s.MaxSize > 0 {
		f.Tokens = f.Tokens[:min(len(f.Tokens), s.MaxSize-int(specials))]
	}
	return openList(f)
}

// checkList looks at all but the tokens.
func (f file) checkList() error {
	switch {
	case f.Unit != "codepoint" && f.Unit != "grapheme":
		return fmt.Errorf("unknown unit %q; known are codepoint, grapheme", f.Unit)
	case len(f.Merges) > 0:
		return fmt.Errorf("a vocabulary of tokenizer %q has no merges", f.Kind)
	case f.Words == nil:
		return nil
	case f.Kind == "char":
		return errors.New("a vocabulary of characters has no settings of words")
	}
	return f.Words.valid()
}

func openList(f file) (Tokenizer, error) {
	if err := f.checkList(); err != nil {
		return nil, err
	}
	switch {
	case len(f.Tokens) == 0:
		return nil, errors.New("the vocabulary has no tokens")
	case len(f.Tokens) > math.MaxInt32-int(specials):
		return nil, fmt.Errorf("the vocabulary has too many tokens: %d", len(f.Tokens))
	}
	v := &list{cutter: newCutter(f), file: f, ids: make(map[string]int32, len(f.Tokens))}
	for n, t := range f.Tokens {
		id := specials + int32(n)
		if first, twice := v.ids[t]; twice {
			return nil, fmt.Errorf("token %q stands twice in the vocabulary, as %d and %d", t, first, id)
		}
		if !v.isToken(t) {
			return nil, fmt.Errorf("token %d of the vocabulary, %q, is no token of tokenizer %q with unit %q", id, t, f.Kind, f.Unit)
		}
		v.ids[t] = id
	}
	return v, nil
}

func (v *list) Kind() string           { return v.file.Kind }
func (v *list) Size() int              { return int(specials) + len(v.file.Tokens) }
func (v *list) Lossless() bool         { return v.separator == "" } // words lose what stood between them
func (v *list) Save(w io.Writer) error { return v.file.save(w) }
func (v *list) Hash() string           { return v.file.hash() }

func (v *list) Encode(text string) []int32 {
	parts := v.cut(text)
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

func (v *list) Decode(ids []int32) string {
	parts := make([]string, 0, len(ids))
	for id := range ordinary(ids) {
		parts = append(parts, v.Token(id))
	}
	return strings.Join(parts, v.separator)
}

func (v *list) Token(id int32) string {
	if text := special(id); text != "" {
		return text
	}
	if id < specials || int(id) >= v.Size() {
		return v.unknown
	}
	return v.file.Tokens[id-specials]
}

// isPTBWord is whether a token can be one of ptb's: it has no white space. Cut again, alone, it may be several, because
// the Penn Treebank tokenization looks at what stands around a word.
func isPTBWord(token string) bool { return token != "" && !strings.ContainsAny(token, " \t\n\r") }
