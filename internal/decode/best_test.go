package decode

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestBestIsASort: the places of the largest values of each slot are those of a stable sort, with many equal values among few captions or
// tokens, and as many as there are.
func TestBestIsASort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ slots, captions, vocabulary, n int }{{1, 1, 7, 5}, {3, 5, 40, 5}, {4, 3, 2, 6}, {2, 1, 9, 9}, {5, 10, 33, 10}, {1, 4, 1, 3}} {
		rank := make([][][]float32, c.slots)
		for s := range rank {
			for range c.captions {
				row := make([]float32, c.vocabulary)
				for k := range row {
					row[k] = -float32(r.IntN(6)) - float32(r.IntN(2))*1e9
				}
				rank[s] = append(rank[s], row)
			}
		}
		captions, tokens, err := graph.MustNewExec(acceltest.XLA(t), func(rank *graph.Node) (*graph.Node, *graph.Node) { return best(rank, c.n) }).Call2(rank)
		if err != nil {
			t.Fatal(err)
		}
		for s := range rank {
			places := make([]int, c.captions*c.vocabulary)
			for n := range places {
				places[n] = n
			}
			slices.SortStableFunc(places, func(a, b int) int {
				return cmp.Compare(rank[s][b/c.vocabulary][b%c.vocabulary], rank[s][a/c.vocabulary][a%c.vocabulary])
			})
			for n, want := range places[:c.n] {
				caption, token := captions.Value().([][]int32)[s][n], tokens.Value().([][]int32)[s][n]
				if int(caption) != want/c.vocabulary || int(token) != want%c.vocabulary {
					t.Fatalf("%+v, slot %d, %d-th: caption %d, token %d; a sort has %d, %d of %v", c, s, n, caption, token, want/c.vocabulary, want%c.vocabulary, rank[s])
				}
			}
		}
	}
}

// TestFirstOfManyColumns: places beyond float32's whole numbers are exact.
func TestFirstOfManyColumns(t *testing.T) {
	exec := graph.MustNewExec(acceltest.XLA(t), firstMax)
	for _, want := range []int{1<<24 + 1, 1<<24 + 3} {
		x := make([]float32, 1<<24+4)
		x[want] = 1
		got, err := exec.Call1([][]float32{x})
		if err != nil {
			t.Fatal(err)
		}
		if at := got.Value().([]int32)[0]; int(at) != want {
			t.Errorf("the largest is at %d, found %d", want, at)
		}
	}
}
