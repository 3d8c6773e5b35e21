package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/setting"
)

// Attender is a decoder that looks at a grid of locations.
type Attender interface {
	Decoder

	// Attention is where each token of whole captions comes from: tokens are as those of Logits, the result is time-major,
	// [time, batch, locations], each row a distribution over the picture's locations.
	Attention(scope *model.Scope, features, tokens *Node) *Node
}

// attentionDecoder is the soft attention of Xu et al., "Show, Attend and Tell" (2015), with the gate beta: an LSTM that reads,
// beside each token, a mean of the grid's locations under weights that its hidden state chooses. Its initial state is made of
// the grid's plain mean.
//
// Where the paper and its authors' code (github.com/kelvinxu/arctic-captions) differ, it follows the code: the deep output
// layer has a tanh. There, dropout is on the LSTM's output and on the deep output layer (Settings.DropoutOn: output).
type attentionDecoder struct {
	Settings
	Size
}

func newAttention(s Settings, size Size) Decoder { return &attentionDecoder{s, size} }

// checkAttention refuses features that have no locations to choose from.
func checkAttention(s Settings, size Size) error {
	switch {
	case size.Locations < 2:
		return fmt.Errorf("decoder %q chooses among a picture's locations, and its features are one vector of %d values: "+
			"take a layer with height and width and encoder.pooling = \"none\", as block5_conv3 of vgg16", s.Name, size.Features)
	case size.Features%size.Locations != 0:
		return fmt.Errorf("decoder %q: %d features don't divide by %d locations", s.Name, size.Features, size.Locations)
	case s.AttentionUnits < 1:
		return fmt.Errorf("decoder %q: expected decoder.attention_units of at least 1, got %d", s.Name, s.AttentionUnits)
	}
	return nil
}

// attentionProblems are the keys of other decoders that this one can't have.
func (s Settings) attentionProblems() (problems setting.Problems) {
	if s.Name != "attention" {
		return nil
	}
	for _, k := range []struct {
		key string
		set bool
	}{
		{"layers", s.Layers > 1}, {"layer_norm", s.LayerNorm}, {"learn_state", s.LearnState}, {"hidden", s.Hidden > 0}, {"tied", s.Tied},
		{"bidirectional", s.Bidirectional}, {"merge", s.Merge != "concat"}, {"image_activation", s.ImageActivation != "none"},
	} {
		if k.set {
			problems.Refuse([]string{"decoder." + k.key, "decoder.name"}, "decoder.%s is not for decoder.name = \"attention\"", k.key)
		}
	}
	return problems
}

func (d *attentionDecoder) channels() int { return d.Features / d.Locations }

func (d *attentionDecoder) deep() bool { return d.AttentionOutput != "plain" }

// plain is a decoder without attention, whose token embedding serves this one.
func (d *attentionDecoder) plain() *recurrentDecoder {
	return &recurrentDecoder{Settings: d.Settings, Size: d.Size}
}

// tokenTable is the token embedding [vocabulary, embedding].
func (d *attentionDecoder) tokenTable(scope *model.Scope, g *Graph) *Node {
	return d.plain().embedding(scope, g)
}

// start makes of the features [batch, locations*channels] the grid, its projection and the initial state.
func (d *attentionDecoder) start(scope *model.Scope, features *Node) (grid, projected, h0, c0 *Node) {
	g := features.Graph()
	grid = Reshape(features, features.Shape().Dim(0), d.Locations, d.channels())
	v := d.at(scope, g, "attention")
	projected = addRow(product(grid, v.kernel("grid_kernel", d.channels(), d.AttentionUnits)), v.make("bias", zeros, d.AttentionUnits))
	share := make([]float32, d.Locations) // the mean as a product: see attentionWeights.step on reductions
	for n := range share {
		share[n] = 1 / float32(d.Locations)
	}
	mean := Einsum("l,blc->bc", Const(g, share), grid)
	return grid, projected, Tanh(d.at(scope, g, "initial_hidden").dense(mean, d.Units)), Tanh(d.at(scope, g, "initial_cell").dense(mean, d.Units))
}

