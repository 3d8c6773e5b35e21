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

	"github.com/captionlab/captionlab/internal/setting"
)

// network is one architecture.
type network struct {
	layers  layers
	feature string   // the layer whose output is the feature if the settings name none
	head    string   // the class layer, "" if there is none
	namings []naming // how weight files name its variables, in the order they are tried
	// sources are where weights come from, by the names of encoder.sources.
	sources   map[string]source
	kerasFile string // that Keras' weights can be downloaded as, for messages
	// imported is a network that comes whole from a file; nil for those that are built here.
	imported *onnxModel
	// random is a network without pretrained weights, all of whose layers are trained.
	random bool
}

// kinds are the encoders by their name in [encoder].
var kinds = map[string]func(Settings) (network, error){
	"vgg16":                vgg16,
	"vgg19":                vgg19,
	"resnet50":             resNet50,
	"resnet50_torchvision": resNet50Torchvision,
	"efficientnet_lite0":   efficientNetLite0,
	"onnx":                 importONNX,
	"cnn":                  cnn,
}

// Names lists the encoders.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// Encoder is one network up to one layer, with that layer's pooling.
type Encoder struct {
	settings Settings
	net      network
	weights  *weights // nil until LoadWeights
}

// blamed are the keys that may be at fault where one of [encoder] can't be: itself, and those that gave it its default.
var blamed = map[string][]string{
	"name":          {"encoder.name"},
	"layer":         {"encoder.layer", "encoder.name", "encoder.sources"},
	"pooling":       {"encoder.pooling", "encoder.layer", "encoder.name"},
	"resize":        {"encoder.resize"},
	"weights":       {"encoder.weights", "encoder.name"},
	"sources":       {"encoder.sources", "encoder.weights", "encoder.name"},
	"preprocessing": {"encoder.preprocessing", "encoder.name"},
	"train_from":    {"encoder.train_from", "encoder.layer", "encoder.name"},
	"normalize":     {"encoder.normalize", "encoder.name"},
	"size":          {"encoder.size", "encoder.blocks", "encoder.name"},
}

// New checks the settings. Weights are loaded later.
func New(s Settings) (*Encoder, error) {
	e, problems := check(s)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return e, nil
}

// Check returns everything that is wrong with the settings, before anything is fetched, and the settings with the
// network's own layer where they name none.
func Check(s Settings) (Settings, setting.Problems) {
	e, problems := check(s)
	if e == nil {
		return s, problems
	}
	e.checkWeights(&problems)
	return e.settings, problems
}

// check returns an encoder of any settings that name one, with what is wrong with them.
func check(s Settings) (e *Encoder, problems setting.Problems) {
	build, ok := kinds[s.Name]
	if !ok {
		problems.Refuse(blamed["name"], "unknown encoder %q; known are %s", s.Name, strings.Join(Names(), ", "))
		return nil, problems
	}
	net, err := build(s)
	if err != nil {
		problems.Refuse(blamed["weights"], "%w", err)
		return nil, problems
	}
	if s.Layer == "" {
		s.Layer = net.feature
	}
	e = &Encoder{settings: s, net: net}
	if tapped, err := e.layer(s.Layer); err != nil {
		problems.Refuse(blamed["layer"], "%w", err)
	} else {
		if len(tapped.Output) != 3 && (s.Pooling == "avg" || s.Pooling == "max") {
			problems.Refuse(blamed["pooling"], "%s has no height and width to pool over; expected \"none\" or \"flatten\"", s.Layer)
		}
		e.checkTrained(&problems)
	}
	if !slices.Contains([]string{"", "none", "avg", "max", "flatten"}, s.Pooling) {
		problems.Refuse(blamed["pooling"], "%q: expected none, avg, max or flatten", s.Pooling)
	}
	if !slices.Contains([]string{"", "nearest", "bilinear", "bicubic"}, s.Resize) {
		problems.Refuse(blamed["resize"], "%q: expected nearest, bilinear or bicubic", s.Resize)
	}
	if _, ok := preprocessings[s.Preprocessing]; !ok && s.Preprocessing != "" && s.Preprocessing != "auto" {
		problems.Refuse(blamed["preprocessing"], "%q: expected auto, %s", s.Preprocessing, strings.Join(slices.Sorted(maps.Keys(preprocessings)), ", "))
	}
	return e, problems
}

