package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/metric"

	"github.com/captionlab/captionlab/internal/model"
)

// Logits are time-major, [time, batch, vocabulary]; targets and weights [batch, time] are transposed to match,
// since they are the smaller ones.

// nll returns each position's negative log-likelihood in nats, and 1 where the target is the most probable token, both
// [time, batch].
//
// Forward, the targets' logits are looked up: by one-hot rows, of which their gradient is made, XLA would write and read
// another tensor of the logits' size.
func nll(logits, targets *Node) (nats, hit *Node) {
	ids := TransposeAllAxes(targets, 1, 0)
	vocabulary := logits.Shape().Dim(-1)
	max := StopGradient(ReduceAndKeep(logits, ReduceMax, -1))
	var adjoint *Node // of nats
	shifted := IdentityWithCustomGradient(Sub(logits, max), func(_, v *Node) *Node {
		return Sub(v, Mul(OneHot(ids, vocabulary, v.DType()), ExpandAxes(adjoint, -1)))
	})
	logSum := IdentityWithCustomGradient(Log(ReduceSum(Exp(shifted), -1)), func(_, v *Node) *Node {
		adjoint = v // GoMLX comes here first, on its way back
		return v
	})
	row := Iota(logits.Graph(), shapes.Make(ids.DType(), ids.Shape().Size()), 0)
	at := Stack([]*Node{row, Reshape(ids, -1)}, -1)
	picked := StopGradient(Reshape(Gather(Reshape(shifted, -1, vocabulary), at), ids.Shape().Dimensions...))
	// XLA's arg-max on the CPU is many times slower than a maximum, which the loss has anyway.
	return Sub(logSum, picked), ConvertDType(GreaterOrEqual(picked, ZerosLike(picked)), logits.DType())
}

// sums returns the batch's summed nats, right arg-maxes, and tokens that count, each a scalar.
func sums(labels []*Node, logits *Node) (nats, correct, tokens *Node) {
	targets, weights := labels[0], TransposeAllAxes(labels[1], 1, 0)
	loss, hit := nll(logits, targets)
	return ReduceAllSum(Mul(loss, weights)), ReduceAllSum(Mul(hit, weights)), ReduceAllSum(weights)
}

// Loss is what a step's gradients are of: the mean negative log-likelihood, in nats, of logits [time, batch, vocabulary] over the
// tokens that count, smoothed as the settings say; labels are targets and weights, [batch, time]. A bidirectional decoder's
// predictions are both directions' logits, and its loss the mean of theirs.
func (t *Trainer) Loss(labels, predictions []*Node) *Node {
	logits, weights := predictions[0], TransposeAllAxes(labels[1], 1, 0)
	tokens := MaxScalar(ReduceAllSum(weights), 1)
	gomodel.SetGraphParam(logits.Graph(), tokensKey, tokens)
	if isCritical(logits.Graph()) {
		return selfCritical(labels, logits, tokens)
	}
	loss := Div(ReduceAllSum(Mul(t.smoothed(logits, labels[0]), weights)), tokens)
	if len(predictions) > 1 {
		backward := Div(ReduceAllSum(Mul(t.smoothed(predictions[1], labels[0]), weights)), tokens)
		loss = MulScalar(Add(loss, backward), 0.5)
	}
	return loss
}

// smoothed is each position's negative log-likelihood [time, batch] with label smoothing.
func (t *Trainer) smoothed(logits, targets *Node) *Node {
	nats, _ := nll(logits, targets)
	if share := t.settings.LabelSmoothing; share > 0 {
		nats = Add(MulScalar(nats, 1-share), MulScalar(uniformNLL(logits), share))
	}
	return nats
}

// uniformNLL is the cross-entropy [time, batch], in nats, against a target that has the same probability for each token.
func uniformNLL(logits *Node) *Node {
	shifted := Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, -1)))
	return Sub(Log(ReduceSum(Exp(shifted), -1)), ReduceMean(shifted, -1))
}

// trainGraph returns the logits of one step's batch, with dropout, and after them those of the backward direction of a
// bidirectional decoder; spec is the batch's task.
func (t *Trainer) trainGraph(scope *gomodel.Scope, spec any, inputs []*Node) []*Node {
	features, tokens := inputs[0], inputs[1]
	if t.settings.UsesBFloat16() {
		model.UseBFloat16(features.Graph())
	}
	if is, ok := spec.(task); ok {
		if is.distinct {
			model.SetDistinct(inputs[2], inputs[3])
		}
		gomodel.SetGraphParam(features.Graph(), roleKey, is.role)
		if is.frozen {
			gomodel.SetGraphParam(features.Graph(), frozenKey, true)
		}
		if is.critical {
			gomodel.SetGraphParam(features.Graph(), criticalKey, true)
			scope.Store().SetTraining(features.Graph(), false)
			return []*Node{t.decoder.Logits(scope, features, tokens)}
		}
	}
	if t.settings.samples() {
		tokens = t.sampled(scope, features, tokens)
	}
	all := []*Node{t.decoder.Logits(scope, features, tokens)}
	if d, ok := t.decoder.(model.Bidirectional); ok {
		all = append(all, d.Backward().Logits(scope, features, tokens))
	}
	return all
}

// stepMetrics are the sums that each training step returns after the loss and its moving average.
func stepMetrics() []metric.Interface {
	part := func(name string, pick func(nats, correct, tokens *Node) *Node) metric.Interface {
		return metric.NewBaseMetric(name, name, "sum", func(_ *gomodel.Scope, labels, predictions []*Node) *Node {
			return pick(sums(labels, predictions[0]))
		}, nil)
	}
	return []metric.Interface{
		part("nats", func(nats, _, _ *Node) *Node { return nats }),
		part("correct", func(_, correct, _ *Node) *Node { return correct }),
		part("tokens", func(_, _, tokens *Node) *Node { return tokens }),
	}
}

// evalGraph returns the three sums for one batch, without dropout.
func (t *Trainer) evalGraph(scope *gomodel.Scope, features, tokens, targets, weights *Node) (*Node, *Node, *Node) {
	scope.Store().SetTraining(features.Graph(), false)
	return sums([]*Node{targets, weights}, t.decoder.Logits(scope, features, tokens))
}

// predictGraph returns the most probable tokens [batch, time] of one batch, without dropout.
func (t *Trainer) predictGraph(scope *gomodel.Scope, features, tokens *Node) *Node {
	scope.Store().SetTraining(features.Graph(), false)
	return TransposeAllAxes(ArgMax(t.decoder.Logits(scope, features, tokens), -1, dtypes.Int32), 1, 0)
}

// captionGraph returns the log-probability [batch] of each caption of one batch, its end included, without dropout.
func (t *Trainer) captionGraph(scope *gomodel.Scope, features, tokens, targets, weights *Node) *Node {
	scope.Store().SetTraining(features.Graph(), false)
	nats, _ := nll(t.decoder.Logits(scope, features, tokens), targets)
	return Neg(ReduceSum(Mul(nats, TransposeAllAxes(weights, 1, 0)), 0))
}
