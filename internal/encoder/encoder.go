// Package encoder turns a picture into features: convolutional networks, their preprocessing and their weights.
package encoder

import (
	"crypto/sha256"
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// network is one architecture: its layers by Keras' names, in order.
type network struct {
	height, width int
	layers        []Layer
	// run builds the graph from preprocessed pixels [batch, height, width, 3] up to the named layer.
	run func(scope *model.Scope, x *Node, layer string) *Node
	// sources are where weights come from, by the names of encoder.sources.
	sources map[string]source
}

// Layer is one row of a summary table.
type Layer struct {
	Name, Kind string
	Output     []int // without the batch axis
	Params     int
}

// kinds are the encoders by their name in [encoder].
var kinds = map[string]func() network{
	"vgg16": vgg16,
}

// Encoder is one network up to one layer, with that layer's pooling.
type Encoder struct {
	settings Settings
	net      network
	weights  *weights // nil until LoadWeights
}

// New checks the settings. Weights are loaded later.
func New(s Settings) (*Encoder, error) {
	build, ok := kinds[s.Name]
	if !ok {
		return nil, fmt.Errorf("unknown encoder %q; known are %s", s.Name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	e := &Encoder{settings: s, net: build()}
	tapped, err := e.layer(s.Layer)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "none", "avg", "max", "flatten"}, s.Pooling) {
		return nil, fmt.Errorf("encoder.pooling %q: expected none, avg, max or flatten", s.Pooling)
	}
	if !slices.Contains([]string{"", "nearest", "bilinear", "bicubic"}, s.Resize) {
		return nil, fmt.Errorf("encoder.resize %q: expected nearest, bilinear or bicubic", s.Resize)
	}
	if spatial := len(tapped.Output) == 3; !spatial && (s.Pooling == "avg" || s.Pooling == "max") {
		return nil, fmt.Errorf("encoder.pooling %q needs a layer with height and width, %s's %s has shape %v: use pooling \"none\"", s.Pooling, s.Name, s.Layer, tapped.Output)
	}
	return e, nil
}

func (e *Encoder) layer(name string) (Layer, error) {
	best, distance := "", 1<<30
	var names []string
	for _, l := range e.net.layers {
		if l.Name == name {
			return l, nil
		}
		names = append(names, l.Name)
		if d := levenshtein.ComputeDistance(l.Name, name); d < distance {
			best, distance = l.Name, d
		}
	}
	return Layer{}, fmt.Errorf("encoder %s has no layer %q (did you mean %q?); it has %s", e.settings.Name, name, best, strings.Join(names, ", "))
}

// Layers lists the network's layers; without head, the class layer at the end is left out.
func (e *Encoder) Layers(head bool) []Layer {
	layers := e.net.layers
	if !head {
		layers = layers[:len(layers)-1]
	}
	return slices.Clone(layers)
}

// TappedLayers lists the layers up to the one whose output is the feature.
func (e *Encoder) TappedLayers() []Layer {
	at := slices.IndexFunc(e.net.layers, func(l Layer) bool { return l.Name == e.settings.Layer })
	return slices.Clone(e.net.layers[:at+1])
}

// FLOPs are the floating-point operations of one picture up to the tapped layer; a multiply-add counts two.
func (e *Encoder) FLOPs() float64 {
	total := 0.0
	for _, l := range e.TappedLayers() {
		positions := 1
		if len(l.Output) == 3 { // a convolution's kernel is used at every position
			positions = l.Output[0] * l.Output[1]
		}
		total += 2 * float64(l.Params) * float64(positions)
	}
	return total
}

// InputSize is the size that pictures are resized to, in pixels.
func (e *Encoder) InputSize() (height, width int) { return e.net.height, e.net.width }

// FeatureShape is the shape of one picture's features.
func (e *Encoder) FeatureShape() []int {
	l, err := e.layer(e.settings.Layer)
	if err != nil {
		return nil // New refuses such settings
	}
	if len(l.Output) != 3 {
		return l.Output
	}
	switch e.settings.Pooling {
	case "avg", "max":
		return l.Output[2:]
	case "flatten":
		return []int{l.Output[0] * l.Output[1] * l.Output[2]}
	}
	return l.Output
}

// Batch is the number of pictures that Graph is best fed with.
func (e *Encoder) Batch() int { return e.settings.Batch }

// pixelsVersion changes whenever Prepare gives other bytes for some picture.
const pixelsVersion = 2

// Fingerprint names everything that features depend on besides the pictures.
func (e *Encoder) Fingerprint() string {
	key := fmt.Sprintf("%s|%s|%s|%s|%d|%dx%d|%s|%s", e.settings.Name, e.settings.Layer, e.settings.Pooling, e.settings.Resize, pixelsVersion,
		e.net.height, e.net.width, e.preprocessing(), e.WeightsHash())
	return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
}

// WeightsHash is the SHA-256 of the weights file, empty before LoadWeights.
func (e *Encoder) WeightsHash() string {
	if e.weights == nil {
		return ""
	}
	return e.weights.hash
}

// WeightsSource says where the weights came from.
func (e *Encoder) WeightsSource() string {
	if e.weights == nil {
		return ""
	}
	return e.weights.source
}

func (e *Encoder) preprocessing() string {
	if e.weights == nil {
		return ""
	}
	return e.weights.preprocessing
}

// Prepare resizes a picture to the input size as RGB bytes, [height, width, 3]. Transparent parts become white.
func (e *Encoder) Prepare(picture image.Image, dst []uint8) {
	resize(picture, dst, e.net.height, e.net.width, e.settings.Resize)
}

// Graph maps pixels [batch, height, width, 3], RGB bytes, to features [batch, FeatureShape...].
func (e *Encoder) Graph(scope *model.Scope, pixels *Node) *Node {
	x := preprocess(ConvertDType(pixels, dtypes.Float32), e.preprocessing())
	x = e.net.run(scope, x, e.settings.Layer)
	if x.Rank() != 4 {
		return x
	}
	switch e.settings.Pooling {
	case "avg":
		return ReduceMean(x, 1, 2)
	case "max":
		return ReduceMax(x, 1, 2)
	case "flatten":
		return Reshape(x, x.Shape().Dim(0), -1)
	}
	return x
}
