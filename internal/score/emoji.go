package score

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Emoji says how the emoji of generated captions relate to those of the references.
type Emoji struct {
	Generated  EmojiUse `json:"generated"`
	References EmojiUse `json:"references"`
	// Divergence is the Jensen-Shannon divergence between the two distributions of emoji, in bits: 0 when they are the
	// same, 1 when they share none; nil where a side has no emoji.
	Divergence *float64 `json:"jensen_shannon_divergence_bits"`
	// Best compares each caption with the one of its references that it fits best, Union with the union of all: each emoji
	// as often as the reference has it that has it most often.
	Best  EmojiMatch `json:"best_reference"`
	Union EmojiMatch `json:"union_of_references"`
}

// EmojiUse is the use of emoji in a set of captions.
type EmojiUse struct {
	Captions  int            `json:"captions"`
	With      int            `json:"captions_with_emoji"`
	Emoji     int            `json:"emoji"` // whole ones
	Distinct  int            `json:"distinct"`
	Sequences int            `json:"sequences"`          // emoji of several code points that are whole
	Broken    map[string]int `json:"broken,omitempty"`   // fragments of sequences, by kind
	Frequent  []EmojiCount   `json:"frequent,omitempty"` // the ten most frequent; equally frequent ones in code point order

	count map[string]int
}

// EmojiCount is how often an emoji occurs; Share is of all emoji.
type EmojiCount struct {
	Emoji string  `json:"emoji"`
	Count int     `json:"count"`
	Share float64 `json:"share"`
}

// Coverage is the share of captions with an emoji.
func (u *EmojiUse) Coverage() float64 { return ratio(u.With, u.Captions) }

// Fragments counts the broken sequences.
func (u *EmojiUse) Fragments() (n int) {
	for _, count := range u.Broken {
		n += count
	}
	return n
}

// EmojiMatch is precision, recall and F1 of the captions' emoji as multisets. Micro adds up the emoji of all captions;
// Macro is the mean over captions, F1 included (not the F1 of the means). Captions without emoji whose reference has none
// either say nothing and are left out; a share of no emoji counts as 0.
type EmojiMatch struct {
	Captions int   `json:"captions"` // with emoji on one side at least
	Micro    Match `json:"micro"`
	Macro    Match `json:"macro"`
}

// Match is precision, recall and their harmonic mean.
type Match struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// frequentEmoji is how many emoji are listed.
const frequentEmoji = 10

// MeasureEmoji compares the emoji of candidates and references.
func MeasureEmoji(images []Image) *Emoji {
	e := &Emoji{}
	var best, union matches
	for _, image := range images {
		candidate := e.Generated.add(image.Candidate)
		all := multiset{}
		var nearest multiset
		for n, text := range image.References {
			reference := e.References.add(text)
			for emoji, count := range reference {
				all[emoji] = max(all[emoji], count)
			}
			if n == 0 || candidate.fits(reference, nearest) {
				nearest = reference
			}
		}
		best.add(candidate, nearest)
		union.add(candidate, all)
	}
	e.Generated.finish()
	e.References.finish()
	e.Divergence = divergence(e.Generated.count, e.References.count)
	e.Best, e.Union = best.match(), union.match()
	return e
}

// EmojiCleaning is what the cleaning of captions left of their emoji.
type EmojiCleaning struct {
	Raw           int `json:"raw"`  // emoji before
	Kept          int `json:"kept"` // of these, after
	BrokenRaw     int `json:"broken_raw"`
	BrokenCleaned int `json:"broken_cleaned"`
}

// Add compares a caption before and after.
func (c *EmojiCleaning) Add(raw, cleaned string) {
	before, after := ReadEmoji(raw), ReadEmoji(cleaned)
	c.Raw += len(before.Whole)
	c.Kept += count1(after.Whole).common(count1(before.Whole))
	c.BrokenRaw += len(before.Broken)
	c.BrokenCleaned += len(after.Broken)
}

