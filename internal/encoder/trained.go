package encoder

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/setting"
)

// An encoder's last layers may be trained with the decoder: those from encoder.train_from on, or all of a network that begins
// at random. Frozen is the part before them, which every picture goes through once; Trained is the part that belongs to the
// model's graph.

// trainFrom is the first layer that is trained, "" where none is.
func (e *Encoder) trainFrom() string {
	if e.net.random {
		return e.net.layers[1].Name
	}
	return e.settings.TrainFrom
}

// cut takes the layers up to the tapped one apart: those that are trained, and what they read of the others.
func (e *Encoder) cut(from string) (reads []string, trained layers) {
	tapped := e.tapped()
	at := tapped.index(from)
	if at < 0 {
		return nil, nil
	}
	trained = tapped[at:]
	for _, l := range trained {
		for _, in := range l.inputs {
			if trained.index(in) < 0 && !slices.Contains(reads, in) {
				reads = append(reads, in)
			}
		}
	}
	return reads, trained
}

// learns tells whether there is anything to train in the layers.
func (ls layers) learns() bool {
	return slices.ContainsFunc(ls, func(l Layer) bool { return l.Params > l.Fixed })
}

// checkTrained refuses to train from a layer on where that can't be.
func (e *Encoder) checkTrained(problems *setting.Problems) {
	s, from := e.settings, e.trainFrom()
	if e.net.random {
		e.checkRandom(problems)
	}
	if from == "" {
		return
	}
	if e.net.imported != nil {
		problems.Refuse(blamed["train_from"], "the layers of an ONNX file are not trained; expected none")
		return
	}
	if _, err := e.layer(from); err != nil {
		problems.Refuse(blamed["train_from"], "%w", err)
		return
	}
	reads, trained := e.cut(from)
	switch {
	case trained != nil && trained[len(trained)-1].activation == "softmax":
		problems.Refuse(blamed["layer"], "the probabilities of %s are not trained with a decoder; expected a layer before it", s.Layer)
	case trained == nil:
		problems.Refuse(blamed["train_from"], "%s is not among the layers that %s needs", from, s.Layer)
	case !trained.learns():
		problems.Refuse(blamed["train_from"], "from %s to %s there is nothing to train", from, s.Layer)
	case len(reads) == 0:
		problems.Refuse(blamed["train_from"], "%s is the picture itself; expected a layer after it, as %s", from, trained[1].Name)
	case len(reads) > 1:
		problems.Refuse(blamed["train_from"], "it and the layers after it read the outputs of %s, and one layer's is kept of each picture; expected a layer as %s",
			strings.Join(reads, " and "), e.cutBefore(from))
	}
}

// checkRandom refuses what a network that begins at random can't have.
func (e *Encoder) checkRandom(problems *setting.Problems) {
	s := e.settings.withDefaults()
	if s.TrainFrom != "" && s.TrainFrom != e.trainFrom() {
		problems.Refuse(blamed["train_from"], "%s begins at random, so that all of its layers are trained; expected no layer", s.Name)
	}
	if s.Normalize != "" && s.Normalize != "none" {
		problems.Refuse(blamed["normalize"], "%s begins at random, and statistics of its first features say nothing of later ones; expected \"none\"", s.Name)
	}
	if s.Size>>s.Blocks == 0 {
		problems.Refuse(blamed["size"], "%d blocks halve %d pixels to nothing; expected encoder.size of at least %d, or fewer blocks", s.Blocks, s.Size, 1<<s.Blocks)
	}
}

// cutBefore is the last layer before the named one that training can begin with.
func (e *Encoder) cutBefore(name string) string {
	tapped := e.tapped()
	for n := tapped.index(name) - 1; n > 0; n-- {
		if reads, _ := e.cut(tapped[n].Name); len(reads) == 1 && tapped[n].Params > 0 {
			return tapped[n].Name
		}
	}
	return tapped[1].Name
}

// Trains tells whether any layer is trained with the decoder.
func (e *Encoder) Trains() bool { return e.trainFrom() != "" }

// IsTrained tells whether a layer's parameters are trained with the decoder.
func (e *Encoder) IsTrained(layer string) bool {
	_, trained := e.cut(e.trainFrom())
	return trained.index(layer) >= 0
}

