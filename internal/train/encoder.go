package train

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/captionlab/captionlab/internal/model"
)

// The layers of an encoder that are trained with the decoder (model.WithFront) begin to be trained with an epoch of their own,
// and have a learning rate of their own. Before that epoch steps have another graph, without their gradients: they take no part
// in clip_norm, and the decoder is trained as it is on a frozen encoder. From it on, an optimiser of the same kind updates
// them: one that counts its own steps, since Adam's averages would else be taken for old ones, and its first updates be several
// times too large.

const (
	frontAdamScope = "EncoderAdamOptimizer"
	frozenKey      = "/encoder/frozen"
)

// isFrozen tells whether a step's graph leaves the encoder's trained layers as they are.
func isFrozen(g *Graph) bool {
	_, found := gomodel.GetGraphParam(g, frozenKey)
	return found
}

// frozen tells it of the epoch in progress.
func (t *Trainer) frozen() bool {
	return model.HasFront(t.decoder) && t.state.Epoch+1 < t.settings.EncoderFromEpoch
}

func ofFront(v *gomodel.Variable) bool {
	return strings.HasPrefix(v.Path(), "/"+model.FrontScope+"/")
}

func ofDecoder(v *gomodel.Variable) bool { return !ofFront(v) }

// only calls fn while no other weights than those kept can be trained: GoMLX's gradients and optimisers take all that can.
func only(kept func(*gomodel.Variable) bool, weights []*gomodel.Variable, fn func()) {
	for _, v := range weights {
		if !kept(v) {
			v.SetTrainable(false)
			defer v.SetTrainable(true)
		}
	}
	fn()
}

// pick takes the gradients of the weights that are kept.
func pick(kept func(*gomodel.Variable) bool, weights []*gomodel.Variable, gradients []*Node) (picked []*Node) {
	for n, v := range weights {
		if kept(v) {
			picked = append(picked, gradients[n])
		}
	}
	return picked
}

// step lets the optimisers change the weights.
func (u *updater) step(scope *gomodel.Scope, weights []*gomodel.Variable, gradients []*Node, dtype dtypes.DType) {
	g := gradients[0].Graph()
	before := map[*gomodel.Variable]*Node{}
	for _, v := range weights {
		if ofFront(v) {
			before[v] = v.NodeValue(g)
		}
	}
	if len(before) == 0 {
		u.inner.UpdateGraphWithGradients(scope, gradients, dtype)
		return
	}
	only(ofDecoder, weights, func() { u.inner.UpdateGraphWithGradients(scope, pick(ofDecoder, weights, gradients), dtype) })
	counter := optimizer.GetGlobalStepVar(scope)
	counted := counter.NodeValue(g)
	only(ofFront, weights, func() { u.front.UpdateGraphWithGradients(scope, pick(ofFront, weights, gradients), dtype) })
	counter.SetNodeValue(counted) // both count the step
	share := u.encoderShare()
	if share == 1 {
		return
	}
	for _, v := range weights {
		if from, ok := before[v]; ok {
			v.SetNodeValue(Add(from, MulScalar(Sub(v.NodeValue(g), from), share)))
		}
	}
}

// encoderShare is the encoder's learning rate as a share of the rest's. Every optimiser's update is proportional to the rate,
// weight decay included, and so it is the update that is scaled: Adam's doesn't depend on the gradients' scale.
func (s Settings) encoderShare() float64 {
	if s.EncoderLearningRate == 0 {
		return 1
	}
	return s.EncoderLearningRate / s.LearningRate
}

// WithDecoder returns a trainer that evaluates the same weights by another decoder, and trains nothing: that behind a front,
// without the front, on features that were computed beforehand.
func (t *Trainer) WithDecoder(d model.Decoder) (*Trainer, error) {
	other := &Trainer{settings: t.settings, backend: t.backend, decoder: d, store: t.store, dir: t.dir, state: t.state}
	var err error
	if other.eval, err = gomodel.NewExec(t.backend, t.store, other.evalGraph); err != nil {
		return nil, fmt.Errorf("build the evaluation: %w", err)
	}
	return other, nil
}