// weights are those of the steps; fromToken [embedding, 4*units] and bias [4*units] are the LSTM's way from the token.
func (d *attentionDecoder) weights(scope *model.Scope, g *Graph) (w attentionWeights, fromToken, bias *Node) {
	kernel := d.at(scope, g, "lstm").kernel("kernel", d.Embedding+d.channels(), 4*d.Units)
	w.fromHidden = Concatenate([]*Node{
		d.at(scope, g, "lstm").recurrentKernel(d.Units, 4),
		d.at(scope, g, "attention").kernel("hidden_kernel", d.Units, d.AttentionUnits),
		d.at(scope, g, "gate").kernel("kernel", d.Units, 1)}, 1)
	w.gateBias = d.at(scope, g, "gate").make("bias", zeros, 1)
	w.score = Reshape(d.at(scope, g, "attention").kernel("score", d.AttentionUnits, 1), d.AttentionUnits)
	w.fromGrid = Slice(kernel, AxisRange(d.Embedding))
	return w, Slice(kernel, AxisRange(0, d.Embedding)), d.at(scope, g, "lstm").make("bias", lstmBias, 4*d.Units)
}

// run is the recurrent part over whole captions: the embedded tokens x, the hidden states, the gated means and the
// attention, [time, batch, ...] each.
func (d *attentionDecoder) run(scope *model.Scope, features, tokens *Node) (x, hs, zs, alphas *Node) {
	g := features.Graph()
	batch := tokens.Shape().Dim(0)
	features.AssertDims(batch, d.Features)
	embedded := embed(d.tokenTable(scope, g), tokens)
	x = d.drop(scope, embedded.each(), "embedding")
	a := attention{}
	a.grid, a.projected, a.h0, a.c0 = d.start(scope, d.drop(scope, features, "features"))
	w, fromToken, bias := d.weights(scope, g)
	a.attentionWeights = w
	if d.drops(scope, g, "embedding") {
		a.xz = addRow(product(x, fromToken), bias)
	} else {
		a.xz = addRow(embedded.times(fromToken), bias)
	}
	if d.Unrolled {
		hs, zs, alphas = a.unrolled()
	} else {
		hs, zs, alphas = a.scan()
	}
	return x, hs, zs, alphas
}

// Logits implements Decoder. While training, it adds the penalty of equation 14 to the loss.
func (d *attentionDecoder) Logits(scope *model.Scope, features, tokens *Node) *Node {
	x, hs, zs, alphas := d.run(scope, features, tokens)
	if d.AttentionPenalty > 0 && scope.IsTraining(features.Graph()) {
		train.AddRegularizationLoss(MulScalar(coveragePenalty(alphas, tokens), d.AttentionPenalty))
	}
	out := d.drop(scope, hs, "output")
	if d.deep() {
		out = Add(x, Add(d.at(scope, out.Graph(), "deep_hidden").dense(out, d.Embedding), product(zs, d.fromContext(scope, x.Graph()))))
		out = d.drop(scope, Tanh(out), "output")
	}
	logits := d.at(scope, out.Graph(), "output").dense(out, d.Vocabulary)
	logits.AssertDims(tokens.Shape().Dim(1), tokens.Shape().Dim(0), d.Vocabulary)
	return logits
}

func (d *attentionDecoder) fromContext(scope *model.Scope, g *Graph) *Node {
	return d.at(scope, g, "deep_context").kernel("kernel", d.channels(), d.Embedding)
}

// coveragePenalty is the doubly stochastic penalty of Xu et al. 2015, equation 14: the sum over a picture's locations of
// (1 - what all of a caption's tokens together saw of it)². The batch's captions are added up and divided by their tokens,
// as the loss in nats a token is, so that a caption's penalty stands beside its nats. alphas are [time, batch, locations],
// tokens [batch, time]; padding sees nothing, and is not counted here where training.padding = "counted" counts it in the loss.
func coveragePenalty(alphas, tokens *Node) *Node {
	real := ConvertDType(NotEqual(tokens, ZerosLike(tokens)), alphas.DType()) // [batch, time]; token.Pad is 0
	seen := Einsum("tbl,bt->bl", alphas, real)
	caption := ReduceMax(real, 1) // 0 where a row fills up the last batch
	missing := ReduceSum(Square(Sub(OnesLike(seen), seen)), 1)
	return Div(ReduceAllSum(Mul(missing, caption)), MaxScalar(ReduceAllSum(real), 1))
}

