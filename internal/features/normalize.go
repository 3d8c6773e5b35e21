package features

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Scaler scales feature vectors before the decoder; its statistics come from the training split. It is saved
// with the run as JSON.
type Scaler struct {
	Kind string    `json:"kind"`
	Mean []float64 `json:"mean,omitempty"`
	Std  []float64 `json:"std,omitempty"`
}

// scalings are the scalings by their name in encoder.normalize: what is done to a row before its statistics, the same in a
// graph, and whether there are any statistics.
var scalings = map[string]struct {
	first       func(row []float32)
	graph       func(x *Node) *Node
	standardize bool
}{
	"none":             {func([]float32) {}, identity, false},
	"l2":               {unitLength, unitLengthGraph, false},
	"standardize":      {func([]float32) {}, identity, true},
	"sqrt_standardize": {signedRoot, signedRootGraph, true},
}

// Normalize prepares the scaling kind. For the standardizing kinds, each value's mean and standard deviation
// over the training pictures are computed; a value that never varies is only centred. Of a grid, they are each channel's,
// over all its locations.
func Normalize(t *Table, kind string, trainIDs []string) (*Scaler, error) {
	return NormalizeRows(t.shape, kind, func(each func(row []float32)) error {
		for _, id := range trainIDs {
			row, err := t.Row(id)
			if err != nil {
				return err
			}
			each(row)
		}
		return nil
	})
}

// Standardizes tells whether a scaling needs statistics of the training pictures.
func Standardizes(kind string) bool { return scalings[kind].standardize }

// NormalizeRows is Normalize for rows of features of a shape that rows calls each with, and which it may change. A scaling
// without statistics needs none.
func NormalizeRows(shape []int, kind string, rows func(each func(row []float32)) error) (*Scaler, error) {
	scaling, ok := scalings[kind]
	if !ok {
		return nil, fmt.Errorf("unknown scaling of features %q", kind)
	}
	s := &Scaler{Kind: kind}
	if !scaling.standardize {
		return s, nil
	}
	values := product(shape)
	if len(shape) == 3 {
		values = shape[2]
	}
	s.Mean, s.Std = make([]float64, values), make([]float64, values)
	seen := 0
	err := rows(func(row []float32) { // Welford's sums: a value that never varies has a deviation of exactly 0
		scaling.first(row)
		for ; len(row) > 0; row = row[values:] {
			seen++
			for i, v := range row[:values] {
				off := float64(v) - s.Mean[i]
				s.Mean[i] += off / float64(seen)
				s.Std[i] += off * (float64(v) - s.Mean[i])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range s.Std {
		if s.Std[i] = math.Sqrt(s.Std[i] / float64(max(seen, 1))); s.Std[i] == 0 {
			s.Std[i] = 1
		}
	}
	return s, nil
}

// Apply scales row in place.
func (s *Scaler) Apply(row []float32) {
	scalings[s.Kind].first(row)
	for values := len(s.Mean); values > 0 && len(row) > 0; row = row[values:] {
		for i, v := range row[:values] {
			row[i] = float32((float64(v) - s.Mean[i]) / s.Std[i])
		}
	}
}

func unitLength(row []float32) {
	sum := 0.0
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range row {
		row[i] *= scale
	}
}

// signedRoot is sign(x)·√|x|, which tames the heavy tail of ReLU features.
func signedRoot(row []float32) {
	for i, v := range row {
		row[i] = float32(math.Copysign(math.Sqrt(math.Abs(float64(v))), float64(v)))
	}
}

// Graph scales features x [batch, values], of pictures whose encoder is trained, and lets gradients through.
func (s *Scaler) Graph(x *Node) *Node {
	shape := x.Shape().Dimensions
	x = scalings[s.Kind].graph(x)
	if len(s.Mean) == 0 {
		return x
	}
	mean, scale := make([]float32, len(s.Mean)), make([]float32, len(s.Std))
	for n := range mean {
		mean[n], scale[n] = float32(s.Mean[n]), float32(1/s.Std[n])
	}
	x = Reshape(x, -1, len(mean)) // the channels of a grid's locations
	x = Mul(Sub(x, ExpandLeftToRank(Const(x.Graph(), mean), 2)), ExpandLeftToRank(Const(x.Graph(), scale), 2))
	return Reshape(x, shape...)
}

func identity(x *Node) *Node { return x }

// unitLengthGraph is unitLength; a row of zeros stays. The sum is a product, since a graph that generates captions has other
// sums in its loop, and a kind of reduction may occur in one function of a graph only.
func unitLengthGraph(x *Node) *Node {
	squares := MatMul(Square(x), Ones(x.Graph(), shapes.Make(x.DType(), x.Shape().Dim(-1), 1)))
	return Div(x, Sqrt(MaxScalar(squares, 1e-30)))
}

// leastRoot is the size of value below which signedRootGraph is a straight line.
const leastRoot = 1e-6

// signedRootGraph is signedRoot, whose slope at zero, where a ReLU's means often are, is infinite: below leastRoot it is a
// straight line of slope 1000.
func signedRootGraph(x *Node) *Node { return Div(x, Sqrt(MaxScalar(Abs(x), leastRoot))) }
