package experiments

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/numpy"

	"github.com/captionlab/captionlab/internal/captionfile"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// The files of ExportInputs.
const (
	inputsFile     = "inputs.json"
	featuresFile   = "features.npy"
	captionsFile   = "captions.npz"
	weightsFile    = "weights.npz"
	referencesFile = "references.json"
	resultsFile    = "results.json"
)

// inputSplits are the splits that are exported, in the order of the features. Nobody is to choose by the test split, so it
// stays where it is.
var inputSplits = []string{dataset.Train, dataset.Validation}

// inputs is inputs.json.
type inputs struct {
	Run            string              `json:"run"`
	Config         map[string]any      `json:"config"` // resolved: section to key to value
	Tokens         []string            `json:"tokens"` // by id; 0 to 3 are padding, start, end and unknown
	LongestCaption int                 `json:"longest_training_caption"`
	FeatureShape   []int               `json:"feature_shape"` // [values], or [height, width, channels] of a grid
	Pictures       map[string][]string `json:"pictures"`      // ids by split
	Hashes         map[string]string   `json:"hashes"`
	Figures        runfolder.Values    `json:"figures"`                // of the run, by name
	RandomState    []uint64            `json:"random_state,omitempty"` // train.Trainer's, after the best epoch
}

// ExportInputs writes all that a run's decoder learnt from, so that another program can train its own on the same, into a
// folder below to that has the run's name, and returns its path. NumPy reads it:
//
//	inputs.json      the resolved config, the vocabulary, the pictures' ids, the run's hashes and figures, and the random state after
//	                 the best epoch: the key and the count of the Philox generator of which dropout masks are drawn
//	features.npy     float32 [pictures, values], as the decoder gets them: the training pictures', then the validation ones'
//	captions.npz     int32, of both splits: train_tokens [captions, longest], padded with 0 and without start and end token,
//	                 train_lengths [captions], train_pictures [captions] (rows of features.npy), and validation_…;
//	                 train_order [epochs, captions], in which order the run's epochs so far read them
//	references.json  what the validation captions are scored against, as COCO's captions
//	results.json     the run's own captions of the validation split, as COCO's results, where it has some
//	weights.npz      the best epoch's weights, by the path of the variable, where an epoch was finished
//
// Pictures go through the encoder again where the cache has lost their features. Inputs that are not those that the run
// had, by their hashes, are refused.
func ExportInputs(ctx context.Context, r *RunFolder, to string, o Options) (dir string, err error) {
	err = recovered(func() error {
		dir, err = exportInputs(ctx, r, to, o)
		return err
	})
	return dir, err
}

func exportInputs(ctx context.Context, r *RunFolder, to string, o Options) (string, error) {
	if to == "" {
		return "", fmt.Errorf("export of %s: expected a folder to write below, got an empty path", r.Folder)
	}
	dir := filepath.Join(to, r.Folder)
	if err := replaceable(dir); err != nil {
		return "", err
	}
	r, err := r.now()
	if err != nil {
		return "", err
	}
	e, err := r.again(ctx, o)
	if err != nil {
		return "", err
	}
	defer e.close()
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(to, ".writing-") // beside it, so that a folder is there whole or not at all
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	random, err := e.writeWeights(r, filepath.Join(tmp, weightsFile))
	err = errors.Join(err, os.Chmod(tmp, 0o755), e.writeInputs(r, tmp, random), e.writeFeatures(filepath.Join(tmp, featuresFile)),
		e.writeCaptions(r, filepath.Join(tmp, captionsFile)), e.writeReferences(r, tmp))
	if err != nil {
		return "", fmt.Errorf("export of %s: %w", r.Folder, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Rename(tmp, dir)
}

// replaceable refuses a folder that no earlier export of inputs wrote, above all a run's own.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, inputsFile)); err != nil {
		return fmt.Errorf("%s is there and holds no %s: it is not replaced; name another folder", dir, inputsFile)
	}
	return nil
}

// again repeats a run's stages before its training, in a folder of their own, which is gone afterwards: the run's own stays
// as it is. The caller closes the experiment.
func (r *RunFolder) again(ctx context.Context, o Options) (*experiment, error) {
	c, err := ownConfig(r.folder, withoutVectors...)
	if err != nil {
		return nil, err
	}
	enc, err := encoder.New(c.Config.Encoder)
	if err != nil {
		return nil, fmt.Errorf("the run's encoder: %w", err)
	}
	if enc.Trains() {
		return nil, errors.New("the run trained layers of its encoder with its decoder: there are no features that its decoder alone learnt from")
	}
	_, vocabulary, err := readVocabulary(r.folder)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "captionlab-inputs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	folder, err := runfolder.Create(tmp, r.Name, c.Hash, c.Given, c.Resolved)
	if err != nil {
		return nil, err
	}
	if err := folder.WriteFile(runfolder.VocabularyFile, vocabulary); err != nil {
		return nil, err
	}
	c.Config.Runtime.Devices = 1 // features need no more, however many the run was trained on
	e, err := newExperiment(folder, c, o)
	if err != nil {
		return nil, err
	}
	if err := e.repeat(ctx, r); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// repeat carries out the stages, and refuses what differs from what the run had.
func (e *experiment) repeat(ctx context.Context, r *RunFolder) error {
	for _, stage := range []func(context.Context) error{e.loadData, e.tokenize, e.openBackend, e.encodePictures} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	info, err := e.folder.Info()
	if err != nil {
		return err
	}
	for _, name := range []string{"data", "vocabulary", "weights", "features", "pictures"} {
		if had := r.Hashes[name]; had != info.Hashes[name] && (had != "" || name != "pictures") { // which earlier versions didn't note
			return fmt.Errorf("the run's %s had the hash %.12s, now it is %.12s: this isn't what the run learnt from", name, had, info.Hashes[name])
		}
	}
	return nil
}

func (e *experiment) writeInputs(r *RunFolder, dir string, random []uint64) error {
	resolved, err := r.Config()
	if err != nil {
		return err
	}
	in := inputs{Run: r.Folder, Config: resolved, LongestCaption: e.maxTokens, FeatureShape: e.features.Shape(), Pictures: map[string][]string{},
		Hashes: r.Hashes, Figures: r.Results, RandomState: random}
	for id := range e.tokenizer.Size() {
		in.Tokens = append(in.Tokens, e.tokenizer.Token(int32(id)))
	}
	for _, split := range inputSplits {
		for _, n := range e.data.Splits[split] {
			in.Pictures[split] = append(in.Pictures[split], e.data.Examples[n].ID)
		}
	}
	data, err := json.MarshalIndent(in, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, inputsFile), append(data, '\n'), 0o644)
}

