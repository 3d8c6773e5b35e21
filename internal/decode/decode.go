// Package decode generates captions from picture features: a search over a decoder's steps, in one compiled loop a batch.
package decode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/setting"
	"github.com/captionlab/captionlab/internal/token"
)

// Caption is one generated caption.
type Caption struct {
	Tokens         []int32 // without special tokens
	LogProbability float64 // the model's own, in nats, the end token's included: what teacher forcing gives for the caption, in the direction that generated it
}

// score is what beam search ranks captions by.
func (c Caption) score(lengthPenalty float64) float64 {
	return c.LogProbability / math.Pow(float64(len(c.Tokens)+1), lengthPenalty)
}

// method builds the graph of a search: tokens [capacity, width, maxLength+1], the possible ones closed by the end token
// and padded, and their log-probabilities [capacity, width].
type method func(generation) (tokens, logProbabilities *graph.Node)

// kinds are the methods by their name in decoding.method.
var kinds = map[string]method{
	"greedy": greedy,
	"beam":   beam,
	"sample": sample,
}

// generation is what a search works on. A method that has no use for a setting ignores it.
type generation struct {
	Settings
	scope     *gomodel.Scope
	decoder   model.Decoder
	features  *graph.Node // [capacity, size]
	count     *graph.Node // how many of the features' rows are pictures
	random    *graph.Node // state of the random numbers
	maxLength int         // tokens of the longest caption, its end not counted
}

// goBackend is the name of GoMLX's pure-Go backend, whose loops mix up what they are given, and may end the process.
const goBackend = "Go Backend"

// Generator generates captions with one model.
type Generator struct {
	backend   string // its name
	settings  Settings
	maxLength int
	ways      []way
}

// way is a search in one direction.
type way struct {
	exec     *gomodel.Exec
	backward bool // it generates the last token first
}

// Check refuses settings that don't go together.
func (s Settings) Check() (problems setting.Problems) {
	if s.Method == "beam" && s.BeamGroups > 0 && s.BeamWidth%s.BeamGroups != 0 {
		problems.Refuse([]string{"decoding.beam_groups", "decoding.beam_width"}, "decoding.beam_groups = %d does not divide decoding.beam_width = %d", s.BeamGroups, s.BeamWidth)
	}
	if s.MaxLength > 0 && s.MinLength > s.MaxLength {
		problems.Refuse([]string{"decoding.min_length", "decoding.max_length"}, "decoding.min_length = %d is above decoding.max_length = %d", s.MinLength, s.MaxLength)
	}
	return problems
}

// New prepares generation of captions of at most maxLength tokens, unless the settings have a length of their
// own. The store holds the trained variables.
func New(backend compute.Backend, store *gomodel.Store, d model.Decoder, s Settings, maxLength int) (*Generator, error) {
	if err := s.Check().Err(); err != nil {
		return nil, err
	}
	if s.MaxLength > 0 {
		maxLength = s.MaxLength
	}
	s.MinLength = min(s.MinLength, maxLength)
	build, ok := kinds[s.Method]
	if !ok {
		return nil, fmt.Errorf("unknown decoding method %q; known are %s", s.Method, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	g := &Generator{backend: backend.Name(), settings: s, maxLength: maxLength}
	add := func(d model.Decoder, backward bool) error {
		return exceptions.TryCatch[error](func() {
			g.ways = append(g.ways, way{gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, features, count, random *graph.Node) (*graph.Node, *graph.Node) {
				scope.Store().SetTraining(features.Graph(), false)
				return build(generation{s, scope, d, features, count, random, maxLength})
			}), backward})
		})
	}
	var err error
	if s.Direction != "backward" {
		err = add(d, false)
	}
	if s.Direction == "backward" || s.Direction == "both" {
		both, ok := d.(model.Bidirectional)
		if !ok {
			return nil, fmt.Errorf("decoding.direction is %q, and the decoder has no backward direction (decoder.bidirectional)", s.Direction)
		}
		err = errors.Join(err, add(both.Backward(), true))
	}
	if err != nil {
		return nil, fmt.Errorf("build the %s search: %w", s.Method, err)
	}
	return g, nil
}

// MaxLength is how many tokens a caption has at most, its end not counted.
func (g *Generator) MaxLength() int { return g.maxLength }

// Generate returns one caption for each row of features [pictures, size], the best that the search found.
// progress, which may be nil, gets the number of pictures done since its last call.
func (g *Generator) Generate(ctx context.Context, rows [][]float32, progress func(int)) ([]Caption, error) {
	all, err := g.Candidates(ctx, rows, progress)
	if err != nil {
		return nil, err
	}
	captions := make([]Caption, len(all))
	for n, candidates := range all {
		captions[n] = candidates[0]
	}
	return captions, nil
}

