package model

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// scanForwardKeeping runs step over the time steps of x [time, batch, n] in one compiled loop. step returns the next state, and
// what the backward pass needs of this one, [batch, kept]. The results are the state's first tensor and what was kept, over
// time. Nothing flows back through the loop.
func scanForwardKeeping(x *Node, weights, state []*Node, kept int, step func(x *Node, weights, state []*Node) (next []*Node, keep *Node)) (hs, keeps *Node) {
	g, dtype := x.Graph(), x.DType()
	steps, batch, units := x.Shape().Dim(0), x.Shape().Dim(1), state[0].Shape().Dim(1)
	allStates, allKept := Zeros(g, shapes.Make(dtype, steps, batch, units)), Zeros(g, shapes.Make(dtype, steps, batch, kept))
	args := append([]*Node{Const(g, int32(0)), allStates, allKept, x}, state...)
	args = stopped(append(args, weights...))
	weightsAt := 4 + len(state)
	out := WhileLoop(args,
		func(p []*Node) *Node { return LessThan(p[0], Const(p[0].Graph(), int32(steps))) },
		func(p []*Node) []*Node {
			t := p[0]
			next, keep := step(stepOf(p[3], t), p[weightsAt:], p[4:weightsAt])
			result := append([]*Node{Add(t, Const(t.Graph(), int32(1))), setStep(p[1], t, next[0]), setStep(p[2], t, keep), p[3]}, next...)
			return append(result, p[weightsAt:]...)
		})
	return out[1], out[2]
}

// scanBackwards runs step over time in reverse, from zero adjoints: perStep are [time, batch, n] each and read step by step,
// fixed are read whole. step gets the adjoints [batch, units] that later steps leave, and returns those for the step
// before, and a result [batch, width]. The results are these over time, and the adjoints of the initial state.
func scanBackwards(perStep, fixed []*Node, adjoints, width int, step func(perStep, fixed, adjoints []*Node) (before []*Node, result *Node)) (results *Node, first []*Node) {
	g, dtype := perStep[0].Graph(), perStep[0].DType()
	steps, batch, units := perStep[0].Shape().Dim(0), perStep[0].Shape().Dim(1), perStep[0].Shape().Dim(2)
	args := []*Node{Const(g, int32(steps-1)), Zeros(g, shapes.Make(dtype, steps, batch, width))}
	for range adjoints {
		args = append(args, Zeros(g, shapes.Make(dtype, batch, units)))
	}
	perStepAt := len(args)
	args = append(args, perStep...)
	fixedAt := len(args)
	args = append(args, fixed...)
	out := WhileLoop(args,
		func(p []*Node) *Node { return GreaterOrEqual(p[0], Const(p[0].Graph(), int32(0))) },
		func(p []*Node) []*Node {
			t := p[0]
			here := make([]*Node, len(perStep))
			for n := range here {
				here[n] = stepOf(p[perStepAt+n], t)
			}
			before, result := step(here, p[fixedAt:], p[2:perStepAt])
			next := append([]*Node{Sub(t, Const(t.Graph(), int32(1))), setStep(p[1], t, result)}, before...)
			return append(next, p[perStepAt:]...)
		})
	return out[1], out[2:perStepAt]
}

// WhileLoop repeats body while cond holds. Closures see nothing but their parameters, so all they need is in state. Of
// reductions (a sum of float32, say), one may occur in one function of the graph only, so cond has none.
func WhileLoop(state []*Node, cond func(p []*Node) *Node, body func(p []*Node) []*Node) []*Node {
	g := state[0].Graph()
	params := make([]shapes.Shape, len(state))
	for n, node := range state {
		params[n] = node.Shape()
	}
	return While(loopClosure(g, params, func(_ *Graph, p []*Node) []*Node { return []*Node{cond(p)} }),
		loopClosure(g, params, func(_ *Graph, p []*Node) []*Node { return body(p) }), state...)
}
