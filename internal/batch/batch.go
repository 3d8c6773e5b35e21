// Package batch turns tokenized captions and picture features into shuffled, padded batches: a GoMLX data set.
package batch

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/token"
)

// Item is one caption of one picture.
type Item struct {
	Picture int     // row of Features
	Tokens  []int32 // without special tokens
}

// Features are the pictures' feature vectors, row after row: [pictures, Size].
type Features struct {
	Size   int
	Values []float32
}

// Row returns the features of one picture.
func (f Features) Row(picture int) []float32 { return f.Values[picture*f.Size : (picture+1)*f.Size] }

// Options shape the batches.
type Options struct {
	Name         string
	Size         int   // examples a batch
	Time         int   // tokens a caption at most; sequences have Time+1 positions, for the start or end token
	Pairs        bool  // one example a token: image + first n tokens -> token n+1
	CountPadding bool  // padding takes part in loss and accuracy, as much student code has it
	Shuffle      bool  // in an order fixed by Seed and the epoch
	Seed         int64 // of the shuffling
	Bucket       bool  // captions of similar length together, padded to the batch's longest instead of Time
}

// Set yields the batches of one split.
//
// A batch's inputs are features [batch, size] float32 and tokens [batch, time] int32, beginning with the start
// token. Its labels are targets [batch, time] int32, the tokens shifted by one and closed by the end token, and
// weights [batch, time] float32: 1 where a position counts, 0 where it is padding. The last batch of an epoch is
// filled up with rows of weight 0, so that all batches have one shape (with Bucket: a few).
type Set struct {
	Options
	items    []Item
	features Features
	zeroed   bool // the features are zero instead
	// examples index items; with Pairs, each also has the number of tokens seen.
	examples []example
}

type example struct{ item, seen int32 }

// New checks the items against the options.
func New(items []Item, features Features, o Options) (*Set, error) {
	if o.Size <= 0 || o.Time <= 0 {
		return nil, fmt.Errorf("batch %q: size %d and time %d must be positive", o.Name, o.Size, o.Time)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("batch %q: no captions", o.Name)
	}
	s := &Set{Options: o, items: items, features: features}
	for n, item := range items {
		if len(item.Tokens) > o.Time {
			return nil, fmt.Errorf("batch %q: caption %d has %d tokens, at most %d fit", o.Name, n, len(item.Tokens), o.Time)
		}
		if item.Picture < 0 || (item.Picture+1)*features.Size > len(features.Values) {
			return nil, fmt.Errorf("batch %q: caption %d names picture %d, which has no features", o.Name, n, item.Picture)
		}
		if !o.Pairs {
			s.examples = append(s.examples, example{int32(n), -1})
			continue
		}
		for seen := range len(item.Tokens) + 1 {
			s.examples = append(s.examples, example{int32(n), int32(seen)})
		}
	}
	return s, nil
}

// Len is the number of examples an epoch: captions, or pairs.
func (s *Set) Len() int { return len(s.examples) }

// PerEpoch is the number of batches an epoch.
func (s *Set) PerEpoch() int { return (len(s.examples) + s.Size - 1) / s.Size }

// Tokens is the number of positions that count in an epoch, each caption's end token included, when padding
// does not.
func (s *Set) Tokens() int {
	n := 0
	for _, item := range s.items {
		n += len(item.Tokens) + 1
	}
	return n
}

// Epoch returns the batches of one epoch from batch number from on. The order depends on Seed and epoch alone,
// so that a run that stopped within an epoch goes on with the batches it has not seen.
func (s *Set) Epoch(epoch, from int) train.Dataset { return &pass{s, epoch, from} }

type pass struct {
	set         *Set
	epoch, from int
}

// Name implements train.Dataset.
func (p *pass) Name() string { return p.set.Name }

// Iter implements train.Dataset.
func (p *pass) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		order := p.set.Order(p.epoch)
		for n := p.from; n < p.set.PerEpoch(); n++ {
			rows := order[n*p.set.Size : min((n+1)*p.set.Size, len(order))]
			if !yield(p.set.batch(rows), nil) {
				return
			}
		}
	}
}

// Order is the order of an epoch's examples, by their place among the set's: captions, or pairs.
func (s *Set) Order(epoch int) []int32 {
	order := make([]int32, len(s.examples))
	for n := range order {
		order[n] = int32(n)
	}
	rng := rand.New(rand.NewPCG(uint64(s.Seed), uint64(epoch)))
	if s.Shuffle {
		rng.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	}
	if s.Bucket {
		s.bucket(order, rng)
	}
	return order
}

