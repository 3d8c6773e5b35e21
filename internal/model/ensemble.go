package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ensemble is several decoders of the same tokens and the same features as one: at each step its probability of a token is
// the mean of theirs, p(w) = 1/n · Σ p_k(w), the ensembles of Sutskever et al. 2014 and of Vinyals et al. 2015 (Show and Tell).
// Its logits are the logarithms of these means, so that whatever searches, scores or retrieves with a decoder does so with an
// ensemble. All members go on with the token that was chosen.
type ensemble struct {
	members []Decoder

	// How many tensors each member has, which Step must tell apart in its flat lists: what StepWeights and Start gave.
	weights, context, state []int
}

// NewEnsemble joins decoders; member n has its variables below MemberScope(n). It is Bidirectional if all of them are.
func NewEnsemble(members []Decoder) (Decoder, error) {
	if len(members) == 0 {
		return nil, errors.New("an ensemble without members")
	}
	n := len(members)
	d := &ensemble{members: members, weights: make([]int, n), context: make([]int, n), state: make([]int, n)}
	var backward []Decoder
	for _, m := range members {
		if b, ok := m.(Bidirectional); ok {
			backward = append(backward, b.Backward())
		}
	}
	if len(backward) < n {
		return d, nil
	}
	other, err := NewEnsemble(backward)
	return bidirectionalEnsemble{d, other}, err
}

type bidirectionalEnsemble struct {
	*ensemble
	backward Decoder
}

// Backward implements Bidirectional.
func (d bidirectionalEnsemble) Backward() Decoder { return d.backward }

// MemberScope is the scope, below the decoder's own, of the variables of an ensemble's member n, from 0.
func MemberScope(n int) string { return fmt.Sprintf("member_%d", n+1) }

// Logits implements Decoder.
func (d *ensemble) Logits(scope *model.Scope, features, tokens *Node) *Node {
	logits := make([]*Node, len(d.members))
	for n, m := range d.members {
		logits[n] = m.Logits(scope.At("%s", MemberScope(n)), features, tokens)
	}
	return logMeanProbability(logits)
}

// Start implements Decoder: the members' states and contexts, one after the other.
func (d *ensemble) Start(scope *model.Scope, features *Node) (state, context []*Node) {
	for n, m := range d.members {
		s, c := m.Start(scope.At("%s", MemberScope(n)), features)
		d.state[n], d.context[n] = len(s), len(c)
		state, context = append(state, s...), append(context, c...)
	}
	return state, context
}

// StepWeights implements Decoder.
func (d *ensemble) StepWeights(scope *model.Scope, g *Graph) (weights []*Node) {
	for n, m := range d.members {
		w := m.StepWeights(scope.At("%s", MemberScope(n)), g)
		d.weights[n] = len(w)
		weights = append(weights, w...)
	}
	return weights
}

// Step implements Decoder.
func (d *ensemble) Step(weights, context, state []*Node, tokens *Node) (*Node, []*Node) {
	logits, next := make([]*Node, len(d.members)), make([][]*Node, len(d.members))
	take := func(from *[]*Node, n int) (head []*Node) {
		head, *from = (*from)[:n:n], (*from)[n:]
		return head
	}
	for n, m := range d.members {
		logits[n], next[n] = m.Step(take(&weights, d.weights[n]), take(&context, d.context[n]), take(&state, d.state[n]), tokens)
	}
	return logMeanProbability(logits), slices.Concat(next...)
}

// Layers implements Decoder: the members' layers, under their names.
func (d *ensemble) Layers() (rows []Layer) {
	for n, m := range d.members {
		for _, l := range m.Layers() {
			l.Name = MemberScope(n) + "/" + l.Name
			rows = append(rows, l)
		}
	}
	return rows
}

// logMeanProbability is the logarithm of the mean of several distributions, given by their logits [..., vocabulary]. It may be
// part of a loop's body: it makes its constants there. Its reductions are those of the search's own softmax, in the same body.
func logMeanProbability(logits []*Node) *Node {
	logs := make([]*Node, len(logits))
	for n, l := range logits {
		shifted := Sub(l, ExpandAxes(ReduceMax(l, -1), -1))
		logs[n] = Sub(shifted, ExpandAxes(Log(ReduceSum(Exp(shifted), -1)), -1))
	}
	highest := logs[0]
	for _, l := range logs[1:] {
		highest = Max(highest, l)
	}
	var sum *Node
	for _, l := range logs {
		p := Exp(Sub(l, highest)) // at least one of them is 1
		if sum == nil {
			sum = p
		} else {
			sum = Add(sum, p)
		}
	}
	count := BroadcastToDims(Const(sum.Graph(), float32(math.Log(float64(len(logs))))), sum.Shape().Dimensions...)
	return Sub(Add(highest, Log(sum)), count)
}
