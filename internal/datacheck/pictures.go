package datacheck

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/captionlab/captionlab/internal/picture"
	"github.com/captionlab/captionlab/internal/progress"
)

// seen is what was found in one picture file.
type seen struct {
	sum     [sha256.Size]byte // zero: not read
	header  picture.Header
	through bool
	look    *look // nil: not decoded
	err     error
}

// readPictures reads each picture of the splits, or, when nothing is to be decoded, finds those that are equal byte
// for byte.
func (r *Report) readPictures(ctx context.Context, q Request) error {
	var places []Place
	for _, split := range splits {
		for _, n := range q.Data.Splits[split] {
			e := q.Data.Examples[n]
			places = append(places, Place{e.ID, e.Path, split})
		}
	}
	r.Pictures = Pictures{Decoded: q.Pictures, Formats: []Some{}, Broken: []Broken{}, Identical: []Group{}, Near: []Group{}}
	found := make([]seen, len(places))
	var err error
	if q.Pictures {
		err = readAll(ctx, places, found, q)
	} else {
		err = hashEqualSizes(ctx, places, found, q)
	}
	if err != nil {
		return err
	}
	formats := map[string]int{}
	for n, s := range found {
		if s.err != nil {
			r.Pictures.Broken = append(r.Pictures.Broken, Broken{places[n], kindOf(s.err), reason(s.err, places[n].Path)})
			continue
		}
		if s.look != nil {
			r.Pictures.describe(s)
			formats[s.header.Format]++
		}
	}
	r.Pictures.Formats = tally(formats).Counts
	return r.compare(ctx, places, found)
}

// readAll reads and decodes the pictures on all cores. Memory stays flat: however many large pictures come
// together, no more pixels are being decoded at a time than one picture may have.
func readAll(ctx context.Context, places []Place, found []seen, q Request) error {
	bar := progress.New(q.Log, "checking pictures", "images", int64(len(places)))
	defer bar.Finish()
	room := semaphore.NewWeighted(picture.MaxPixels)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some read while others decode
	for n := range places {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			defer bar.Add(1)
			return found[n].read(ctx, places[n].Path, q.Root, room)
		})
	}
	return group.Wait()
}

// read fills in what a picture file holds. Its error is the context's; the file's own is kept.
func (s *seen) read(ctx context.Context, path, root string, room *semaphore.Weighted) error {
	if s.err = within(root, path); s.err != nil {
		return nil
	}
	var data []byte
	if data, s.err = picture.Read(path); s.err != nil {
		return nil
	}
	s.sum = sha256.Sum256(data)
	if s.header, s.err = picture.Inspect(data); s.err != nil {
		return nil
	}
	pixels := int64(s.header.Width) * int64(s.header.Height)
	if err := room.Acquire(ctx, pixels); err != nil {
		return err
	}
	defer room.Release(pixels)
	stored, _, err := picture.Decode(data)
	if s.err = err; err != nil {
		return nil
	}
	if o, ok := stored.(interface{ Opaque() bool }); ok {
		s.through = !o.Opaque()
	}
	s.look, s.err = lookOf(stored, s.header.Orientation)
	return nil
}

// errOutside is a symbolic link that a data set brings along and that leads elsewhere.
var errOutside = errors.New("a link that leads out of the data folder")

// within refuses a picture that is a symbolic link to a file outside of root. A linked folder is the user's own
// arrangement; only the file itself must not lead out of the folder that holds it and out of root.
func within(root, path string) error {
	info, err := os.Lstat(path)
	if root == "" || err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil // what can't be looked at is reported by whoever opens it
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	for _, folder := range []string{root, filepath.Dir(path)} {
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			continue
		}
		if real, err = filepath.Abs(real); err != nil {
			continue
		}
		if target, err = filepath.Abs(target); err != nil {
			continue
		}
		if rel, err := filepath.Rel(real, target); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", path, errOutside)
}

