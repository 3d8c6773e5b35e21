package decode

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/token"
)

// NextTokens tells what a model expects after the beginning of a caption: its next-token distribution.
type NextTokens struct {
	maxLength int
	exec      *gomodel.Exec
}

// NewNextTokens prepares distributions after beginnings of at most maxLength tokens. The store holds the trained variables.
func NewNextTokens(backend compute.Backend, store *gomodel.Store, d model.Decoder, maxLength int) (*NextTokens, error) {
	exec, err := gomodel.NewExec(backend, store, func(scope *gomodel.Scope, features, tokens, at *graph.Node) *graph.Node {
		scope.Store().SetTraining(features.Graph(), false)
		logits := d.Logits(scope, features, tokens) // [time, batch, vocabulary]
		return logSoftmax(graph.Gather(graph.TransposeAllAxes(logits, 1, 0, 2), at))
	})
	if err != nil {
		return nil, fmt.Errorf("build the next-token distribution: %w", err)
	}
	return &NextTokens{maxLength, exec}, nil
}

// LogProbabilities returns, for each beginning, the log-probability in nats of every token [beginnings, vocabulary] that may
// follow it. Beginnings hold no special tokens and share one picture, whose scaled features [values] are given. One longer than
// the longest caption is an error.
func (n *NextTokens) LogProbabilities(ctx context.Context, features []float32, beginnings [][]int32) ([][]float32, error) {
	if err := ctx.Err(); err != nil || len(beginnings) == 0 {
		return nil, err
	}
	length := n.maxLength + 1 // of every beginning, so that one compiled graph serves all
	capacity := 1
	for capacity < len(beginnings) {
		capacity *= 2 // few different sizes, as each is compiled, and an Exec keeps 32 at most
	}
	rows, tokens := make([]float32, capacity*len(features)), make([]int32, capacity*length)
	last := make([]int32, 2*capacity) // where each beginning ends: row, step
	for i, b := range beginnings {
		if len(b) >= length {
			return nil, fmt.Errorf("the beginning has %d tokens, more than the longest caption, %d", len(b), n.maxLength)
		}
		copy(rows[i*len(features):], features)
		tokens[i*length] = token.Start
		copy(tokens[i*length+1:], b)
		last[2*i], last[2*i+1] = int32(i), int32(len(b))
	}
	out, err := n.exec.Call1(tensors.FromFlatDataAndDimensions(rows, capacity, len(features)),
		tensors.FromFlatDataAndDimensions(tokens, capacity, length), tensors.FromFlatDataAndDimensions(last, capacity, 2))
	if err != nil {
		return nil, fmt.Errorf("next-token distribution: %w", err)
	}
	flat, vocabulary := tensors.MustCopyFlatData[float32](out), out.Shape().Dim(1)
	out.MustFinalizeAll()
	all := make([][]float32, len(beginnings))
	for i := range all {
		all[i] = flat[i*vocabulary : (i+1)*vocabulary]
	}
	return all, nil
}

// Finalize frees the compiled graphs.
func (n *NextTokens) Finalize() { n.exec.Finalize() }