// batchesAWindow is how many batches' examples are sorted by length among each other: enough for little padding, few
// enough that batches differ from epoch to epoch.
const batchesAWindow = 50

// bucket sorts windows of the order by length and, when the set is shuffled, shuffles whole batches. The last batch,
// which may not be full, stays last.
func (s *Set) bucket(order []int32, rng *rand.Rand) {
	for window := range slices.Chunk(order, s.Size*batchesAWindow) {
		slices.SortStableFunc(window, func(a, b int32) int { return s.positions(a) - s.positions(b) })
	}
	if !s.Shuffle {
		return
	}
	rng.Shuffle(len(order)/s.Size, func(a, b int) {
		x, y := order[a*s.Size:(a+1)*s.Size], order[b*s.Size:(b+1)*s.Size]
		for n := range x {
			x[n], y[n] = y[n], x[n]
		}
	})
}

// positions is how many positions an example needs.
func (s *Set) positions(n int32) int {
	if e := s.examples[n]; e.seen >= 0 {
		return int(e.seen) + 1
	}
	return len(s.items[s.examples[n].item].Tokens) + 1
}

// steps is a batch's time axis: with Bucket that of its longest row, rounded up so that there are at most 16 shapes to
// compile.
func (s *Set) steps(rows []int32) int {
	if !s.Bucket || s.CountPadding {
		return s.Time + 1
	}
	longest := 0
	for _, n := range rows {
		longest = max(longest, s.positions(n))
	}
	unit := (s.Time + 16) / 16
	return min((longest+unit-1)/unit*unit, s.Time+1)
}

func (s *Set) batch(rows []int32) train.Batch {
	steps := s.steps(rows)
	features := make([]float32, s.Size*s.features.Size)
	tokens, targets := make([]int32, s.Size*steps), make([]int32, s.Size*steps)
	weights := make([]float32, s.Size*steps)
	for row, n := range rows {
		e := s.examples[n]
		item := s.items[e.item]
		if !s.zeroed {
			copy(features[row*s.features.Size:], s.features.Row(item.Picture))
		}
		at := row * steps
		s.fill(item.Tokens, int(e.seen), tokens[at:at+steps], targets[at:at+steps], weights[at:at+steps])
	}
	return train.Batch{
		Inputs: []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(features, s.Size, s.features.Size),
			tensors.FromFlatDataAndDimensions(tokens, s.Size, steps)},
		Labels: []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(targets, s.Size, steps),
			tensors.FromFlatDataAndDimensions(weights, s.Size, steps)},
	}
}

// fill writes one row: the whole caption (seen < 0), or the pair that has seen the first tokens.
func (s *Set) fill(caption []int32, seen int, tokens, targets []int32, weights []float32) {
	next := func(n int) int32 {
		if n < len(caption) {
			return caption[n]
		}
		return token.End
	}
	tokens[0] = token.Start
	if seen >= 0 {
		copy(tokens[1:], caption[:seen])
		targets[seen] = next(seen)
		weights[seen] = 1
		return
	}
	copy(tokens[1:], caption)
	for n := range len(caption) + 1 {
		targets[n], weights[n] = next(n), 1
	}
	if s.CountPadding {
		for n := len(caption) + 1; n < len(weights); n++ {
			targets[n], weights[n] = token.Pad, 1
		}
	}
}

// Zeroed returns the same captions with every picture's features set to zero: a control that shows what the
// model knows without the picture.
func (s *Set) Zeroed() *Set {
	c := *s
	c.Name += " zeroed"
	c.zeroed = true
	return &c
}

// Shuffled returns the same captions, each with the features of another picture of this set (a rotation of a
// seeded permutation, so that no picture keeps its own).
func (s *Set) Shuffled(seed int64) *Set {
	c := *s
	c.Name += " shuffled"
	var pictures []int
	seenPicture := map[int]bool{}
	for _, item := range s.items {
		if !seenPicture[item.Picture] {
			seenPicture[item.Picture] = true
			pictures = append(pictures, item.Picture)
		}
	}
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(len(pictures))))
	rng.Shuffle(len(pictures), func(a, b int) { pictures[a], pictures[b] = pictures[b], pictures[a] })
	other := map[int]int{}
	for n, picture := range pictures {
		other[picture] = pictures[(n+1)%len(pictures)]
	}
	c.items = make([]Item, len(s.items))
	for n, item := range s.items {
		c.items[n] = Item{Picture: other[item.Picture], Tokens: item.Tokens}
	}
	return &c
}
