package model

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
)

// recurrentDecoder is a stack of recurrent layers over token embeddings. The picture enters by Settings.Inject, in the
// terms of Tanti et al., "Where to put the image in an image caption generator" (2018).
type recurrentDecoder struct {
	Settings
	Size
	cell
	backward bool // it reads captions from their end: see Bidirectional
}

func newRecurrent(s Settings, size Size) Decoder {
	d := &recurrentDecoder{Settings: s, Size: size, cell: s.cell()}
	if s.Bidirectional {
		return bidirectional{d}
	}
	return d
}

// inputSize is the width of what a layer reads at each step.
func (d *recurrentDecoder) inputSize(layer int) int {
	switch {
	case layer > 0:
		return d.Units
	case d.Inject == "par":
		return 2 * d.Embedding
	}
	return d.Embedding
}

// imageSize is the width of the projected picture, where it isn't the initial state.
func (s Settings) imageSize() int {
	if s.Inject == "merge" && s.Merge == "add" {
		return s.Units
	}
	return s.Embedding
}

// outputSize is the width of the recurrent layers' output together with the picture, where it is merged.
func (s Settings) outputSize() int {
	if s.Inject == "merge" && s.Merge == "concat" {
		return s.Units + s.imageSize()
	}
	return s.Units
}

// headSize is the width of what the vocabulary projection reads.
func (s Settings) headSize() int {
	if s.Hidden > 0 {
		return s.Hidden
	}
	return s.outputSize()
}

// variables makes the variables of one layer.
type variables struct {
	Settings
	scope *model.Scope // the layer's
	graph *Graph
}

func (s Settings) at(scope *model.Scope, g *Graph, path string) variables {
	return variables{s, scope.At("%s", path), g}
}

func (v variables) make(name string, init model.VariableInitializer, dims ...int) *Node {
	return v.scope.WithInitializer(init).VariableWithShape(name, shapes.Make(dtypes.Float32, dims...)).NodeValue(v.graph)
}

// kernel is a matrix [in, out].
func (v variables) kernel(name string, in, out int) *Node {
	store := v.scope.Store()
	return v.make(name, v.initialWeights(store, glorotUniform(store)), in, out)
}

// recurrentKernel is the matrix [units, gates*units] from a layer's hidden state to its gates.
func (v variables) recurrentKernel(units, gates int) *Node {
	if v.RecurrentInitializer == "orthogonal" {
		return v.make("recurrent_kernel", orthogonal(v.scope.Store()), units, gates*units)
	}
	return v.kernel("recurrent_kernel", units, gates*units)
}

func (v variables) dense(x *Node, out int) *Node {
	return addRow(product(x, v.kernel("kernel", x.Shape().Dim(-1), out)), v.make("bias", zeros, out))
}

// layer is one recurrent layer's variables in a graph: the input kernel, and what its cell has besides.
type layer struct {
	kernel  *Node
	weights []*Node
}

// layerName is a layer's scope: lstm, lstm_2, ...
func (d *recurrentDecoder) layerName(n int) string { return numbered(d.Name, n) }

func numbered(name string, n int) string {
	if n == 0 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, n+1)
}

func (d *recurrentDecoder) layers(scope *model.Scope, g *Graph) []layer {
	all := make([]layer, d.Settings.Layers)
	for n := range all {
		v := d.at(scope, g, d.layerName(n))
		kernel := v.kernel("kernel", d.inputSize(n), d.gates()*d.Units)
		all[n] = layer{kernel, d.cell.weights(v, d.Units)}
	}
	return all
}

// image is the projected picture [batch, imageSize], nil where it is the initial state.
func (d *recurrentDecoder) image(scope *model.Scope, features *Node) *Node {
	if d.Inject == "init" {
		return nil
	}
	return d.activate(d.at(scope, features.Graph(), "image").dense(features, d.imageSize()))
}

func (d *recurrentDecoder) activate(x *Node) *Node {
	switch d.ImageActivation {
	case "relu":
		return activation.Relu(x)
	case "tanh":
		return Tanh(x)
	}
	return x
}

// initial is each layer's initial state: made of the picture, learnt, or zero.
func (d *recurrentDecoder) initial(scope *model.Scope, features *Node) [][]*Node {
	g, batch := features.Graph(), features.Shape().Dim(0)
	all := make([][]*Node, d.Settings.Layers)
	for n := range all {
		for _, name := range d.states() {
			var state *Node
			switch {
			case d.Inject == "init":
				state = d.activate(d.at(scope, g, numbered("image_to_"+name, n)).dense(features, d.Units))
			case d.LearnState:
				v := d.at(scope, g, d.layerName(n))
				state = BroadcastToDims(v.make("initial_"+name, v.initialWeights(scope.Store(), zeros), 1, d.Units), batch, d.Units)
			default:
				state = Zeros(g, shapes.Make(dtypes.Float32, batch, d.Units))
			}
			all[n] = append(all[n], state)
		}
	}
	return all
}

