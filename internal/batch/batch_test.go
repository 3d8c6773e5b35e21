package batch

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
)

var (
	pictures = Features{Size: 2, Values: []float32{1, 1, 2, 2, 3, 3}}
	captions = []Item{{0, []int32{4, 5}}, {1, []int32{6}}, {2, nil}}
)

func newSet(t *testing.T, o Options) *Set {
	t.Helper()
	s, err := New(captions, pictures, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func batches(t *testing.T, s *Set, epoch, from int) (all []train.Batch) {
	t.Helper()
	for b, err := range s.Epoch(epoch, from).Iter() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func ints(x *tensors.Tensor) []int32     { return tensors.MustCopyFlatData[int32](x) }
func floats(x *tensors.Tensor) []float32 { return tensors.MustCopyFlatData[float32](x) }

func TestSequences(t *testing.T) {
	all := batches(t, newSet(t, Options{Name: "x", Size: 2, Time: 3}), 1, 0)
	if len(all) != 2 {
		t.Fatalf("%d batches, want 2", len(all))
	}
	for _, c := range []struct {
		what      string
		got, want []int32
	}{
		{"tokens begin with the start token", ints(all[0].Inputs[1]), []int32{1, 4, 5, 0, 1, 6, 0, 0}},
		{"targets are shifted by one and closed by the end token", ints(all[0].Labels[0]), []int32{4, 5, 2, 0, 6, 2, 0, 0}},
		{"an empty caption is its end, and the last batch is filled up", ints(all[1].Labels[0]), []int32{2, 0, 0, 0, 0, 0, 0, 0}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
	if got, want := floats(all[0].Labels[1]), []float32{1, 1, 1, 0, 1, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	if got, want := floats(all[1].Labels[1]), []float32{1, 0, 0, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("weights of the filled-up batch %v, want %v", got, want)
	}
	if got, want := floats(all[0].Inputs[0]), []float32{1, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("features %v, want %v", got, want)
	}
}

func TestCountedPadding(t *testing.T) {
	b := batches(t, newSet(t, Options{Name: "x", Size: 2, Time: 3, CountPadding: true}), 1, 0)[0]
	if got, want := floats(b.Labels[1]), []float32{1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
}

// TestPairs: image + first n tokens -> token n+1, for every n, the end included.
func TestPairs(t *testing.T) {
	s := newSet(t, Options{Name: "x", Size: 6, Time: 3, Pairs: true})
	if s.Len() != s.Tokens() || s.Len() != 3+2+1 {
		t.Fatalf("%d pairs for %d tokens", s.Len(), s.Tokens())
	}
	b := batches(t, s, 1, 0)[0]
	if got, want := ints(b.Inputs[1])[:12], []int32{1, 0, 0, 0, 1, 4, 0, 0, 1, 4, 5, 0}; !slices.Equal(got, want) {
		t.Errorf("tokens %v, want %v", got, want)
	}
	if got, want := ints(b.Labels[0])[:12], []int32{4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("targets %v, want %v", got, want)
	}
	if got, want := floats(b.Labels[1])[:12], []float32{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
}

// TestOrder: the epoch and the seed fix the order; an epoch can be entered at any batch.
func TestOrder(t *testing.T) {
	var items []Item
	for n := range int32(40) {
		items = append(items, Item{int(n % 3), []int32{4 + n}})
	}
	firsts := func(seed int64, epoch, from int) (ids []int32) {
		s, err := New(items, pictures, Options{Name: "x", Size: 1, Time: 1, Shuffle: true, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches(t, s, epoch, from) {
			ids = append(ids, ints(b.Labels[0])[0])
		}
		return ids
	}
	whole := firsts(1, 3, 0)
	if !slices.Equal(whole, firsts(1, 3, 0)) || !slices.Equal(whole[17:], firsts(1, 3, 17)) {
		t.Error("the same epoch came in another order")
	}
	if slices.Equal(whole, firsts(1, 4, 0)) || slices.Equal(whole, firsts(2, 3, 0)) {
		t.Error("another epoch, or seed, came in the same order")
	}
	slices.Sort(whole)
	for n, id := range whole {
		if id != int32(4+n) {
			t.Fatalf("an epoch holds %v", whole)
		}
	}
}

func TestControls(t *testing.T) {
	s := newSet(t, Options{Name: "x", Size: 3, Time: 3})
	for _, v := range floats(batches(t, s.Zeroed(), 0, 0)[0].Inputs[0]) {
		if v != 0 {
			t.Fatal("a zeroed picture has features")
		}
	}
	own, other := floats(batches(t, s, 0, 0)[0].Inputs[0]), floats(batches(t, s.Shuffled(1), 0, 0)[0].Inputs[0])
	for n := range own {
		if own[n] == other[n] {
			t.Errorf("caption %d kept its own picture", n/2)
		}
	}
	if !slices.Equal(ints(batches(t, s, 0, 0)[0].Labels[0]), ints(batches(t, s.Shuffled(1), 0, 0)[0].Labels[0])) {
		t.Error("shuffling the pictures changed the captions")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		reason string
		items  []Item
		o      Options
	}{
		{"no captions", nil, Options{Size: 1, Time: 3}},
		{"a caption that is too long", captions, Options{Size: 1, Time: 1}},
		{"a picture without features", []Item{{3, nil}}, Options{Size: 1, Time: 3}},
		{"no batch size", captions, Options{Time: 3}},
	} {
		if _, err := New(c.items, pictures, c.o); err == nil {
			t.Errorf("%s was accepted", c.reason)
		}
	}
}

// TestBucket: every caption comes once an epoch, with the tokens and weights that it has without buckets; batches hold
// captions of similar length and are as long as their longest, within the rounding; epochs differ, and repeat themselves.
func TestBucket(t *testing.T) {
	var many []Item
	for n := range 997 {
		tokens := make([]int32, n*7919%60)
		for k := range tokens {
			tokens[k] = int32(4 + (n+k)%90)
		}
		many = append(many, Item{n % 3, tokens})
	}
	o := Options{Name: "x", Size: 8, Time: 60, Shuffle: true, Seed: 3, Bucket: true}
	s, err := New(many, pictures, o)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(epoch int) (texts []string, positions int) {
		for _, b := range batches(t, s, epoch, 0) {
			steps := b.Inputs[1].Shape().Dim(1)
			targets, weights := ints(b.Labels[0]), floats(b.Labels[1])
			longest := 0
			for row := range 8 {
				var text []int32
				for n := row * steps; n < (row+1)*steps; n++ {
					if weights[n] == 1 {
						text = append(text, targets[n])
					}
				}
				if text != nil {
					texts = append(texts, fmt.Sprint(text))
				}
				longest = max(longest, len(text))
			}
			if steps < longest || steps >= longest+4 && steps != 61 {
				t.Errorf("a batch of captions up to %d has %d positions", longest, steps)
			}
			positions += 8 * steps
		}
		return texts, positions
	}
	first, positions := rows(1)
	second, _ := rows(2)
	again, _ := rows(1)
	if slices.Equal(first, second) || !slices.Equal(first, again) {
		t.Error("an epoch must differ from another one and repeat itself")
	}
	if plain := 997 * 61; positions > plain*6/10 {
		t.Errorf("%d positions; without buckets %d", positions, plain)
	}
	var want []string
	for _, item := range many {
		want = append(want, fmt.Sprint(append(slices.Clone(item.Tokens), 2)))
	}
	slices.Sort(first)
	slices.Sort(want)
	if !slices.Equal(first, want) {
		t.Error("the epoch's captions are not those of the set")
	}
}
