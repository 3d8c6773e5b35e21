package encoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/fetch"
	"github.com/captionlab/captionlab/internal/setting"
)

// weights are a network's variables, still in their file.
type weights struct {
	source, hash  string
	preprocessing string // what they were trained with, by the names of preprocessings
	variables     []variable
}

// source is one place that weights come from.
type source struct {
	about        string
	convolutions bool // only the convolutions, no fc1, fc2 and class layer
	// find brings the file into the folder; its SHA-256 is "" if it is not known from elsewhere.
	find func(ctx context.Context, dir string, log io.Writer) (path, hash string, err error)
}

// LoadWeights finds the weights of the layers up to the tapped one, in the file that the settings name or in the first
// source in their order that has those layers, and checks their names and shapes. Their values are read by Install.
func (e *Encoder) LoadWeights(ctx context.Context, cacheDir string, log io.Writer) error {
	if log == nil {
		log = io.Discard
	}
	dir := filepath.Join(cacheDir, "weights")
	dense := e.dense()
	if m := e.net.imported; m != nil {
		hash, err := fetch.SHA256File(checkout.Find(e.settings.Weights))
		if err != nil {
			return fmt.Errorf("encoder.weights: %w", err)
		}
		e.weights = &weights{source: "file " + filepath.Base(e.settings.Weights), hash: hash}
		return nil
	}
	if e.net.random {
		e.weights = &weights{source: "none: it begins at random", preprocessing: "tf"}
		return nil
	}
	if path := checkout.Find(e.settings.Weights); path != "" {
		err := e.open(ctx, path, "", "file "+filepath.Base(path), dir, log)
		if errors.Is(err, errLayerMissing) {
			return fmt.Errorf("encoder.weights %s: %w\n%s", path, err, e.hint(dense))
		}
		if err != nil {
			return fmt.Errorf("encoder.weights %s: %w", path, err)
		}
		return nil
	}
	var tried []string
	for _, name := range e.settings.Sources {
		s, ok := e.net.sources[name]
		if !ok {
			tried = append(tried, fmt.Sprintf("%s: no such source for %s", name, e.settings.Name))
			continue
		}
		if dense && s.convolutions {
			tried = append(tried, fmt.Sprintf("%s (%s): passed over, as it has no fc1, fc2 and predictions", name, s.about))
			continue
		}
		path, hash, err := s.find(ctx, dir, log)
		if err == nil {
			err = e.open(ctx, path, hash, name, dir, log)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("weights of %s: %w", e.settings.Name, ctx.Err())
		}
		tried = append(tried, fmt.Sprintf("%s (%s): %s", name, s.about, strings.ReplaceAll(err.Error(), "\n", "\n    ")))
	}
	return &WeightsError{Encoder: e.settings.Name, Layer: e.settings.Layer, Tried: tried, Hint: e.hint(dense)}
}

// WeightsError says why weights could not be had.
type WeightsError struct {
	Encoder, Layer string
	Tried          []string // "source: reason", in the order tried
	Hint           string   // what the user can do
}

func (e *WeightsError) Error() string {
	return fmt.Sprintf("no weights for %s up to %s; tried\n  %s\n%s", e.Encoder, e.Layer, strings.Join(e.Tried, "\n  "), e.Hint)
}

// dense reports whether the tapped layers are not convolutions alone.
func (e *Encoder) dense() bool {
	return slices.ContainsFunc(e.tapped(), func(l Layer) bool { return l.Kind == "Dense" })
}

const fileKinds = ".safetensors, .onnx, PyTorch .pth or Keras .h5 file"

func (e *Encoder) hint(dense bool) string {
	partial := false
	for _, s := range e.net.sources {
		partial = partial || s.convolutions
	}
	hint := "set encoder.weights to a " + fileKinds + ", or encoder.sources to a source that can be reached"
	if !dense || !partial {
		return hint
	}
	return "fc1, fc2 and predictions come with whole models only, which source \"hub\" has. Without it, download Keras' " + e.net.kerasFile +
		" (or torchvision's model as .pth, .safetensors or .onnx) elsewhere and set encoder.weights to the file, or set encoder.layer = \"block5_pool\" and encoder.pooling = \"avg\""
}

