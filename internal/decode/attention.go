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

// Attention tells where a model looks at each token of a caption.
type Attention struct {
	maxLength int
	exec      *gomodel.Exec
}

// attentionBatch is how many captions' maps are computed at a time.
const attentionBatch = 16

// NewAttention prepares the maps of captions of at most maxLength tokens. The store holds the trained variables.
func NewAttention(backend compute.Backend, store *gomodel.Store, d model.Attender, maxLength int) (*Attention, error) {
	exec, err := gomodel.NewExec(backend, store, func(scope *gomodel.Scope, features, tokens *graph.Node) *graph.Node {
		scope.Store().SetTraining(features.Graph(), false)
		return graph.TransposeAllAxes(d.Attention(scope, features, tokens), 1, 0, 2) // [batch, time, locations]
	})
	if err != nil {
		return nil, fmt.Errorf("build the attention: %w", err)
	}
	return &Attention{maxLength, exec}, nil
}

// Maps returns, for each picture's caption, the attention [tokens+1, locations] with which each of its tokens, and its end,
// was chosen. features are the pictures' scaled features; captions hold no special tokens.
func (a *Attention) Maps(ctx context.Context, features [][]float32, captions [][]int32) ([][][]float32, error) {
	length := a.maxLength + 1
	all := make([][][]float32, 0, len(captions))
	for from := 0; from < len(captions); from += attentionBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		chunk := captions[from:min(from+attentionBatch, len(captions))]
		size := len(features[from])
		rows, tokens := make([]float32, attentionBatch*size), make([]int32, attentionBatch*length)
		for n, c := range chunk {
			if len(c) >= length {
				return nil, fmt.Errorf("attention: the caption has %d tokens, more than the longest, %d", len(c), a.maxLength)
			}
			copy(rows[n*size:], features[from+n])
			tokens[n*length] = token.Start
			copy(tokens[n*length+1:], c)
		}
		out, err := a.exec.Call1(tensors.FromFlatDataAndDimensions(rows, attentionBatch, size), tensors.FromFlatDataAndDimensions(tokens, attentionBatch, length))
		if err != nil {
			return nil, fmt.Errorf("attention: %w", err)
		}
		flat, locations := tensors.MustCopyFlatData[float32](out), out.Shape().Dim(2)
		out.MustFinalizeAll()
		for n, c := range chunk {
			maps := make([][]float32, len(c)+1)
			for step := range maps {
				at := (n*length + step) * locations
				maps[step] = flat[at : at+locations : at+locations]
			}
			all = append(all, maps)
		}
	}
	return all, nil
}

// Finalize frees the compiled graphs.
func (a *Attention) Finalize() { a.exec.Finalize() }