// Attention implements Attender.
func (d *attentionDecoder) Attention(scope *model.Scope, features, tokens *Node) *Node {
	_, _, _, alphas := d.run(scope, features, tokens)
	return alphas
}

// Start implements Decoder. The state is the hidden state and the cell state [batch, units]; the context is the grid and its
// projection [batch, locations, ...].
func (d *attentionDecoder) Start(scope *model.Scope, features *Node) (state, context []*Node) {
	grid, projected, h0, c0 := d.start(scope, features)
	return []*Node{h0, c0}, []*Node{grid, projected}
}

// StepWeights implements Decoder. Every token's way into the gates is computed once, [vocabulary, 4*units].
func (d *attentionDecoder) StepWeights(scope *model.Scope, g *Graph) []*Node {
	w, fromToken, bias := d.weights(scope, g)
	table := d.tokenTable(scope, g)
	all := append(w.list(), addRow(MatMul(table, fromToken), bias))
	reads := d.Units
	if d.deep() {
		reads = d.Embedding
		all = append(all, table, d.at(scope, g, "deep_hidden").kernel("kernel", d.Units, d.Embedding), d.at(scope, g, "deep_hidden").make("bias", zeros, d.Embedding), d.fromContext(scope, g))
	}
	return append(all, d.at(scope, g, "output").kernel("kernel", reads, d.Vocabulary), d.at(scope, g, "output").make("bias", zeros, d.Vocabulary))
}

// Step implements Decoder.
func (d *attentionDecoder) Step(weights, context, state []*Node, tokens *Node) (*Node, []*Node) {
	s := listedAttention(weights).step(lookUp(weights[4], tokens), context[0], context[1], state[0], state[1])
	out := s.h
	if d.deep() {
		table, kernel, bias, fromContext := weights[5], weights[6], weights[7], weights[8]
		out = addRow(MatMul(out, kernel), bias)
		out = Tanh(Add(lookUp(table, tokens), Add(out, MatMul(s.z(), fromContext))))
	}
	kernel, bias := weights[len(weights)-2], weights[len(weights)-1]
	return addRow(MatMul(out, kernel), bias), []*Node{s.h, s.c}
}

// Layers implements Decoder.
func (d *attentionDecoder) Layers() []Layer {
	channels, width := d.channels(), d.AttentionUnits
	initial := channels*d.Units + d.Units
	rows := append([]Layer{
		{Name: "initial_hidden", Kind: "Dense", Output: []int{d.Units}, Params: initial},
		{Name: "initial_cell", Kind: "Dense", Output: []int{d.Units}, Params: initial},
	}, d.plain().embeddingLayers()...)
	rows = append(rows,
		Layer{Name: "attention", Kind: "Attention", Output: []int{0, d.Locations}, Params: (channels+d.Units)*width + 2*width},
		Layer{Name: "gate", Kind: "Dense", Output: []int{0, 1}, Params: d.Units + 1},
		Layer{Name: "lstm", Kind: "LSTM", Output: []int{0, d.Units}, Params: 4 * d.Units * (d.Embedding + channels + d.Units + 1)})
	reads := d.Units
	if d.deep() {
		reads = d.Embedding
		rows = append(rows,
			Layer{Name: "deep_hidden", Kind: "Dense", Output: []int{0, d.Embedding}, Params: d.Units*d.Embedding + d.Embedding},
			Layer{Name: "deep_context", Kind: "Dense", Output: []int{0, d.Embedding}, Params: channels * d.Embedding})
	}
	return append(rows, Layer{Name: "output", Kind: "Dense", Output: []int{0, d.Vocabulary}, Params: reads*d.Vocabulary + d.Vocabulary})
}