// Candidates returns, for each row of features, all captions that ended before the search did, the best first and each once:
// at most as many as the beam is wide; with direction = both, from each direction.
func (g *Generator) Candidates(ctx context.Context, rows [][]float32, progress func(int)) ([][]Caption, error) {
	if g.backend == goBackend {
		return nil, errors.New("generate captions: the pure-Go backend can't run the search's loop; expected XLA")
	}
	all := make([][]Caption, 0, len(rows))
	// The loop works on batch pictures at a time and takes new ones as it goes on: the more it has, the fewer wait.
	capacity := 1
	for capacity < g.most(rows) {
		capacity *= 2 // few different sizes, as each is compiled
	}
	for chunk := range slices.Chunk(rows, capacity) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Each loop has random numbers of its own.
		captions, err := g.loop(chunk, capacity, g.settings.Seed+int64(len(all))*0x9e3779b9)
		if err != nil {
			return nil, fmt.Errorf("generate captions: %w", err)
		}
		all = append(all, captions...)
		if progress != nil {
			progress(len(chunk))
		}
	}
	return all, nil
}

// Bounds of how many pictures' features are on the device at once. A decoder may keep as much again of each picture, so that
// grids of a hundred thousand values need the second one.
const (
	batchesALoop = 10
	bytesALoop   = 256 << 20
)

// most is how many pictures a loop is to have, or up to twice as many, within a power of two.
func (g *Generator) most(rows [][]float32) int {
	if len(rows) == 0 {
		return 0
	}
	return min(len(rows), g.settings.Batch*batchesALoop, max(1, bytesALoop/2/(4*len(rows[0]))))
}

func (g *Generator) loop(rows [][]float32, capacity int, seed int64) ([][]Caption, error) {
	size := len(rows[0])
	flat := make([]float32, capacity*size)
	for n, row := range rows {
		copy(flat[n*size:], row)
	}
	random, err := graph.RNGStateFromSeed(seed)
	if err != nil {
		return nil, err
	}
	features, count := tensors.FromFlatDataAndDimensions(flat, capacity, size), tensors.FromValue(int32(len(rows)))
	defer func() {
		for _, t := range []*tensors.Tensor{features, count, random} {
			t.MustFinalizeAll()
		}
	}()
	captions := make([][]Caption, len(rows))
	for _, w := range g.ways {
		if err := w.search(captions, features, count, random); err != nil {
			return nil, err
		}
	}
	for n := range captions {
		if len(captions[n]) == 0 { // every caption broke a rule: the search was left without a token
			captions[n] = []Caption{{LogProbability: math.Inf(-1)}}
		}
		slices.SortStableFunc(captions[n], func(a, b Caption) int {
			return cmp.Compare(b.score(g.settings.LengthPenalty), a.score(g.settings.LengthPenalty))
		})
		captions[n] = distinct(captions[n])
	}
	return captions, nil
}

// distinct leaves the first of captions of equal tokens, which two groups or two directions may have found.
func distinct(captions []Caption) []Caption {
	kept := captions[:0]
	for _, c := range captions {
		if !slices.ContainsFunc(kept, func(k Caption) bool { return slices.Equal(k.Tokens, c.Tokens) }) {
			kept = append(kept, c)
		}
	}
	return kept
}

// search adds the captions that the search ended with to those of each picture.
func (w way) search(captions [][]Caption, features, count, random *tensors.Tensor) error {
	ids, logs, err := w.exec.Call2(features, count, random)
	if err != nil {
		return err
	}
	tokens, logProbabilities := tensors.MustCopyFlatData[int32](ids), tensors.MustCopyFlatData[float32](logs)
	width, length := ids.Shape().Dim(1), ids.Shape().Dim(2)
	ids.MustFinalizeAll()
	logs.MustFinalizeAll()
	for n := range captions {
		for k := n * width; k < (n+1)*width; k++ {
			c, ended := caption(tokens[k*length:(k+1)*length], logProbabilities[k])
			if !ended || c.LogProbability <= impossible/2 {
				continue
			}
			if w.backward {
				slices.Reverse(c.Tokens)
			}
			captions[n] = append(captions[n], c)
		}
	}
	return nil
}

// caption is what comes before the end token; beam search may stop before every caption of the beam has one.
func caption(ids []int32, logProbability float32) (c Caption, ended bool) {
	n := slices.Index(ids, token.End)
	if n < 0 {
		return c, false
	}
	return Caption{Tokens: slices.Clone(ids[:n]), LogProbability: float64(logProbability)}, true
}
