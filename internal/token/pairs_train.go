package token

import (
	"cmp"
	"container/heap"
	"errors"
	"iter"
	"maps"
	"slices"
)

// trainPairs learns merges as Hugging Face's BpeTrainer does: again and again the pair that occurs most often, of equally
// frequent ones that of the lowest ids, until the vocabulary is full or no pair occurs MinCount times.
func trainPairs(s Settings, captions iter.Seq[string]) (Tokenizer, error) {
	counts := map[string]int{}
	for text := range captions {
		for piece := range pieces(text) {
			counts[piece]++
		}
	}
	if len(counts) == 0 {
		return nil, errors.New("there is no text in the training captions")
	}
	t := newPairTrainer(counts)
	for s.MaxSize == 0 || int(specials)+len(t.bytes) < s.MaxSize {
		if !t.step(max(s.MinCount, 1)) {
			break
		}
	}
	return openPairs(file{Kind: s.Tokenizer, Merges: t.lines()})
}

// pairTrainer keeps the pieces as they are merged, and of each pair how often it occurs and in which pieces it may, so that a
// merge looks at these alone.
type pairTrainer struct {
	bytes  []string // of each token, from id 4 on
	known  map[string]int32
	words  [][]int32 // each different piece
	counts []int     // how often it occurs
	pairs  map[pair]int
	queue  pairQueue
	merges []pair
}

func newPairTrainer(counts map[string]int) *pairTrainer {
	t := &pairTrainer{known: map[string]int32{}, pairs: map[pair]int{}}
	for _, b := range newAlphabet().order {
		t.add(string([]byte{b}))
	}
	places := map[pair][]int32{}
	for _, piece := range slices.Sorted(maps.Keys(counts)) {
		word := make([]int32, len(piece))
		for n := range word {
			word[n] = t.known[piece[n:n+1]]
		}
		for n := range len(word) - 1 {
			at := pair{word[n], word[n+1]}
			t.pairs[at] += counts[piece]
			places[at] = appendPlace(places[at], len(t.words))
		}
		t.words, t.counts = append(t.words, word), append(t.counts, counts[piece])
	}
	t.enqueue(places)
	return t
}

func (t *pairTrainer) add(bytes string) int32 {
	id, ok := t.known[bytes]
	if !ok { // two merges can make the same token
		id = specials + int32(len(t.bytes))
		t.known[bytes], t.bytes = id, append(t.bytes, bytes)
	}
	return id
}

func appendPlace(places []int32, word int) []int32 {
	if n := len(places); n > 0 && places[n-1] == int32(word) {
		return places
	}
	return append(places, int32(word))
}

func (t *pairTrainer) enqueue(places map[pair][]int32) {
	for at, words := range places {
		if count := t.pairs[at]; count > 0 {
			heap.Push(&t.queue, candidate{at, count, words})
		}
	}
}

// step merges one pair everywhere, and reports whether there was one that occurs often enough.
func (t *pairTrainer) step(minCount int) bool {
	for t.queue.Len() > 0 {
		top := t.queue[0]
		if now := t.pairs[top.pair]; now != top.count { // other merges have taken some
			if t.queue[0].count = now; now > 0 {
				heap.Fix(&t.queue, 0)
			} else {
				heap.Pop(&t.queue)
			}
			continue
		}
		if top.count < minCount {
			return false
		}
		heap.Pop(&t.queue)
		t.merge(top)
		return true
	}
	return false
}

func (t *pairTrainer) merge(top candidate) {
	id := t.add(t.bytes[top.left-specials] + t.bytes[top.right-specials])
	t.merges = append(t.merges, top.pair)
	places := map[pair][]int32{}
	for _, w := range top.words {
		word, count := t.words[w], t.counts[w]
		out := word[:0]
		for n := 0; n < len(word); n++ {
			if word[n] != top.left || n+1 == len(word) || word[n+1] != top.right {
				out = append(out, word[n])
				continue
			}
			if len(out) > 0 {
				before := out[len(out)-1]
				t.pairs[pair{before, top.left}] -= count
				t.pairs[pair{before, id}] += count
				places[pair{before, id}] = appendPlace(places[pair{before, id}], int(w))
			}
			if n+2 < len(word) {
				after := word[n+2]
				t.pairs[pair{top.right, after}] -= count
				t.pairs[pair{id, after}] += count
				places[pair{id, after}] = appendPlace(places[pair{id, after}], int(w))
			}
			out = append(out, id)
			n++
		}
		t.words[w] = out
	}
	t.enqueue(places)
}

// lines are the merges as GPT-2's merges.txt has them. Of one that was made twice the last counts.
func (t *pairTrainer) lines() (lines []string) {
	letters := newAlphabet()
	last := make(map[pair]int, len(t.merges))
	for rank, m := range t.merges {
		last[m] = rank
	}
	for rank, m := range t.merges {
		if last[m] == rank {
			lines = append(lines, letters.write(t.bytes[m.left-specials])+" "+letters.write(t.bytes[m.right-specials]))
		}
	}
	return lines
}

// candidate is a pair in the queue, with the count it had when it was last looked at and pieces that it occurs in.
type candidate struct {
	pair
	count int
	words []int32
}

// pairQueue is a heap: the most frequent pair first, of equally frequent ones that of the lowest ids.
type pairQueue []candidate

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(a, b int) bool {
	return cmp.Or(cmp.Compare(q[b].count, q[a].count), cmp.Compare(q[a].left, q[b].left), cmp.Compare(q[a].right, q[b].right)) < 0
}
func (q pairQueue) Swap(a, b int) { q[a], q[b] = q[b], q[a] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *pairQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
