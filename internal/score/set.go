package score

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/captionlab/captionlab/internal/ptb"
)

// maxOrder is the longest n-gram of BLEU and CIDEr.
const maxOrder = 4

// set is the images with their captions tokenized and numbered once, for all metrics.
type set struct {
	images []Image
	meteor *METEOR
	tokens func() []caption // of each image its candidate, then its references
	grams  func() *grams
	first  []int // index of each image's candidate in tokens, and behind the last one
}

func newSet(images []Image, meteor *METEOR) (*set, error) {
	if err := check(images); err != nil {
		return nil, err
	}
	s := &set{images: images, meteor: meteor, first: make([]int, len(images)+1)}
	for n, image := range images {
		s.first[n+1] = s.first[n] + 1 + len(image.References)
	}
	s.tokens = sync.OnceValue(s.tokenize)
	s.grams = sync.OnceValue(func() *grams { return countGrams(s.tokens(), s.first) })
	return s, nil
}

// caption is one caption's tokens, numbered: equal tokens have equal numbers all over the set.
type caption struct {
	text string // the tokens with spaces between them
	// tokens are what stands between the spaces, of an empty text one empty token, as ROUGE cuts it; words are what
	// white space of any kind separates, as BLEU and CIDEr do: in them a no-break space, as in 1 1/2, separates too.
	tokens, words []int32
}

// of returns the captions of an image: its candidate and its references.
func (s *set) of(image int) (candidate caption, references []caption) {
	all := s.tokens()[s.first[image]:s.first[image+1]]
	return all[0], all[1:]
}

// tokenize cuts references and candidates as pycocoevalcap does: all references in a first file, all candidates in a
// second one.
func (s *set) tokenize() []caption {
	var references, candidates []string
	for _, image := range s.images {
		references = append(references, image.References...)
		candidates = append(candidates, image.Candidate)
	}
	cutReferences, cutCandidates := ptb.TokenizeLines(references), ptb.TokenizeLines(candidates)
	out := make([]caption, 0, len(references)+len(candidates))
	ids := map[string]int32{"": 0}
	number := func(tokens []string) []int32 {
		numbers := make([]int32, len(tokens))
		for n, t := range tokens {
			id, ok := ids[t]
			if !ok {
				id = int32(len(ids))
				ids[t] = id
			}
			numbers[n] = id
		}
		return numbers
	}
	add := func(tokens []string) {
		c := caption{text: strings.Join(tokens, " "), tokens: number(tokens)}
		c.words = c.tokens
		if len(tokens) == 0 {
			c.tokens = []int32{0}
		}
		if strings.ContainsFunc(c.text, strangeSpace) {
			c.words = number(strings.FieldsFunc(c.text, space))
		}
		out = append(out, c)
	}
	for n, image := range s.images {
		add(cutCandidates[n])
		for _, tokens := range cutReferences[:len(image.References)] {
			add(tokens)
		}
		cutReferences = cutReferences[len(image.References):]
	}
	return out
}