// Logits implements Decoder.
func (d *recurrentDecoder) Logits(scope *model.Scope, features, tokens *Node) *Node {
	g := features.Graph()
	batch, steps := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	features.AssertDims(batch, d.Features)
	features = d.drop(scope, features, "features")

	own := d.own(scope)
	table := d.embedding(own, g)
	embedded := embed(table, tokens)
	if d.backward { // all but the start token
		embedded.rows = turned(embedded.rows, 1, AddScalar(lengths(tokens), -1))
	}
	state := d.initial(own, features) // each [batch, units]
	image := d.image(scope, features) // [batch, imageSize]
	var x *Node
	for n, l := range d.layers(own, g) {
		if n == 0 {
			x = d.inputProducts(scope, embedded, image, l.kernel)
		} else {
			x = product(d.drop(scope, x, "layers"), l.kernel)
		}
		x = d.input(x, l.weights)
		if d.Unrolled {
			x = unroll(d.cell, x, l.weights, state[n])
		} else {
			x = d.scan(x, l.weights, state[n])
		}
	}
	if d.Inject == "pre" { // the output after the picture predicts nothing
		x = Slice(x, AxisRange(1))
	}
	if d.backward { // to the places of the tokens that are predicted, all but the end
		x = turned(x, 0, AddScalar(lengths(tokens), -2))
	}
	switch { // x is [time, batch, units]
	case d.Inject != "merge":
		x = d.drop(scope, x, "output")
	case d.Merge == "add":
		x = Add(d.drop(scope, x, "output"), d.drop(scope, everyStep(image, steps), "image"))
	default:
		x = d.join(scope, x, "output", everyStep(image, steps), "image", 2)
	}
	head := d.head(own, table)
	logits := head.then(addRow(product(x, head[0]), head[1]))
	logits.AssertDims(steps, batch, d.Vocabulary)
	return logits
}

// everyStep repeats x [batch, n] over time.
func everyStep(x *Node, steps int) *Node {
	return BroadcastToDims(ExpandAxes(x, 0), steps, x.Shape().Dim(0), x.Shape().Dim(1))
}

// inputProducts are the first layer's inputs times its kernel, [time, batch, gates*units].
func (d *recurrentDecoder) inputProducts(scope *model.Scope, tokens embeddedTokens, image, kernel *Node) *Node {
	steps := tokens.rows.Shape().Dim(0)
	if d.drops(scope, kernel.Graph(), "embedding") {
		x := tokens.each()
		switch d.Inject {
		case "pre":
			x = d.join(scope, ExpandAxes(image, 0), "image", x, "embedding", 0)
		case "par":
			x = d.join(scope, x, "embedding", everyStep(image, steps), "image", 2)
		default:
			x = d.drop(scope, x, "embedding")
		}
		return product(x, kernel)
	}
	switch d.Inject {
	case "pre":
		first := MatMul(d.drop(scope, image, "image"), kernel)
		return Concatenate([]*Node{ExpandAxes(first, 0), tokens.times(kernel)}, 0)
	case "par":
		own, images := Slice(kernel, AxisRange(0, d.Embedding), AxisRange()), Slice(kernel, AxisRange(d.Embedding), AxisRange())
		if d.drops(scope, kernel.Graph(), "image") { // anew at each step
			return Add(tokens.times(own), product(d.drop(scope, everyStep(image, steps), "image"), images))
		}
		return Add(tokens.times(own), everyStep(MatMul(image, images), steps))
	}
	return tokens.times(kernel)
}

// Start implements Decoder. The state is the layers', [batch, units] each. The context is, where the picture is there at
// every step, what it adds: for par to the first layer's gates, for merge to what the first dense layer after the recurrent
// ones gives.
func (d *recurrentDecoder) Start(scope *model.Scope, features *Node) (state, context []*Node) {
	g, own := features.Graph(), d.own(scope)
	layers, states, image := d.layers(own, g), d.initial(own, features), d.image(scope, features)
	switch d.Inject {
	case "pre":
		d.advance(layers, states, MatMul(image, layers[0].kernel))
	case "par":
		context = []*Node{MatMul(image, Slice(layers[0].kernel, AxisRange(d.Embedding), AxisRange()))}
	case "merge":
		kernel := d.head(own, d.embedding(own, g))[0]
		context = []*Node{MatMul(image, Slice(kernel, AxisRange(d.outputSize()-d.imageSize()), AxisRange()))}
	}
	return slices.Concat(states...), context
}

// advance replaces the state by the next one; product is that of the first layer's input with its kernel. It returns the
// last layer's output.
func (d *recurrentDecoder) advance(layers []layer, state [][]*Node, product *Node) *Node {
	for n, l := range layers {
		if n > 0 {
			product = MatMul(state[n-1][0], l.kernel)
		}
		state[n] = d.step(d.input(product, l.weights), l.weights, state[n])
	}
	return state[len(state)-1][0]
}

