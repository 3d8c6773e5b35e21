package dataset

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// warnIdentical adds a problem for each picture that another split has too, byte for byte, under another name: what
// is measured on it is not measured on something new. Only files of equal size are read.
func (d *Dataset) warnIdentical(ctx context.Context) error {
	type place struct {
		split   string
		example int
	}
	bySize := map[int64][]place{}
	var sizes []int64 // in the order of the splits, so that the problems' order is always the same
	for _, split := range splitNames {
		for _, n := range d.Splits[split] {
			info, err := os.Stat(d.Examples[n].Path)
			if err != nil {
				continue // whoever reads the picture says what is wrong with it
			}
			if bySize[info.Size()] == nil {
				sizes = append(sizes, info.Size())
			}
			bySize[info.Size()] = append(bySize[info.Size()], place{split, n})
		}
	}
	for _, size := range sizes {
		places := bySize[size]
		if places[0].split == places[len(places)-1].split { // all of one split
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		first := map[[sha256.Size]byte]place{}
		for _, p := range places {
			sum, err := hashFile(d.Examples[p.example].Path)
			if err != nil {
				continue
			}
			if other, ok := first[sum]; !ok {
				first[sum] = p
			} else if other.split != p.split {
				d.Problems = append(d.Problems, Problem{Reason: fmt.Sprintf("warning: %s (%s) and %s (%s) are the same picture, byte for byte",
					d.Examples[other.example].ID, other.split, d.Examples[p.example].ID, p.split)})
			}
		}
	}
	return nil
}

func hashFile(path string) (sum [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