// checkWeights says before anything is fetched or read why LoadWeights would fail: the settings name no file, and none
// of their sources has the tapped layers.
func (e *Encoder) checkWeights(problems *setting.Problems) {
	s := e.settings
	if e.net.random {
		if s.Weights != "" {
			problems.Refuse(blamed["weights"], "%s begins at random and is trained; expected no file", s.Name)
		}
		return
	}
	if e.net.imported != nil {
		if s.Preprocessing == "" || s.Preprocessing == "auto" {
			problems.Refuse(blamed["preprocessing"], "an ONNX file does not say what its network was trained with; expected one of %s",
				strings.Join(slices.Sorted(maps.Keys(preprocessings)), ", "))
		}
		return
	}
	switch {
	case s.Weights != "":
		return
	case len(e.net.sources) == 0:
		problems.Refuse(blamed["weights"], "%s can't be fetched: name a file in encoder.weights, as Keras' %s", s.Name, e.net.kerasFile)
		return
	case len(s.Sources) == 0:
		problems.Refuse(blamed["sources"], "expected at least one source, as encoder.weights names no file")
		return
	}
	partial := ""
	for _, name := range s.Sources {
		from, ok := e.net.sources[name]
		if ok && !(from.convolutions && e.dense()) {
			return
		}
		if ok {
			partial = name
		}
	}
	if partial != "" {
		problems.Refuse(blamed["layer"], "the %s source has the convolutions alone, not %s; add \"hub\" to encoder.sources, name a file in encoder.weights, or take block5_pool",
			partial, s.Layer)
		return
	}
	problems.Refuse(blamed["sources"], "%s comes from %s; expected that, or a file in encoder.weights", s.Name, strings.Join(slices.Sorted(maps.Keys(e.net.sources)), " and "))
}

// open finds the tapped layers' variables in a file. A file whose hash its source doesn't know is hashed.
func (e *Encoder) open(ctx context.Context, path, hash, sourceName, dir string, log io.Writer) error {
	find, ok := readers[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return errors.New("expected a " + fileKinds)
	}
	if hash == "" {
		var err error
		if hash, err = fetch.SHA256File(path); err != nil {
			return err
		}
	}
	raw, err := find(ctx, path, hash, dir, log)
	if err != nil {
		return err
	}
	variables, preprocessing, err := nameTensors(raw, e.tapped(), e.net.namings)
	if err != nil {
		return err
	}
	e.weights = &weights{source: sourceName, hash: hash, preprocessing: preprocessing, variables: variables}
	return nil
}

// readers find the tensors in weight files, by extension. hash is the file's, dir a folder for what they make of it.
var readers = map[string]func(ctx context.Context, path, hash, dir string, log io.Writer) (map[string]stored, error){
	".onnx": func(_ context.Context, path, _, _ string, _ io.Writer) (map[string]stored, error) {
		return readONNX(path)
	},
	".safetensors": func(_ context.Context, path, _, _ string, _ io.Writer) (map[string]stored, error) {
		return readSafetensors(path)
	},
	".h5":  readKerasH5,
	".pth": readTorch,
	".pt":  readTorch,
}

// Install creates the encoder's variables in a store, named layer/kernel, layer/bias and so on in Keras' layouts:
// convolutions [height, width, in, out], depthwise ones [height, width, channels, 1], dense layers [in, out].
func (e *Encoder) Install(store *model.Store) error {
	if e.weights == nil {
		return errors.New("the encoder's weights are not loaded")
	}
	if m := e.net.imported; m != nil {
		return m.install(store)
	}
	for _, v := range e.weights.variables {
		value, err := v.tensor()
		if err != nil {
			return fmt.Errorf("weights %s: %w", v.name, err)
		}
		created, err := store.CreateVariable("/"+v.name, value)
		if err != nil {
			return fmt.Errorf("variable %s: %w", v.name, err)
		}
		created.SetTrainable(false)
	}
	debug.FreeOSMemory() // reading fc1 leaves 400 MB of rubbish
	return nil
}
