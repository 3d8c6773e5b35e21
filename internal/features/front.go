package features

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/model"
)

// Front are the layers of an encoder that are trained with the decoder, and the scaling of what they give. It is a
// model.Front: Compute then gives what its graph reads, that of the encoder's Frozen.
type Front struct {
	layers *encoder.Trained
	scaler *Scaler
}

// NewFront returns the trained layers of an encoder whose weights are loaded; nil where none is trained. Nothing is scaled
// until Scale.
func NewFront(e *encoder.Encoder) (*Front, error) {
	layers, err := e.Trained()
	if err != nil || layers == nil {
		return nil, err
	}
	return &Front{layers: layers, scaler: &Scaler{Kind: "none"}}, nil
}

// Scale lets graphs that are built from now on scale the features.
func (f *Front) Scale(s *Scaler) { f.scaler = s }

// FLOPs are the floating-point operations of one picture.
func (f *Front) FLOPs() float64 { return f.layers.FLOPs() }

// Features implements model.Front.
func (f *Front) Features(scope *gomodel.Scope, kept *Node) *Node {
	return f.scaler.Graph(f.layers.Graph(scope.At(model.FrontScope), kept))
}

// Applied is a front with the weights that its store has when Rows is called.
type Applied struct{ exec *gomodel.Exec }

// Apply prepares the features that the store's weights give; those that it lacks begin in it as training begins.
func (f *Front) Apply(backend compute.Backend, store *gomodel.Store) (*Applied, error) {
	exec, err := gomodel.NewExec(backend, store, func(scope *gomodel.Scope, kept *Node) *Node {
		scope.Store().SetTraining(kept.Graph(), false)
		return f.Features(scope, kept)
	})
	if err != nil {
		return nil, fmt.Errorf("build the encoder's trained layers: %w", err)
	}
	return &Applied{exec}, nil
}

// appliedBatch is how many pictures are computed at a time.
const appliedBatch = 16

// Rows calls each with a picture's number and its features, which are valid until it returns, for all rows of kept values.
func (a *Applied) Rows(ctx context.Context, kept [][]float32, each func(n int, features []float32)) error {
	done := 0
	for chunk := range slices.Chunk(kept, appliedBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := min(appliedBatch, len(kept)) // a last one that isn't full has the others' shape: one graph serves all
		size := len(chunk[0])
		flat := make([]float32, batch*size)
		for n, row := range chunk {
			copy(flat[n*size:], row)
		}
		in := tensors.FromFlatDataAndDimensions(flat, batch, size)
		out, err := a.exec.Call1(in)
		if err != nil {
			return fmt.Errorf("the encoder's trained layers: %w", err)
		}
		values, width := tensors.MustCopyFlatData[float32](out), out.Shape().Dim(1)
		in.MustFinalizeAll()
		out.MustFinalizeAll()
		for n := range chunk {
			each(done+n, values[n*width:(n+1)*width])
		}
		done += len(chunk)
	}
	return nil
}

// Finalize frees the compiled graph.
func (a *Applied) Finalize() { a.exec.Finalize() }
