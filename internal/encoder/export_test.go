package encoder

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// For tests in package encoder_test, which may open a backend.
var (
	Preprocessings = preprocessings
	Winograd       = winograd
	WinogradKernel = winogradKernel
)

func (e *Encoder) Preprocessing() string { return e.preprocessing() }

// GraphAs builds e's graph with the weights of another encoder.
func (e *Encoder) GraphAs(other *Encoder, scope *model.Scope, x *Node) *Node {
	return (&Encoder{settings: e.settings, net: e.net, weights: other.weights}).Graph(scope, x)
}
