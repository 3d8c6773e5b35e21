package model

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/lstm"
	"github.com/gomlx/gomlx/ml/model"
)

// lstmDecoder is one LSTM over token embeddings. The picture enters by Settings.Inject, in the terms of
// Tanti et al., "Where to put the image in an image caption generator" (2018).
type lstmDecoder struct {
	Settings
	Size
}

// inputSize is the width of what the LSTM reads at each step.
func (d *lstmDecoder) inputSize() int {
	if d.Inject == "par" {
		return 2 * d.Embedding
	}
	return d.Embedding
}

// outputSize is the width of what the vocabulary projection reads.
func (d *lstmDecoder) outputSize() int {
	if d.Inject == "merge" {
		return d.Units + d.Embedding
	}
	return d.Units
}

func (d *lstmDecoder) variable(scope *model.Scope, g *Graph, path, name string, init model.VariableInitializer, dims ...int) *Node {
	return scope.At("%s", path).WithInitializer(init).VariableWithShape(name, shapes.Make(dtypes.Float32, dims...)).NodeValue(g)
}

func (d *lstmDecoder) dense(scope *model.Scope, x *Node, path string, out int) *Node {
	in := x.Shape().Dim(-1)
	w := d.variable(scope, x.Graph(), path, "kernel", glorotUniform(scope.Store()), in, out)
	b := d.variable(scope, x.Graph(), path, "bias", zeros, out)
	return Add(MatMul(x, w), ExpandLeftToRank(b, x.Rank()))
}

// weights of the recurrent part: the input kernel, the recurrent kernel and the bias.
func (d *lstmDecoder) cell(scope *model.Scope, g *Graph) (w, u, b *Node) {
	store := scope.Store()
	w = d.variable(scope, g, "lstm", "kernel", glorotUniform(store), d.inputSize(), 4*d.Units)
	u = d.variable(scope, g, "lstm", "recurrent_kernel", glorotUniform(store), d.Units, 4*d.Units)
	b = d.variable(scope, g, "lstm", "bias", lstmBias, 4*d.Units)
	return w, u, b
}

// Logits implements Decoder.
func (d *lstmDecoder) Logits(scope *model.Scope, features, tokens *Node) *Node {
	g := features.Graph()
	batch, steps := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	features.AssertDims(batch, d.Features)

	ids := TransposeAllAxes(tokens, 1, 0)                                // [time, batch]
	x := Gather(d.embedding(scope, g), ExpandAxes(ids, -1))              // [time, batch, embedding]
	h0, c0 := zeroState(g, batch, d.Units), zeroState(g, batch, d.Units) // [batch, units]
	var image *Node                                                      // [batch, embedding]
	switch d.Inject {
	case "init":
		h0 = d.dense(scope, features, "image_to_hidden", d.Units)
		c0 = d.dense(scope, features, "image_to_cell", d.Units)
	default:
		image = d.dense(scope, features, "image", d.Embedding)
	}
	switch d.Inject {
	case "pre":
		x = Concatenate([]*Node{ExpandAxes(image, 0), x}, 0)
	case "par":
		x = Concatenate([]*Node{x, BroadcastToDims(ExpandAxes(image, 0), steps, batch, d.Embedding)}, 2)
	}
	x = dropout(scope, x, d.Dropout)

	w, u, b := d.cell(scope, g)
	var hs *Node // [time, batch, units]
	if d.Unrolled {
		hs = unrolledLSTM(x, w, u, b, h0, c0)
	} else {
		xz := Add(MatMul(x, w), ExpandLeftToRank(b, 3))
		hs = scanLSTM(xz, u, h0, c0)
	}
	switch d.Inject {
	case "pre": // the output after the picture predicts nothing
		hs = Slice(hs, AxisRange(1))
	case "merge":
		hs = Concatenate([]*Node{hs, BroadcastToDims(ExpandAxes(image, 0), steps, batch, d.Embedding)}, 2)
	}
	hs = dropout(scope, hs, d.Dropout)
	logits := d.dense(scope, hs, "output", d.Vocabulary)
	logits.AssertDims(steps, batch, d.Vocabulary)
	return logits
}

// Start implements Decoder. The state is the hidden state and the cell state [batch, units]. The context is, where the
// picture is there at every step, what it adds: for par to the gates [batch, 4*units], for merge to the logits
// [batch, vocabulary].
func (d *lstmDecoder) Start(scope *model.Scope, features *Node) (state, context []*Node) {
	g := features.Graph()
	batch := features.Shape().Dim(0)
	if d.Inject == "init" {
		return []*Node{d.dense(scope, features, "image_to_hidden", d.Units), d.dense(scope, features, "image_to_cell", d.Units)}, nil
	}
	image := d.dense(scope, features, "image", d.Embedding)
	h, c := zeroState(g, batch, d.Units), zeroState(g, batch, d.Units)
	w, u, b := d.cell(scope, g)
	switch d.Inject {
	case "pre":
		h, c = cellStep(Add(MatMul(image, w), ExpandLeftToRank(b, 2)), h, c, u)
		return []*Node{h, c}, nil
	case "par":
		return []*Node{h, c}, []*Node{MatMul(image, Slice(w, AxisRange(d.Embedding), AxisRange()))}
	}
	out, _ := d.output(scope, g)
	return []*Node{h, c}, []*Node{MatMul(image, Slice(out, AxisRange(d.Units), AxisRange()))}
}

