package features

import (
	"fmt"
	"math"
)

// Scaler scales feature vectors before the decoder; its statistics come from the training split. It is saved
// with the run as JSON.
type Scaler struct {
	Kind string    `json:"kind"`
	Mean []float64 `json:"mean,omitempty"`
	Std  []float64 `json:"std,omitempty"`
}

// scalings are the scalings by their name in encoder.normalize: what is done to a row before its statistics, and
// whether there are any.
var scalings = map[string]struct {
	first       func(row []float32)
	standardize bool
}{
	"none":             {func([]float32) {}, false},
	"l2":               {unitLength, false},
	"standardize":      {func([]float32) {}, true},
	"sqrt_standardize": {signedRoot, true},
}

// Normalize prepares the scaling kind. For the standardizing kinds, each value's mean and standard deviation
// over the training pictures are computed; a value that never varies is only centred. Of a grid, they are each channel's,
// over all its locations.
func Normalize(t *Table, kind string, trainIDs []string) (*Scaler, error) {
	scaling, ok := scalings[kind]
	if !ok {
		return nil, fmt.Errorf("unknown scaling of features %q", kind)
	}
	s := &Scaler{Kind: kind}
	if !scaling.standardize {
		return s, nil
	}
	values := t.Size()
	if len(t.shape) == 3 {
		values = t.shape[2]
	}
	s.Mean, s.Std = make([]float64, values), make([]float64, values)
	each := 0
	for _, id := range trainIDs { // Welford's sums: a value that never varies has a deviation of exactly 0
		row, err := t.Row(id)
		if err != nil {
			return nil, err
		}
		scaling.first(row)
		for ; len(row) > 0; row = row[values:] {
			each++
			for i, v := range row[:values] {
				off := float64(v) - s.Mean[i]
				s.Mean[i] += off / float64(each)
				s.Std[i] += off * (float64(v) - s.Mean[i])
			}
		}
	}
	for i := range s.Std {
		if s.Std[i] = math.Sqrt(s.Std[i] / float64(max(each, 1))); s.Std[i] == 0 {
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