// space is what separates words to Python.
func space(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func strangeSpace(r rune) bool { return r != ' ' && space(r) }

// nrefs is the number of references an image, or "var".
func (s *set) nrefs() string {
	n := len(s.images[0].References)
	for _, image := range s.images {
		if len(image.References) != n {
			return "var"
		}
	}
	return strconv.Itoa(n)
}

// gram is an n-gram's number and how often a caption has it.
type gram struct{ id, count int32 }

// profile is a caption's n-grams: by length, in the order of their numbers.
type profile [maxOrder][]gram

// grams are the n-grams of all captions.
type grams struct {
	profiles []profile // as set.tokens
	// documents is the number of images in whose references an n-gram occurs, by length and number.
	documents [maxOrder][]int32
}

// countGrams numbers n-grams: one of n words is the pair of the number of its first n-1 and its last word.
func countGrams(captions []caption, first []int) *grams {
	g := &grams{profiles: make([]profile, len(captions))}
	total := 0
	for _, c := range captions {
		total += len(c.words)
	}
	ids := make([]int32, 0, total) // the numbers of the n-grams that begin at each word of each caption
	starts := make([]int, len(captions)+1)
	for n, c := range captions {
		ids = append(ids, c.words...)
		starts[n+1] = len(ids)
	}
	var size int32
	for _, id := range ids {
		size = max(size, id+1)
	}
	t := newTable(total)
	var counting sync.WaitGroup
	for length := range maxOrder {
		if length > 0 { // numbers depend on those before: one goroutine gives them, while others count the shorter n-grams
			t.clear()
			longer := make([]int32, len(ids))
			for n, c := range captions {
				at := starts[n]
				for k := range max(0, len(c.words)-length) {
					longer[at+k] = t.number(uint64(uint32(ids[at+k]))<<32 | uint64(uint32(c.words[k+length])))
				}
			}
			ids, size = longer, t.used
		}
		numbers, size := ids, size
		counting.Go(func() { g.count(length, numbers, starts, size, first) })
	}
	counting.Wait()
	return g
}

// count makes the profiles and the document frequencies of one length. numbers are those of the n-grams that begin at each
// word, captions begin at starts, images' captions at first; numbers are below size.
func (g *grams) count(length int, numbers []int32, starts []int, size int32, first []int) {
	room := make([]gram, len(numbers)) // for all captions at once
	parallelWith(len(g.profiles), func() func(int) {
		var sorted []int32
		return func(n int) {
			from, to := starts[n], max(starts[n], starts[n+1]-length)
			sorted = append(sorted[:0], numbers[from:to]...)
			g.profiles[n][length] = countInto(room[from:from:to], sorted)
		}
	})
	g.documents[length] = make([]int32, size)
	last := make([]int32, size) // the last image that was counted, from 1
	for image := range len(first) - 1 {
		for n := first[image] + 1; n < first[image+1]; n++ {
			for _, one := range g.profiles[n][length] {
				if last[one.id] != int32(image+1) {
					last[one.id] = int32(image + 1)
					g.documents[length][one.id]++
				}
			}
		}
	}
}

// countInto sorts and counts numbers. out has room for one gram a number.
func countInto(out []gram, sorted []int32) []gram {
	slices.Sort(sorted)
	for _, id := range sorted {
		if n := len(out) - 1; n >= 0 && out[n].id == id {
			out[n].count++
		} else {
			out = append(out, gram{id, 1})
		}
	}
	return out
}

// table numbers keys in the order in which they come: a hash table with open addressing.
type table struct {
	keys []uint64 // a key + 1; 0: free
	ids  []int32
	used int32
	mask uint64
}

// newTable has room for at most this many keys.
func newTable(keys int) *table {
	size := uint64(16)
	for size < 2*uint64(keys) {
		size *= 2
	}
	return &table{keys: make([]uint64, size), ids: make([]int32, size), mask: size - 1}
}

// clear forgets all keys: cheaper than memory that was never touched.
func (t *table) clear() {
	clear(t.keys)
	t.used = 0
}

// slot is where a key is or would be.
func (t *table) slot(key uint64) uint64 {
	at := (key * 0x9e3779b97f4a7c15) >> 20 & t.mask
	for t.keys[at] != 0 && t.keys[at] != key+1 {
		at = (at + 1) & t.mask
	}
	return at
}

func (t *table) number(key uint64) int32 {
	at := t.slot(key)
	if t.keys[at] == 0 {
		t.keys[at], t.ids[at] = key+1, t.used
		t.used++
	}
	return t.ids[at]
}

// find is the number of a key, -1 if it has none.
func (t *table) find(key uint64) int32 {
	if at := t.slot(key); t.keys[at] != 0 {
		return t.ids[at]
	}
	return -1
}

// logs are the natural logarithms of 1 to n, by number; that of 0 counts as that of 1.
func logs(n int) []float64 {
	out := make([]float64, n+1)
	for i := 2; i <= n; i++ {
		out[i] = math.Log(float64(i))
	}
	return out
}
