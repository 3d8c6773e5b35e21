package token

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
)

// pair are two tokens that stand beside each other.
type pair struct{ left, right int32 }

// merge makes one token of a pair; of several that are possible the one of the lowest rank comes first.
type merge struct {
	rank int
	id   int32
}

// pairs is the byte-level Tokenizer: the text's 256 bytes, of which byte-pair encoding (Sennrich et al. 2016, over
// bytes as GPT-2 has it) merges those that often stand together. Without merges it is the tokenizer of bytes. Any
// text can be encoded, so that no token is ever unknown.
type pairs struct {
	file   file
	bytes  []string // of each token, from id 4 on
	ids    [256]int32
	merges map[pair]merge

	lock  sync.RWMutex
	cache map[string][]int32 // of pieces seen before
}

// cacheSize is how many pieces' ids are kept: more than there are words in most data sets.
const cacheSize = 1 << 16

func trainBytes(Settings, iter.Seq[string]) (Tokenizer, error) { return openBytes(file{Kind: "byte"}) }

func openBytes(f file) (Tokenizer, error) {
	if len(f.Merges) > 0 {
		return nil, errors.New("a vocabulary of bytes has no merges")
	}
	return openPairs(f)
}

func openPairs(f file) (Tokenizer, error) {
	if f.Unit != "" || f.Words != nil || len(f.Tokens) > 0 {
		return nil, fmt.Errorf("a vocabulary of tokenizer %q has no field but merges", f.Kind)
	}
	p := &pairs{file: f, merges: make(map[pair]merge, len(f.Merges)), cache: map[string][]int32{}}
	known := make(map[string]int32, 256+len(f.Merges))
	add := func(bytes string) int32 {
		id, ok := known[bytes]
		if !ok {
			id = specials + int32(len(p.bytes))
			known[bytes], p.bytes = id, append(p.bytes, bytes)
		}
		return id
	}
	letters := newAlphabet()
	for _, b := range letters.order {
		p.ids[b] = add(string([]byte{b}))
	}
	for rank, line := range f.Merges {
		var both pair
		var joined string
		left, right, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("merge %d of the vocabulary, %q, is not two tokens with a space between them", rank, line)
		}
		for _, side := range []struct {
			text string
			id   *int32
		}{{left, &both.left}, {right, &both.right}} {
			bytes, err := letters.read(side.text)
			if err != nil {
				return nil, fmt.Errorf("merge %d of the vocabulary, %q: %w", rank, line, err)
			}
			id, ok := known[bytes]
			if !ok {
				return nil, fmt.Errorf("merge %d of the vocabulary, %q: no merge before it makes %q", rank, line, side.text)
			}
			*side.id, joined = id, joined+bytes
		}
		if first, twice := p.merges[both]; twice {
			return nil, fmt.Errorf("merge %q stands twice in the vocabulary, as %d and %d", line, first.rank, rank)
		}
		p.merges[both] = merge{rank, add(joined)}
	}
	return p, nil
}

func (p *pairs) Kind() string           { return p.file.Kind }
func (p *pairs) Size() int              { return int(specials) + len(p.bytes) }
func (p *pairs) Lossless() bool         { return true }
func (p *pairs) Save(w io.Writer) error { return p.file.save(w) }
func (p *pairs) Hash() string           { return p.file.hash() }

func (p *pairs) Encode(text string) []int32 {
	ids := make([]int32, 0, len(text))
	if len(p.merges) == 0 {
		for n := range len(text) {
			ids = append(ids, p.ids[text[n]])
		}
		return ids
	}
	for piece := range pieces(text) {
		ids = append(ids, p.piece(piece)...)
	}
	return ids
}

// piece encodes a piece, which merges do not cross.
func (p *pairs) piece(text string) []int32 {
	p.lock.RLock()
	ids, ok := p.cache[text]
	p.lock.RUnlock()
	if ok {
		return ids
	}
	ids = make([]int32, len(text))
	for n := range ids {
		ids[n] = p.ids[text[n]]
	}
	for {
		best, at := merge{rank: len(p.merges)}, -1
		for n := range len(ids) - 1 {
			if m, ok := p.merges[pair{ids[n], ids[n+1]}]; ok && m.rank < best.rank {
				best, at = m, n
			}
		}
		if at < 0 {
			break
		}
		ids[at] = best.id
		ids = append(ids[:at+1], ids[at+2:]...)
	}
	p.lock.Lock()
	if len(p.cache) >= cacheSize {
		clear(p.cache)
	}
	p.cache[strings.Clone(text)] = ids
	p.lock.Unlock()
	return ids
}

func (p *pairs) Decode(ids []int32) string {
	var b strings.Builder
	for id := range ordinary(ids) {
		if id < specials || int(id) >= p.Size() {
			b.WriteString(replacement)
			continue
		}
		b.WriteString(p.bytes[id-specials])
	}
	return toUTF8(b.String())
}

func (p *pairs) Token(id int32) string {
	if text := special(id); text != "" {
		return text
	}
	if id < specials || int(id) >= p.Size() {
		return replacement
	}
	return readable(p.bytes[id-specials])
}
