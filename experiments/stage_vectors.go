package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
)

// readVectors reads the word vectors of the vocabulary that decoder.vectors names, if it does.
func (e *experiment) readVectors(ctx context.Context) error {
	path := checkout.Find(e.config.Decoder.Vectors)
	if path == "" {
		return nil
	}
	v, err := vectors(ctx, path, e.tokenizer, e.term)
	if err != nil {
		return err
	}
	if err := e.unchanged("vectors", v.Hash, path+" is not the file"); err != nil {
		return err
	}
	c := v.Coverage(e.tokenizer, e.texts(dataset.Train))
	e.vectors = v
	e.wordVectors = &report.WordVectors{Format: v.Format, Words: v.Words, Dimensions: v.Dimensions, Covered: len(v.Tokens), LowerCased: v.LowerCased,
		Vocabulary: c.Vocabulary, Running: c.Running, Trainable: e.config.Decoder.VectorsTrainable}
	e.say("word vectors: %s, %d words; %d of the vocabulary's tokens have one (%.1f %%; %d by their lower case), %.1f %% of the training captions' tokens",
		v.Format, v.Words, len(v.Tokens), 100*c.Vocabulary, v.LowerCased, 100*c.Running)
	// Checkpoints hold the vectors; with their tokens a run's model needs the file no more.
	if err := e.folder.WriteJSON(vectorsFile, savedVectors{v.Format, v.Hash, v.Dimensions, v.Tokens}); err != nil {
		return err
	}
	return e.figures(map[string]float64{
		"vectors_tokens": float64(len(v.Tokens)), "vectors_vocabulary_coverage": c.Vocabulary, "vectors_running_coverage": c.Running,
	})
}

// vectorsFile lists a run's tokens that have a word vector.
const vectorsFile = "vectors.json"

type savedVectors struct {
	Format     string  `json:"format"`
	Hash       string  `json:"hash"`
	Dimensions int     `json:"dimensions"`
	Tokens     []int32 `json:"tokens"`
}

// withoutVectors are overrides with which a finished run's config loads where its file of vectors is no more.
var withoutVectors = []string{`decoder.vectors=""`, "decoder.vectors_trainable=false"}

// trainedSize is decoderSize for a run whose checkpoint has the vectors.
func trainedSize(folder *runfolder.Folder, features []int, t token.Tokenizer) (model.Size, error) {
	text, err := os.ReadFile(folder.Path(vectorsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return decoderSize(features, t, nil), nil
	}
	var s savedVectors
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return model.Size{}, fmt.Errorf("the run's word vectors: %w", err)
	}
	return decoderSize(features, t, &token.Vectors{Tokens: s.Tokens, Values: make([]float32, len(s.Tokens)*max(s.Dimensions, 0))}), nil
}

// vectors reads a file of word vectors with a progress bar.
func vectors(ctx context.Context, path string, t token.Tokenizer, term io.Writer) (*token.Vectors, error) {
	size := int64(0)
	if stat, err := os.Stat(path); err == nil {
		size = stat.Size()
	}
	bar := progress.New(term, "word vectors", "bytes", size)
	v, err := token.ReadVectors(ctx, path, t, func(n int) { bar.Add(int64(n)) })
	bar.Finish()
	if err != nil {
		return nil, fmt.Errorf("word vectors: %w", err)
	}
	return v, nil
}

// decoderSize are the dimensions that the data gives a decoder, with the word vectors, if any. features is the shape of a
// picture's.
func decoderSize(features []int, t token.Tokenizer, v *token.Vectors) model.Size {
	size := featureSize(features)
	size.Vocabulary = t.Size()
	if v != nil {
		size.Pretrained = &model.Vectors{Tokens: v.Tokens, Values: v.Values}
	}
	return size
}