// output is the vocabulary projection: kernel and bias.
func (d *lstmDecoder) output(scope *model.Scope, g *Graph) (kernel, bias *Node) {
	return d.variable(scope, g, "output", "kernel", glorotUniform(scope.Store()), d.outputSize(), d.Vocabulary),
		d.variable(scope, g, "output", "bias", zeros, d.Vocabulary)
}

// StepWeights implements Decoder. Every token's way through the input kernel is computed once, [vocabulary, 4*units],
// so that a step looks it up: that is half of a step's work.
func (d *lstmDecoder) StepWeights(scope *model.Scope, g *Graph) []*Node {
	w, u, b := d.cell(scope, g)
	gates := Add(MatMul(d.embedding(scope, g), Slice(w, AxisRange(0, d.Embedding), AxisRange())), ExpandLeftToRank(b, 2))
	kernel, bias := d.output(scope, g)
	return []*Node{gates, u, Slice(kernel, AxisRange(0, d.Units), AxisRange()), bias}
}

// Step implements Decoder.
func (d *lstmDecoder) Step(weights, context, state []*Node, tokens *Node) (*Node, []*Node) {
	gates, u, kernel, bias := weights[0], weights[1], weights[2], weights[3]
	xz := Gather(gates, ExpandAxes(tokens, -1))
	if d.Inject == "par" {
		xz = addContext(xz, context[0])
	}
	h, c := cellStep(xz, state[0], state[1], u)
	logits := Add(MatMul(h, kernel), ExpandLeftToRank(bias, 2))
	if d.Inject == "merge" {
		logits = addContext(logits, context[0])
	}
	return logits, []*Node{h, c}
}

// addContext adds to each caption's row of x [captions, n] that of its picture in context [pictures, n].
func addContext(x, context *Node) *Node {
	pictures, n := context.Shape().Dim(0), context.Shape().Dim(1)
	perPicture := Reshape(x, pictures, -1, n)
	return Reshape(Add(perPicture, BroadcastToShape(ExpandAxes(context, 1), perPicture.Shape())), -1, n)
}

// Layers implements Decoder.
func (d *lstmDecoder) Layers() []Layer {
	var rows []Layer
	if d.Inject == "init" {
		params := d.Features*d.Units + d.Units
		rows = append(rows,
			Layer{Name: "image_to_hidden", Kind: "Dense", Output: []int{d.Units}, Params: params},
			Layer{Name: "image_to_cell", Kind: "Dense", Output: []int{d.Units}, Params: params})
	} else {
		rows = append(rows, Layer{Name: "image", Kind: "Dense", Output: []int{d.Embedding}, Params: d.Features*d.Embedding + d.Embedding})
	}
	in, out := d.inputSize(), d.outputSize()
	return append(append(rows, d.embeddingLayers()...),
		Layer{Name: "lstm", Kind: "LSTM", Output: []int{0, d.Units}, Params: 4 * d.Units * (in + d.Units + 1)},
		Layer{Name: "output", Kind: "Dense", Output: []int{0, d.Vocabulary}, Params: out*d.Vocabulary + d.Vocabulary})
}

func zeroState(g *Graph, batch, units int) *Node {
	return Zeros(g, shapes.Make(dtypes.Float32, batch, units))
}

// cellStep is one LSTM step: xz [batch, 4*units] is what the input adds to the gates, h and c [batch, units].
func cellStep(xz, h, c, u *Node) (*Node, *Node) {
	i, f, candidate, o := activate(Add(xz, MatMul(h, u)), u.Shape().Dim(0))
	c = Add(Mul(f, c), Mul(i, candidate))
	return Mul(o, Tanh(c)), c
}

// unrolledLSTM runs GoMLX's own LSTM layer on the same weights: its graph grows with the sequence, but it needs
// no loop with dynamic slices, which the pure-Go backend lacks. x is [time, batch, in]; the result [time, batch, units].
func unrolledLSTM(x, w, u, b, h0, c0 *Node) *Node {
	g := x.Graph()
	steps, batch, in, units := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), u.Shape().Dim(0)
	// GoMLX keeps gates in ONNX's order i, o, f, g, kernels as [direction, gate, units, in].
	order := func(m *Node, rows int) *Node {
		i, f, candidate, o := splitGates(m, units)
		stacked := Concatenate([]*Node{i, o, f, candidate}, -1) // [rows, 4*units]
		return Reshape(TransposeAllAxes(Reshape(stacked, rows, 4, units), 1, 2, 0), 1, 4, units, rows)
	}
	bi, bf, bg, bo := splitGates(b, units)
	bias := Reshape(Concatenate([]*Node{bi, bo, bf, bg, Zeros(g, shapes.Make(b.DType(), 4*units))}, 0), 1, 8, units)
	all, _, _ := lstm.NewWithWeights(TransposeAllAxes(x, 1, 0, 2), order(w, in), order(u, units), bias, nil).
		InitialStates(ExpandAxes(h0, 0), ExpandAxes(c0, 0)).Done()
	return Reshape(all, steps, batch, units)
}