// Share is the share of emoji that were kept.
func (c *EmojiCleaning) Share() float64 { return ratio(c.Kept, c.Raw) }

// multiset counts emoji.
type multiset map[string]int

func count1(emoji []string) multiset {
	m := multiset{}
	for _, e := range emoji {
		m[e]++
	}
	return m
}

func (m multiset) size() (n int) {
	for _, count := range m {
		n += count
	}
	return n
}

// common is the size of the intersection.
func (m multiset) common(o multiset) (n int) {
	for emoji, count := range m {
		n += min(count, o[emoji])
	}
	return n
}

// fits reports whether a fits the candidate better than b does: by F1, or equally but with fewer emoji missing and too many.
func (m multiset) fits(a, b multiset) bool {
	score := func(r multiset) (f1 float64, errors int) {
		common, size := m.common(r), m.size()+r.size()
		if size == 0 {
			return 1, 0
		}
		return float64(2*common) / float64(size), size - 2*common
	}
	fa, ea := score(a)
	fb, eb := score(b)
	return fa > fb || fa == fb && ea < eb
}

func (u *EmojiUse) add(text string) multiset {
	found := ReadEmoji(text)
	if u.Captions++; len(found.Whole) > 0 {
		u.With++
	}
	if u.count == nil {
		u.count, u.Broken = map[string]int{}, map[string]int{}
	}
	u.Emoji += len(found.Whole)
	u.Sequences += found.Sequences
	for _, emoji := range found.Whole {
		u.count[emoji]++
	}
	for _, kind := range found.Broken {
		u.Broken[kind]++
	}
	return count1(found.Whole)
}

func (u *EmojiUse) finish() {
	u.Distinct = len(u.count)
	for emoji, n := range u.count {
		u.Frequent = append(u.Frequent, EmojiCount{emoji, n, ratio(n, u.Emoji)})
	}
	slices.SortFunc(u.Frequent, func(a, b EmojiCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Emoji, b.Emoji))
	})
	u.Frequent = u.Frequent[:min(len(u.Frequent), frequentEmoji)]
}

// matches adds up over captions.
type matches struct {
	captions, common, candidate, reference int
	sum                                    Match
}

func (m *matches) add(candidate, reference multiset) {
	common, c, r := candidate.common(reference), candidate.size(), reference.size()
	if c+r == 0 {
		return
	}
	m.captions++
	m.common, m.candidate, m.reference = m.common+common, m.candidate+c, m.reference+r
	one := newMatch(common, c, r)
	m.sum.Precision += one.Precision
	m.sum.Recall += one.Recall
	m.sum.F1 += one.F1
}

func (m *matches) match() EmojiMatch {
	n := float64(max(m.captions, 1))
	return EmojiMatch{m.captions, newMatch(m.common, m.candidate, m.reference), Match{m.sum.Precision / n, m.sum.Recall / n, m.sum.F1 / n}}
}

func newMatch(common, candidate, reference int) Match {
	return Match{ratio(common, candidate), ratio(common, reference), ratio(2*common, candidate+reference)}
}

// divergence is Jensen-Shannon's, in bits: the mean of both distributions' Kullback-Leibler divergences from their middle.
func divergence(p, q map[string]int) *float64 {
	np, nq := multiset(p).size(), multiset(q).size()
	if np == 0 || nq == 0 {
		return nil
	}
	sum := 0.0
	emoji := maps.Clone(p)
	maps.Copy(emoji, q)
	for _, e := range slices.Sorted(maps.Keys(emoji)) { // in a fixed order, so that the sum is the same to the last bit
		a, b := ratio(p[e], np), ratio(q[e], nq)
		for _, x := range []float64{a, b} {
			if x > 0 {
				sum += x / 2 * math.Log2(2*x/(a+b))
			}
		}
	}
	return &sum
}

func ratio(part, all int) float64 {
	if all == 0 {
		return 0
	}
	return float64(part) / float64(all)
}