// writeFeatures writes the rows of the exported splits, with which the values begin. Grids are gigabytes, so that they go
// from where they are to the file: GoMLX's writer would take a tensor, a second copy.
func (e *experiment) writeFeatures(path string) error {
	pictures, size := 0, e.features.Size()
	for _, split := range inputSplits {
		pictures += len(e.data.Splits[split])
	}
	return writeTo(path, func(w io.Writer) error {
		// The format is NumPy's, version 1.0: numpy.lib.format.
		header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", pictures, size)
		const before = 10 // bytes: magic, version and the header's length, which end at a multiple of 64 with it
		padding := 64 - (before+len(header)+1)%64
		header += fmt.Sprintf("%*s\n", padding, "")
		start := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
		if _, err := w.Write(append(start, header...)); err != nil {
			return err
		}
		for n := range pictures {
			if err := binary.Write(w, binary.LittleEndian, e.values[n*size:(n+1)*size]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *experiment) writeCaptions(r *RunFolder, path string) error {
	arrays := map[string]*tensors.Tensor{}
	for _, split := range inputSplits {
		var captions [][]int32
		var pictures, lengths, tokens []int32
		longest := 0
		for _, n := range e.data.Splits[split] {
			p := e.data.Examples[n]
			for _, c := range p.Captions {
				ids := e.tokenizer.Encode(c.Text)
				captions, longest = append(captions, ids), max(longest, len(ids))
				pictures, lengths = append(pictures, int32(e.rows[p.ID])), append(lengths, int32(len(ids)))
			}
		}
		tokens = make([]int32, len(captions)*longest) // token.Pad is 0
		for n, ids := range captions {
			copy(tokens[n*longest:], ids)
		}
		arrays[split+"_tokens"] = tensors.FromFlatDataAndDimensions(tokens, len(captions), longest)
		arrays[split+"_lengths"] = tensors.FromFlatDataAndDimensions(lengths, len(captions))
		arrays[split+"_pictures"] = tensors.FromFlatDataAndDimensions(pictures, len(captions))
	}
	order, err := e.trainingOrder(r)
	if err != nil {
		return err
	}
	if order != nil {
		arrays[dataset.Train+"_order"] = order
	}
	return writeTo(path, func(w io.Writer) error { return numpy.ToNpzWriter(arrays, w) })
}

// trainingOrder is the order in which the run's epochs so far read the training captions, [epochs, captions], nil where there were
// none or where they read pairs.
func (e *experiment) trainingOrder(r *RunFolder) (*tensors.Tensor, error) {
	curve, err := r.Curve()
	if err != nil || len(curve) == 0 || e.config.Training.Examples == "pairs" {
		return nil, err
	}
	set, err := e.batches(dataset.Train)
	if err != nil {
		return nil, err
	}
	var order []int32
	for n := range curve {
		order = append(order, set.Order(n+1)...)
	}
	return tensors.FromFlatDataAndDimensions(order, len(curve), set.Len()), nil
}

// writeReferences writes the references of the validation split, and the run's captions, if it has come so far.
func (e *experiment) writeReferences(r *RunFolder, dir string) error {
	predictions, err := r.Predictions(dataset.Validation)
	captioned := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		predictions = make([]Prediction, len(e.data.Splits[dataset.Validation]))
		for n, at := range e.data.Splits[dataset.Validation] {
			p := e.data.Examples[at]
			predictions[n] = Prediction{ImageID: p.ID, Path: p.Path, ScoredReferences: e.scoredReferences(at)}
		}
	} else if err != nil {
		return err
	}
	references, results, err := captionfile.COCO(captionedPictures(predictions))
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(dir, referencesFile), references, 0o644)
	if captioned {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, resultsFile), results, 0o644))
	}
	return err
}

// writeWeights writes the best epoch's weights, if an epoch was finished, and returns the random state after it.
func (e *experiment) writeWeights(r *RunFolder, path string) ([]uint64, error) {
	if !isTrained(r.folder) {
		return nil, nil
	}
	_, trainer, err := loadTrained(e.accel, r.folder, e.config, e.features.Shape(), e.tokenizer)
	if err != nil {
		return nil, err
	}
	weights, err := trainer.Weights(e.size)
	if err != nil {
		return nil, err
	}
	if err := writeTo(path, func(w io.Writer) error { return numpy.ToNpzWriter(weights, w) }); err != nil {
		return nil, err
	}
	return trainer.RandomState()
}

// writeTo makes a file of what write writes.
func writeTo(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	return errors.Join(write(w), w.Flush(), file.Close())
}
