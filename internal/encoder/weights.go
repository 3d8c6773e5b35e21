package encoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/fetch"
)

// weights are a network's variables, named layer/kernel and layer/bias, in Keras' layouts: convolutions
// [height, width, in, out], dense [in, out].
type weights struct {
	source, hash  string
	preprocessing string // "caffe" or "torch", by Keras' imagenet_utils
	values        map[string]*tensors.Tensor
}

// source is one place that weights come from.
type source struct {
	about         string
	convolutions  bool // only the convolutions, no fc1, fc2 and class layer
	preprocessing string
	file          fetch.File
}

// LoadWeights reads the weights of the layers up to the tapped one: from the file that the settings name, or
// from the first source in their order that has those layers.
func (e *Encoder) LoadWeights(ctx context.Context, cacheDir string, log io.Writer) error {
	if e.settings.Weights != "" {
		return e.read(e.settings.Weights, "file "+filepath.Base(e.settings.Weights), "")
	}
	needsDense := false
	for _, l := range e.TappedLayers() {
		needsDense = needsDense || l.Kind == "Dense"
	}
	var tried []string
	for _, name := range e.settings.Sources {
		s, ok := e.net.sources[name]
		if !ok {
			tried = append(tried, name+": "+e.settings.Name+" has no such source")
			continue
		}
		if needsDense && s.convolutions {
			tried = append(tried, fmt.Sprintf("%s (%s): it holds the convolutions only", name, s.about))
			continue
		}
		path, err := fetch.Ensure(ctx, filepath.Join(cacheDir, "weights"), s.file, log)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			tried = append(tried, fmt.Sprintf("%s (%s): %v", name, s.about, err))
			continue
		}
		return e.read(path, name, s.preprocessing)
	}
	if needsDense {
		return fmt.Errorf("no weights for %s's layer %q:\n  %s\n%s", e.settings.Name, e.settings.Layer, strings.Join(tried, "\n  "),
			"fc1 and fc2 come with whole models only: download Keras' vgg16_weights_tf_dim_ordering_tf_kernels.h5 or torchvision's VGG16 as .safetensors or .onnx and set encoder.weights to the file, or use encoder.layer = \"block5_pool\"")
	}
	return fmt.Errorf("no weights for %s:\n  %s\nset encoder.weights to a local .safetensors, .onnx or Keras .h5 file", e.settings.Name, strings.Join(tried, "\n  "))
}

// readers are the weight files' readers by extension. Each returns tensors by the file's own names.
var readers = map[string]func(path string) (map[string]*tensors.Tensor, error){
	".onnx":        readONNX,
	".safetensors": readSafetensors,
	".h5":          readKerasH5,
}

func (e *Encoder) read(path, sourceName, preprocessing string) error {
	reader, ok := readers[filepath.Ext(path)]
	if !ok {
		return fmt.Errorf("encoder.weights %s: expected a .safetensors, .onnx or Keras .h5 file", path)
	}
	hash, err := fetch.SHA256File(path)
	if err != nil {
		return fmt.Errorf("encoder.weights: %w", err)
	}
	raw, err := reader(path)
	if err != nil {
		return fmt.Errorf("encoder.weights %s: %w", path, err)
	}
	values, guessed, err := nameTensors(raw, e.TappedLayers())
	if err != nil {
		return fmt.Errorf("encoder.weights %s: %w", path, err)
	}
	if preprocessing == "" {
		preprocessing = guessed
	}
	e.weights = &weights{source: sourceName, hash: hash, preprocessing: preprocessing, values: values}
	return nil
}

// Install creates the encoder's variables in a store.
func (e *Encoder) Install(store *model.Store) error {
	if e.weights == nil {
		return errors.New("the encoder's weights are not loaded")
	}
	names := make([]string, 0, len(e.weights.values))
	for name := range e.weights.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v, err := store.CreateVariable("/"+name, e.weights.values[name])
		if err != nil {
			return fmt.Errorf("variable %s: %w", name, err)
		}
		v.SetTrainable(false)
	}
	return nil
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
