package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// headBytes tells almost all pictures of equal size apart.
const headBytes = 4 << 10

// place is a picture of a split.
type place struct {
	split   string
	example int
}

// warnIdentical adds a problem for each picture that another split has too, byte for byte, under another name: what
// is measured on it is not measured on something new. Only files of equal size are read, and only their beginnings
// unless these are equal too.
func (d *Dataset) warnIdentical(ctx context.Context, bytes []int64) error {
	bySize := map[int64][]place{}
	var order []int64 // in the order of the splits, so that the problems' order is always the same
	for _, split := range splitNames {
		for _, n := range d.Splits[split] {
			if bySize[bytes[n]] == nil {
				order = append(order, bytes[n])
			}
			bySize[bytes[n]] = append(bySize[bytes[n]], place{split, n})
		}
	}
	groups := make([][]Problem, len(order))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, size := range order {
		if places := bySize[size]; places[0].split != places[len(places)-1].split { // not all of one split
			group.Go(func() error {
				for _, same := range d.equal(places, headBytes) {
					if size > headBytes {
						for _, whole := range d.equal(same, size) {
							groups[n] = append(groups[n], d.leaks(whole)...)
						}
					} else {
						groups[n] = append(groups[n], d.leaks(same)...)
					}
				}
				return ctx.Err()
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, problems := range groups {
		d.Problems = append(d.Problems, problems...)
	}
	return nil
}

// equal gives the groups of pictures of several splits whose files begin with the same bytes.
func (d *Dataset) equal(places []place, limit int64) (groups [][]place) {
	at := map[[sha256.Size]byte]int{}
	for _, p := range places {
		sum, err := hashFile(d.Examples[p.example].Path, limit)
		if err != nil {
			continue // whoever reads the picture says what is wrong with it
		}
		n, ok := at[sum]
		if !ok {
			n = len(groups)
			at[sum] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], p)
	}
	several := groups[:0]
	for _, g := range groups {
		if g[0].split != g[len(g)-1].split {
			several = append(several, g)
		}
	}
	return several
}

func (d *Dataset) leaks(same []place) (out []Problem) {
	for _, p := range same[1:] {
		if p.split != same[0].split {
			out = append(out, Problem{Reason: fmt.Sprintf("warning: %s (%s) and %s (%s) are the same picture, byte for byte",
				d.Examples[same[0].example].ID, same[0].split, d.Examples[p.example].ID, p.split)})
		}
	}
	return out
}

func hashFile(path string, limit int64) (sum [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(h, io.LimitReader(file, limit))
	return [sha256.Size]byte(h.Sum(nil)), errors.Join(err, file.Close())
}