// StepWeights implements Decoder: the layers' variables, then the head's. Every token's way through the first layer's
// input kernel is computed once, [vocabulary, gates*units], so that a step looks it up: that is half of a step's work.
func (d *recurrentDecoder) StepWeights(scope *model.Scope, g *Graph) []*Node {
	scope = d.own(scope)
	layers, table := d.layers(scope, g), d.embedding(scope, g)
	layers[0].kernel = MatMul(table, Slice(layers[0].kernel, AxisRange(0, d.Embedding), AxisRange()))
	var flat []*Node
	for _, l := range layers {
		flat = append(append(flat, l.kernel), l.weights...)
	}
	head := d.head(scope, table)
	head[0] = Slice(head[0], AxisRange(0, d.Units), AxisRange())
	return append(flat, head...)
}

// Step implements Decoder.
func (d *recurrentDecoder) Step(weights, context, state []*Node, tokens *Node) (*Node, []*Node) {
	nLayers, nStates := d.Settings.Layers, len(d.states())
	headAt := len(weights) - d.headWeights()
	each := headAt / nLayers
	layers, states := make([]layer, nLayers), make([][]*Node, nLayers)
	for n := range layers {
		layers[n] = layer{weights[n*each], weights[n*each+1 : (n+1)*each]}
		states[n] = state[n*nStates : (n+1)*nStates]
	}
	product := lookUp(layers[0].kernel, tokens)
	if d.Inject == "par" {
		product = addContext(product, context[0])
	}
	output := d.advance(layers, states, product)
	head := head(weights[headAt:])
	output = addRow(MatMul(output, head[0]), head[1])
	if d.Inject == "merge" {
		output = addContext(output, context[0])
	}
	return head.then(output), slices.Concat(states...)
}

// addContext adds to each caption's row of x [captions, n] that of its picture in context [pictures, n].
func addContext(x, context *Node) *Node {
	pictures, n := context.Shape().Dim(0), context.Shape().Dim(1)
	perPicture := Reshape(x, pictures, -1, n)
	return Reshape(Add(perPicture, BroadcastToShape(ExpandAxes(context, 1), perPicture.Shape())), -1, n)
}

// head are the dense layers from the recurrent layers' output to the logits, kernels and biases in turn.
type head []*Node

func (d *recurrentDecoder) headWeights() int {
	if d.Hidden > 0 {
		return 4
	}
	return 2
}

// head makes them; table is the token embedding.
func (d *recurrentDecoder) head(scope *model.Scope, table *Node) (h head) {
	g := table.Graph()
	if d.Hidden > 0 {
		v := d.at(scope, g, "hidden")
		h = head{v.kernel("kernel", d.outputSize(), d.Hidden), v.make("bias", zeros, d.Hidden)}
	}
	v := d.at(scope, g, "output")
	kernel := TransposeAllAxes(table, 1, 0)
	if !d.Tied {
		kernel = v.kernel("kernel", d.headSize(), d.Vocabulary)
	}
	return append(h, kernel, v.make("bias", zeros, d.Vocabulary))
}

// then are the logits, given what the first layer gives, its bias included.
func (h head) then(first *Node) *Node {
	if len(h) == 2 {
		return first
	}
	zero := BroadcastToDims(Const(first.Graph(), float32(0)), first.Shape().Dimensions...)
	return addRow(product(Max(first, zero), h[2]), h[3]) // ReLU, in a loop's body too
}

// Layers implements Decoder.
func (d *recurrentDecoder) Layers() []Layer {
	var rows []Layer
	dense := func(name string, in, out int, output ...int) {
		rows = append(rows, Layer{Name: name, Kind: "Dense", Output: append(output, out), Params: in*out + out})
	}
	if d.Inject == "init" {
		for n := range d.Settings.Layers {
			for _, name := range d.states() {
				dense(numbered("image_to_"+name, n), d.Features, d.Units)
			}
		}
	} else if !d.backward { // shared
		dense("image", d.Features, d.imageSize())
	}
	rows = append(rows, d.embeddingLayers()...)
	for n := range d.Settings.Layers {
		params := d.inputSize(n)*d.gates()*d.Units + d.params(d.Units)
		if d.LearnState {
			params += len(d.states()) * d.Units
		}
		rows = append(rows, Layer{Name: d.layerName(n), Kind: d.kind(), Output: []int{0, d.Units}, Params: params})
	}
	if d.Hidden > 0 {
		dense("hidden", d.outputSize(), d.Hidden, 0)
	}
	if d.Tied {
		rows = append(rows, Layer{Name: "output", Kind: "Dense, tied", Output: []int{0, d.Vocabulary}, Params: d.Vocabulary})
	} else {
		dense("output", d.headSize(), d.Vocabulary, 0)
	}
	if d.backward {
		for n := range rows {
			rows[n].Name = backwardScope + "/" + rows[n].Name
		}
	}
	return rows
}
