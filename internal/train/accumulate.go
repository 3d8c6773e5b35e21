package train

import (
	"iter"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train"
)

// GoMLX's own accumulation takes the mean of the batches' mean gradients, whatever tokens each has, forgets on resume how
// far it was, carries over from epoch to epoch, and refuses several devices. Here gradients are weighted by tokens, the
// sums are in the checkpoint, and an epoch's last update takes the batches that are left.

// role says what a batch's gradients are for.
type role int

const (
	alone role = iota // they make an update: batches are not accumulated
	hold              // they are kept
	apply             // they make an update with those kept
)

const (
	accumulateScope = "/accumulated"
	roleKey         = accumulateScope + "/role"
	tokensKey       = accumulateScope + "/batch_tokens"
)

// roleOf is that of the batches that a graph is for.
func roleOf(g *Graph) role {
	r, _ := gomodel.GetGraphParam(g, roleKey)
	role, _ := r.(role)
	return role
}

// accumulate adds a batch's gradients, each a mean over the batch's tokens, to those kept. hold keeps the sums; apply
// forgets them and returns the mean over all batches' tokens.
func accumulate(scope *gomodel.Scope, weights []*gomodel.Variable, gradients []*Node, r role) []*Node {
	g := gradients[0].Graph()
	stored, _ := gomodel.GetGraphParam(g, tokensKey)
	tokens := stored.(*Node)
	count := scope.Store().Scope(accumulateScope).WithInitializer(initializer.Zero).
		VariableWithShape("tokens", shapes.Make(tokens.DType())).SetTrainable(false)
	all := Add(count.NodeValue(g), tokens)
	means := make([]*Node, len(gradients))
	for n, v := range weights {
		kept := beside(scope, accumulateScope, v)
		sum := Add(kept.NodeValue(g), Mul(gradients[n], tokens))
		means[n] = Div(sum, all)
		if r == apply {
			sum = ZerosLike(sum)
		}
		kept.SetNodeValue(sum)
	}
	if r == apply {
		all = ZerosLike(all)
	}
	count.SetNodeValue(all)
	return means
}

// grouped gives each batch of an epoch its task, from batch number from on.
type grouped struct {
	train.Dataset
	from, batches, group int
	critical, frozen     bool
}

// Iter implements train.Dataset.
func (d grouped) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		n := d.from
		for b, err := range d.Dataset.Iter() {
			role := hold
			if n++; d.group == 1 {
				role = alone
			} else if n%d.group == 0 || n == d.batches {
				role = apply
			}
			b.Spec = task{role: role, critical: d.critical, frozen: d.frozen}
			if !yield(b, err) {
				return
			}
		}
	}
}