func (e *Encoder) layer(name string) (Layer, error) {
	best, distance := "", 1<<30
	for _, l := range e.net.layers {
		if l.Name == name {
			return l, nil
		}
		if d := levenshtein.ComputeDistance(l.Name, name); d < distance {
			best, distance = l.Name, d
		}
	}
	list := "captionlab summary --encoder " + e.settings.Name
	if e.net.imported != nil {
		list += " --weights " + e.settings.Weights
	}
	return Layer{}, fmt.Errorf("encoder %s has no layer %q (did you mean %q?); %s lists them", e.settings.Name, name, best, list)
}

// Layers lists the network's layers; without head, the class layer at the end is left out.
func (e *Encoder) Layers(head bool) []Layer {
	return slices.DeleteFunc(slices.Clone(e.net.layers), func(l Layer) bool { return l.Name == e.net.head && !head })
}

// tapped are the layers that the feature needs, its own last.
func (e *Encoder) tapped() layers { return e.net.layers.upTo(e.settings.Layer) }

// TappedLayers lists the layers that the feature needs; the last one's output is the feature.
func (e *Encoder) TappedLayers() []Layer { return e.tapped() }

// FLOPs are the floating-point operations of one picture up to the tapped layer, but for activations, additions and
// pools; a multiply-add counts two.
func (e *Encoder) FLOPs() float64 {
	return e.tapped().flops()
}

// InputSize is the size that pictures are resized to, in pixels.
func (e *Encoder) InputSize() (height, width int) {
	in := e.net.layers[0].Output
	return in[0], in[1]
}

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

// FeatureSize is the number of values of one picture's features.
func (e *Encoder) FeatureSize() int { return product(e.FeatureShape()) }

// Batch is how many pictures Graph is fed with for so many pictures: encoder.batch, or, of fewer, the next power of two, so that one
// picture doesn't cost a whole batch, and a few graphs serve all numbers. Two at least: on CPUs XLA adds up a single picture's values
// in another order than those of several, which have the same bits in batches of 2, 4, 8 and 16. On other devices their last digits may differ.
func (e *Encoder) Batch(pictures int) int {
	if m := e.net.imported; m != nil && m.batch > 0 {
		return m.batch
	}
	size := 2
	for size < pictures {
		size *= 2
	}
	return min(size, e.settings.Batch)
}

// pixelsVersion changes whenever Prepare gives other bytes for some picture.
const pixelsVersion = 3

// Fingerprint names everything that features depend on besides the pictures.
func (e *Encoder) Fingerprint() string {
	height, width := e.InputSize()
	key := fmt.Sprintf("%s|%s|%s|%s|%d|%dx%d|%s|%s", e.settings.Name, e.settings.Layer, e.settings.Pooling, e.settings.Resize, pixelsVersion,
		height, width, e.preprocessing(), e.WeightsHash())
	return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
}

// Stored are the fingerprint and shape under which features are kept: flatten's are those of none, whose values they are.
func (e *Encoder) Stored() (fingerprint string, shape []int) {
	as := *e
	if as.settings.Pooling == "flatten" {
		as.settings.Pooling = "none"
	}
	return as.Fingerprint(), as.FeatureShape()
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

// preprocessing is by the names of preprocessings: the settings', else the one that the weights were trained with.
func (e *Encoder) preprocessing() string {
	switch {
	case e.settings.Preprocessing != "" && e.settings.Preprocessing != "auto":
		return e.settings.Preprocessing
	case e.weights != nil:
		return e.weights.preprocessing
	case len(e.net.namings) > 0:
		return e.net.namings[0].preprocessing
	}
	return ""
}

// Prepare resizes a picture to the input size as RGB bytes, [height, width, 3]. Transparent parts become white.
func (e *Encoder) Prepare(picture image.Image, dst []uint8) {
	height, width := e.InputSize()
	resize(picture, dst, height, width, e.settings.Resize)
}

// Graph maps pixels [batch, height, width, 3], RGB bytes, to features [batch, FeatureShape...].
func (e *Encoder) Graph(scope *model.Scope, pixels *Node) *Node {
	x := preprocessings[e.preprocessing()](ConvertDType(pixels, dtypes.Float32))
	if m := e.net.imported; m != nil {
		x = m.run(scope, x, e.settings.Layer)
	} else {
		x = e.net.layers.run(scope, x, e.net.layers[0].Name, e.settings.Layer)
	}
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
