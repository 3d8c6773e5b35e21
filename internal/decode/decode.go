// Package decode generates captions from picture features: a search over a decoder's steps, in one compiled loop a batch.
package decode

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

// Caption is one generated caption.
type Caption struct {
	Tokens         []int32 // without special tokens
	LogProbability float64 // in nats, the end token's included when it was reached
	Ended          bool    // the end token was reached within the maximum length
}

// search builds the graph that generates for one batch: features [batch, size] to tokens [batch, maxLength],
// closed by the end token and padded, and log-probabilities [batch].
type search func(scope *gomodel.Scope, d model.Decoder, features *Node, maxLength int) (tokens, logProbability *Node)

// kinds are the searches by their name in [decoding].
var kinds = map[string]search{
	"greedy": greedy,
}

// Generator generates captions with one model.
type Generator struct {
	batch, maxLength int
	exec             *gomodel.Exec
}

// New prepares generation of captions of at most maxLength tokens. The store holds the trained variables.
func New(backend compute.Backend, store *gomodel.Store, d model.Decoder, s Settings, maxLength int) (*Generator, error) {
	if s.MaxLength > 0 {
		maxLength = s.MaxLength
	}
	build, ok := kinds[s.Method]
	if !ok {
		return nil, fmt.Errorf("unknown decoding method %q; known are %s", s.Method, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	g := &Generator{batch: s.Batch, maxLength: maxLength}
	err := exceptions.TryCatch[error](func() {
		g.exec = gomodel.MustNewExec(backend, store, func(scope *gomodel.Scope, features *Node) (*Node, *Node) {
			scope.Store().SetTraining(features.Graph(), false)
			return build(scope, d, features, maxLength)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("build the %s decoder: %w", s.Method, err)
	}
	return g, nil
}

// Generate returns one caption for each row of features [pictures, size]. progress, which may be nil, gets the
// number of pictures done since its last call.
func (g *Generator) Generate(ctx context.Context, rows [][]float32, progress func(int)) ([]Caption, error) {
	captions := make([]Caption, 0, len(rows))
	for chunk := range slices.Chunk(rows, g.batch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		size := len(chunk[0])
		flat := make([]float32, g.batch*size) // the last batch is filled up with zeros, so one graph serves all
		for n, row := range chunk {
			copy(flat[n*size:], row)
		}
		features := tensors.FromFlatDataAndDimensions(flat, g.batch, size)
		ids, logs, err := g.exec.Call2(features)
		if err != nil {
			return nil, fmt.Errorf("generate captions: %w", err)
		}
		tokens, logProbabilities := tensors.MustCopyFlatData[int32](ids), tensors.MustCopyFlatData[float32](logs)
		for n := range chunk {
			captions = append(captions, caption(tokens[n*g.maxLength:(n+1)*g.maxLength], logProbabilities[n]))
		}
		for _, t := range []*tensors.Tensor{features, ids, logs} {
			t.MustFinalizeAll()
		}
		if progress != nil {
			progress(len(chunk))
		}
	}
	return captions, nil
}

func caption(ids []int32, logProbability float32) Caption {
	c := Caption{LogProbability: float64(logProbability)}
	if n := slices.Index(ids, token.End); n >= 0 {
		ids, c.Ended = ids[:n], true
	}
	c.Tokens = slices.Clone(ids)
	return c
}

// greedy takes the most probable token at each step. Padding, start and unknown are never generated. The loop
// ends when every caption of the batch has ended.
func greedy(scope *gomodel.Scope, d model.Decoder, features *Node, maxLength int) (*Node, *Node) {
	g := features.Graph()
	batch := features.Shape().Dim(0)
	start := d.Start(scope, features)
	weights := d.StepWeights(scope, g)

	ids, floats := shapes.Make(dtypes.Int32, batch), shapes.Make(dtypes.Float32, batch)
	initial := []*Node{
		Const(g, int32(0)),                    // step
		AddScalar(Zeros(g, ids), token.Start), // token fed next
		Zeros(g, ids),                         // 1: ended
		Zeros(g, shapes.Make(dtypes.Int32, batch, maxLength)), // tokens so far
		Zeros(g, floats), // log-probability so far
	}
	fixed := len(initial)
	initial = append(append(initial, start...), weights...)

	closure := func(fn func(g *Graph, p []*Node) []*Node) *Function {
		return NewClosure(g, func(g *Graph) []*Node {
			p := make([]*Node, len(initial))
			for n, node := range initial {
				p[n] = Parameter(g, fmt.Sprintf("p%d", n), node.Shape())
			}
			return fn(g, p)
		})
	}
	cond := closure(func(g *Graph, p []*Node) []*Node {
		going := LessThan(ReduceAllSum(p[2]), Const(g, int32(batch)))
		return []*Node{LogicalAnd(LessThan(p[0], Const(g, int32(maxLength))), going)}
	})
	body := closure(func(g *Graph, p []*Node) []*Node {
		step, fed, ended, out, logProbability := p[0], p[1], p[2], p[3], p[4]
		state, weights := p[fixed:fixed+len(start)], p[fixed+len(start):]
		logits, state := d.Step(weights, state, fed)

		// The probability is the model's own, over the whole vocabulary, as under teacher forcing.
		max := ReduceMax(logits, -1)
		logSum := Add(max, Log(ReduceSum(Exp(Sub(logits, ExpandAxes(max, -1))), -1)))
		allowed := Where(neverGenerated(g, logits.Shape()), BroadcastToShape(Const(g, float32(-1e9)), logits.Shape()), logits)
		next := ArgMax(allowed, -1, dtypes.Int32)

		isEnded := Equal(ended, BroadcastToShape(Const(g, int32(1)), ids))
		next = Where(isEnded, BroadcastToShape(Const(g, token.Pad), ids), next)
		logProbability = Where(isEnded, logProbability, Add(logProbability, Sub(ReduceMax(allowed, -1), logSum)))
		ended = Where(Equal(next, BroadcastToShape(Const(g, token.End), ids)), BroadcastToShape(Const(g, int32(1)), ids), ended)
		out = DynamicUpdateSlice(out, Reshape(next, batch, 1), []*Node{Const(g, int32(0)), step})

		result := []*Node{Add(step, Const(g, int32(1))), next, ended, out, logProbability}
		return append(append(result, state...), weights...)
	})
	result := While(cond, body, initial...)
	return result[3], result[4]
}

// neverGenerated is a mask over logits [batch, vocabulary] of the tokens no caption may hold.
func neverGenerated(g *Graph, shape shapes.Shape) *Node {
	id := Iota(g, shapes.Make(dtypes.Int32, shape.Dimensions...), 1)
	is := func(n int32) *Node { return Equal(id, BroadcastToShape(Const(g, n), id.Shape())) }
	return LogicalOr(LogicalOr(is(token.Pad), is(token.Start)), is(token.Unknown))
}
