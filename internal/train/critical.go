package train

import (
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// Self-critical sequence training (Rennie et al. 2017) goes on where cross-entropy ended: captions that the model samples are
// made more probable where their reward is above a baseline, which is what the model itself earns, and less where it is below.
// Who samples and who rewards is the business of the batches that Events.SelfCritical yields: they are asked for one by one,
// right before the step that takes them, so that captions come from the weights of that moment. A batch's labels are the
// sampled captions' targets and weights, and their advantage [batch], the reward less the baseline.
//
// Nothing is dropped in these steps: the gradient is of the probability that the captions were sampled with, but that sampling
// never draws padding, start or unknown tokens, whose probability, small by then, the loss knows.

// task is what a batch is for. It is the batch's Spec, so that GoMLX compiles a graph for each; nil is a plain one.
type task struct {
	role     role
	critical bool
	frozen   bool // the encoder's trained layers stay as they are
	distinct bool // the batch's distinct tokens are among its inputs
}

const criticalKey = "/self_critical/batch"

func isCritical(g *Graph) bool {
	_, found := gomodel.GetGraphParam(g, criticalKey)
	return found
}

// selfCritical is the loss of sampled captions: -(r-b)·log p(token), equation 8's gradient, a mean over the tokens that count.
func selfCritical(labels []*Node, logits, tokens *Node) *Node {
	nats, _ := nll(logits, labels[0])
	weights := Mul(TransposeAllAxes(labels[1], 1, 0), ExpandLeftToRank(labels[2], 2))
	return Div(ReduceAllSum(Mul(nats, weights)), tokens)
}

// beginSelfCritical takes the best epoch's weights, and their average where there is one, to go on from them.
func (t *Trainer) beginSelfCritical() error {
	s := t.state
	if err := t.load(bestName); err != nil {
		return fmt.Errorf("self-critical training begins from the best epoch: %w", err)
	}
	if err := t.dropLater(); err != nil {
		return err
	}
	t.state = s
	t.state.CriticalFrom = s.Epoch
	t.state.Ends = nil // other weights follow: a mean is of self-critical epochs alone
	for _, path := range t.averaged() {
		weight, err := t.store.GetVariable(path).Value()
		if err != nil {
			return err
		}
		values := tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](weight), weight.Shape().Dimensions...)
		if err := t.store.GetVariable(averageScope + path).SetValue(values); err != nil {
			return err
		}
	}
	return t.save()
}

// dropLater deletes the variables that the checkpoint just loaded lacks, since they came after it, as the optimiser's of an
// encoder that is trained from a later epoch on: loading leaves them as they are, and a resumed run hasn't got them.
func (t *Trainer) dropLater() error {
	have, err := variablesIn(t.loaded.Dir())
	if err != nil {
		return err
	}
	scratch := scratchVariables(t.store)
	var later []string
	for v := range t.store.IterVariables() {
		if !slices.Contains(have, v.Path()) && !slices.Contains(scratch, v) {
			later = append(later, v.Path())
		}
	}
	for _, path := range later {
		if err := t.store.DeleteVariable(path); err != nil {
			return fmt.Errorf("delete %s: %w", path, err)
		}
	}
	return nil
}

// isSelfCritical tells whether the epoch in progress is one of self-critical training.
func (t *Trainer) isSelfCritical() bool { return t.state.CriticalFrom > 0 }

// finished tells whether all epochs are done; it begins self-critical training where cross-entropy's are.
func (t *Trainer) finished() (bool, error) {
	if !t.isSelfCritical() {
		if t.state.Epoch < t.settings.Epochs && !t.stoppedEarly() {
			return false, nil
		}
		if t.settings.SCSTEpochs == 0 {
			return true, nil
		}
		if err := t.beginSelfCritical(); err != nil {
			return false, err
		}
	}
	return t.state.Epoch >= t.state.CriticalFrom+t.settings.SCSTEpochs, nil
}