// hashEqualSizes reads only files that could be equal: those whose size another one has.
func hashEqualSizes(ctx context.Context, places []Place, found []seen, q Request) error {
	bySize := map[int64][]int{}
	for n, p := range places {
		if found[n].err = within(q.Root, p.Path); found[n].err != nil {
			continue
		}
		info, err := os.Stat(p.Path)
		switch {
		case err != nil:
			found[n].err = err
		case info.Mode().IsRegular() && info.Size() == 0:
			found[n].err = picture.ErrEmpty
		case info.Mode().IsRegular():
			bySize[info.Size()] = append(bySize[info.Size()], n)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, at := range bySize {
		if len(at) < 2 {
			continue
		}
		for _, n := range at {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				found[n].sum, found[n].err = hashFile(places[n].Path)
				return nil
			})
		}
	}
	return group.Wait()
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

// kindOf names what is wrong with a picture file.
func kindOf(err error) string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{fs.ErrNotExist, "missing"}, {picture.ErrEmpty, "empty"}, {picture.ErrTruncated, "truncated"}, {picture.ErrTooLarge, "too_large"},
		{picture.ErrUnknown, "not_a_picture"}, {errOutside, "outside"},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return "unreadable"
}

// reason is an error without the path, which stands beside it.
func reason(err error, path string) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return strings.TrimPrefix(err.Error(), path+": ")
}

// describe counts a whole picture.
func (p *Pictures) describe(s seen) {
	p.Whole++
	h := s.header
	for _, c := range []struct {
		has   bool
		count *int
	}{{h.CMYK, &p.CMYK}, {h.Palette, &p.Palette}, {h.Orientation != 1, &p.Turned}, {h.Deep, &p.Deep}, {s.through, &p.Through}} {
		if c.has {
			*c.count++
		}
	}
	size := [2]int{h.Width, h.Height}
	if h.Orientation >= 5 {
		size = [2]int{h.Height, h.Width}
	}
	if p.Whole == 1 || size[0]*size[1] < p.Smallest[0]*p.Smallest[1] {
		p.Smallest = size
	}
	if size[0]*size[1] > p.Largest[0]*p.Largest[1] {
		p.Largest = size
	}
}

// compare groups pictures that are the same, byte for byte and then by eye.
func (r *Report) compare(ctx context.Context, places []Place, found []seen) error {
	bySum := map[[sha256.Size]byte][]int{}
	var order [][sha256.Size]byte
	for n, s := range found {
		if s.sum == [sha256.Size]byte{} {
			continue
		}
		if bySum[s.sum] == nil {
			order = append(order, s.sum)
		}
		bySum[s.sum] = append(bySum[s.sum], n)
	}
	var looks []*look
	var of [][]int // the pictures of each look
	for _, sum := range order {
		same := bySum[sum]
		if len(same) > 1 && found[same[0]].err == nil { // broken files are often equal: they are reported as such
			r.Pictures.Identical = append(r.Pictures.Identical, newGroup(places, same, 0))
		}
		if l := found[same[0]].look; l != nil {
			looks, of = append(looks, l), append(of, same)
		}
	}
	groups, distances, err := nearGroups(ctx, looks)
	if err != nil {
		return err
	}
	for n, group := range groups {
		var at []int
		for _, l := range group {
			at = append(at, of[l]...)
		}
		slices.Sort(at)
		r.Pictures.Near = append(r.Pictures.Near, newGroup(places, at, distances[n]))
	}
	for _, groups := range [][]Group{r.Pictures.Identical, r.Pictures.Near} { // leaks first
		slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(b.Splits, a.Splits) })
	}
	return nil
}

func newGroup(places []Place, at []int, distance int) Group {
	g := Group{Bits: distance}
	splits := map[string]bool{}
	for _, n := range at {
		g.Pictures = append(g.Pictures, places[n])
		splits[places[n].Split] = true
	}
	g.Splits = len(splits)
	return g
}