// Frozen is the encoder up to what the first trained layer reads, which is not pooled: the whole encoder where none is
// trained, and nothing but preprocessing where all are. What it gives of a picture is [height, width, channels] mostly, more
// values than its features.
func (e *Encoder) Frozen() *Encoder {
	reads, _ := e.cut(e.trainFrom())
	if len(reads) == 0 {
		return e
	}
	f := *e
	f.settings.Layer, f.settings.Pooling, f.settings.TrainFrom, f.net.random = reads[0], "none", "", false
	if e.weights != nil {
		w := *e.weights
		w.variables = slices.DeleteFunc(slices.Clone(w.variables), func(v variable) bool { return f.tapped().index(v.layer()) < 0 })
		f.weights = &w
	}
	return &f
}

// Layer names the layer whose output the encoder gives.
func (e *Encoder) Layer() string { return e.settings.Layer }

// Trained are an encoder's layers that are trained with the decoder.
type Trained struct {
	layers         layers
	reads          Layer // whose output they read
	layer, pooling string
	initial        []initial // pretrained values; none of a network that begins at random
}

// initial is the value that a variable begins with.
type initial struct {
	layer, name string
	dims        []int
	values      []float32
}

// Trained reads the pretrained values of the layers that are trained; it is nil where none is. The weights must be loaded.
func (e *Encoder) Trained() (*Trained, error) {
	from := e.trainFrom()
	if from == "" {
		return nil, nil
	}
	if e.weights == nil {
		return nil, errors.New("the encoder's weights are not loaded")
	}
	reads, trained := e.cut(from)
	t := &Trained{reads: e.net.layers.get(reads[0]), layer: e.settings.Layer, pooling: e.settings.Pooling}
	for _, l := range trained {
		l.trained = true
		t.layers = append(t.layers, l)
	}
	for _, v := range e.weights.variables {
		if trained.index(v.layer()) < 0 {
			continue
		}
		value, err := v.tensor()
		if err != nil {
			return nil, fmt.Errorf("weights %s: %w", v.name, err)
		}
		_, name, _ := strings.Cut(v.name, "/")
		t.initial = append(t.initial, initial{v.layer(), name, v.dims, tensors.MustCopyFlatData[float32](value)})
		value.MustFinalizeAll()
	}
	return t, nil
}

// InputSize is the number of values of a picture that Graph reads: those that the encoder's Frozen gives.
func (t *Trained) InputSize() int { return product(t.reads.Output) }

// FLOPs are the floating-point operations of one picture, counted as the encoder's.
func (t *Trained) FLOPs() float64 { return t.layers.flops() }

// Graph maps what Frozen gives of pictures, [batch, InputSize], to their features, [batch, values]. Its variables,
// layer/kernel, layer/bias and so on below the scope, begin with the pretrained values, or at random as He et al. (2015) have
// it. Batch normalization keeps its moving statistics, as it is usual in fine-tuning; its gamma and beta are trained.
func (t *Trained) Graph(scope *model.Scope, kept *Node) *Node {
	batch := kept.Shape().Dim(0)
	for _, v := range t.initial {
		at := scope.At("%s", v.layer)
		if at.GetVariable(v.name) == nil { // else it is trained already, here or by the run that left the checkpoint
			at.VariableWithValue(v.name, tensors.FromFlatDataAndDimensions(v.values, v.dims...))
		}
	}
	x := Reshape(kept, append([]int{batch}, t.reads.Output...)...)
	x = t.layers.run(scope.WithInitializer(he(scope.Store())), x, t.reads.Name, t.layer)
	switch {
	case x.Rank() == 4 && t.pooling == "avg":
		x = locationMean(x)
	case x.Rank() == 4 && t.pooling == "max":
		x = locationMax(x)
	}
	for _, l := range t.layers {
		if l.Kind == "BatchNormalization" {
			for _, name := range []string{"moving_mean", "moving_variance"} {
				scope.At("%s", l.Name).GetVariable(name).SetTrainable(false)
			}
		}
	}
	return Reshape(x, batch, -1)
}

// he draws kernels [..., in, out] from a normal distribution of variance 2/fan-in (He et al. 2015, equation 10); biases are
// zero.
func he(store *model.Store) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		if shape.Rank() < 2 {
			return Zeros(g, shape)
		}
		fanIn := shape.Size() / shape.Dim(-1)
		return MulScalar(store.RandomNormal(g, shape), math.Sqrt(2/float64(fanIn)))
	}
}
