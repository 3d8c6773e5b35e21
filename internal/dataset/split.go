package dataset

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sort"
)

// split assigns pictures to splits: by the official lists, or in proportion, by image, seeded. Pictures come in
// the order of their hash with the seed, so a picture's place does not depend on which others there are.
//
// written is the hash that a split file of an earlier run has.
func (d *Dataset) split(ctx context.Context, s Settings, l *loaded) (written string, err error) {
	d.Splits = map[string][]int{}
	switch s.Split {
	case "file":
		return d.splitByFile(ctx, s)
	case "official":
		if l.official == nil {
			return "", fmt.Errorf("data.split: the files of this %s data set give no official split: use split = \"ratio\"", s.Format)
		}
		at := map[string]int{}
		for n, e := range d.Examples {
			at[e.ID] = n
		}
		for split, ids := range l.official {
			for _, id := range ids {
				if n, ok := at[id]; ok {
					d.Splits[split] = append(d.Splits[split], n)
				}
			}
		}
		return "", nil
	}
	names := []string{Train, Validation, Test}
	if len(s.Ratio) == 2 { // train and test: the test share is also what training watches
		names = []string{Train, Validation}
	}
	if len(s.Ratio) != len(names) {
		return "", fmt.Errorf("data.ratio: expected two or three shares, got %v", s.Ratio)
	}
	order := shuffledByID(d.Examples, s.SplitSeed)
	from, share := 0, 0.0
	for n, name := range names {
		share += s.Ratio[n]
		to := int(math.Round(share * float64(len(order))))
		part := append([]int(nil), order[from:min(to, len(order))]...)
		sort.Ints(part)
		d.Splits[name], from = part, to
	}
	if len(d.Splits[Train]) == 0 {
		return "", errors.New("data.ratio leaves no training picture")
	}
	return "", nil
}

// nested returns limit of the indices at, in their order: the pictures with the lowest hash of seed and id, so
// that a smaller subset lies inside a larger one.
func nested(examples []Example, at []int, limit int, seed int64) []int {
	order := shuffledByID(examples, seed)[:limit]
	sort.Ints(order)
	out := make([]int, limit)
	for n, i := range order {
		out[n] = at[i]
	}
	return out
}

// shuffledByID orders indices by a hash of seed and id.
func shuffledByID(examples []Example, seed int64) []int {
	keys, order := make([]uint64, len(examples)), make([]int, len(examples))
	for n, e := range examples {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d|%s", seed, e.ID)
		keys[n], order[n] = mix(h.Sum64()), n
	}
	sort.Slice(order, func(a, b int) bool {
		if keys[order[a]] != keys[order[b]] {
			return keys[order[a]] < keys[order[b]]
		}
		return examples[order[a]].ID < examples[order[b]].ID
	})
	return order
}

// mix is the finaliser of SplitMix64: FNV alone orders similar names alike.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
