package experiments

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/features"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// Captioner captions any picture with the model of a run: the best epoch's weights, its encoder, its scaling of the
// features, its vocabulary and, unless overridden, its way of decoding. What is slow to begin with (the encoder, the cache of
// features, compiled graphs) is kept from call to call, so that pictures may come one by one. It is for one call at a time, and for none
// after Close.
type Captioner struct {
	config    config.Config
	options   Options
	accel     *accel.Accel
	encoder   *encoder.Encoder
	extractor *features.Extractor // of what no training changes
	scaler    features.Scaler
	front     *features.Applied // the encoder's trained layers, with the scaling; nil for none
	tokenizer token.Tokenizer
	decoder   model.Decoder
	trainer   *train.Trainer
	generator *decode.Generator
	next      *decode.NextTokens
	closed    bool
}

// Captioned is one picture with what the model says of it.
type Captioned struct {
	Path string `json:"path"` // as it was given; "" of CaptionImages
	Candidate
	Others    []Candidate `json:"others,omitempty"`    // what else the search ended with, the best first
	Attention *Attention  `json:"attention,omitempty"` // of Attend alone
}

// Candidate is one caption of a search.
type Candidate struct {
	Caption        string `json:"caption"`
	LogProbability Nats   `json:"log_probability"` // of the tokens and the caption's end
}

// Nats is a log-probability. That of a caption that can't be, since every one breaks a rule of decoding, is -Inf, JSON's null.
type Nats = runfolder.Number

// NextToken is a token that may come next, and how likely the model finds it.
type NextToken struct {
	Token       string // "<end>" ends the caption
	Probability float64
}

// OpenCaptioner opens the model of a finished or interrupted run. Overrides are keys of [decoding] and [runtime], as
// decoding.method=beam; others are ErrOverride. Close it after use; beside an error it is nil. Of a run whose encoder's weights are not those that it began
// with, or that finished no epoch of its training, there is none, nor of an ensemble whose runs have other weights by now.
// Options.Stderr hears of downloads and progress.
func OpenCaptioner(ctx context.Context, runDir string, overrides []string, o Options) (*Captioner, error) {
	if err := onlyOf(overrides, "the run's model is as it is", "decoding", "runtime"); err != nil {
		return nil, err
	}
	run, err := OpenRun("", runDir)
	if err != nil {
		return nil, err
	}
	loaded, err := ownConfig(run.folder, slices.Concat(overrides, withoutVectors)...)
	if err != nil {
		return nil, err
	}
	c := &Captioner{config: loaded.Config, options: o}
	if err := recovered(func() error { return c.open(ctx, run.folder) }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Captioner) open(ctx context.Context, folder *runfolder.Folder) error {
	var err error
	if c.tokenizer, _, err = readVocabulary(folder); err != nil {
		return err
	}
	scaler, err := readScaler(folder)
	if err != nil {
		return fmt.Errorf("the run has no features yet: %w", err)
	}
	c.scaler = *scaler
	var members []member
	if isEnsemble(c.config) {
		if members, err = openMembers(c.config.Ensemble.Runs); err != nil {
			return err
		}
	} else if err := mustBeTrained(folder); err != nil {
		return err
	}
	cache := checkout.At(c.config.Runtime.Cache)
	one := c.config.Runtime.Settings
	one.Devices = 1 // captions need no more, however many the run was trained on
	if c.accel, err = accel.Open(ctx, one, cache, c.options.Stderr); err != nil {
		return err
	}
	if c.encoder, err = encoder.New(c.config.Encoder); err != nil {
		return err
	}
	if err := c.encoder.LoadWeights(ctx, cache, c.options.Stderr); err != nil {
		return err
	}
	info, err := folder.Info()
	if err != nil {
		return err
	}
	if had := info.Hashes["weights"]; had != c.encoder.WeightsHash() {
		return fmt.Errorf("the run's features came from encoder weights with the hash %.12s, these have %.12s: name the same file in encoder.weights", had, c.encoder.WeightsHash())
	}
	c.extractor = features.NewExtractor(c.accel.Backend, c.encoder.Frozen(), cache, c.options.Stderr)
	if c.decoder, c.trainer, err = c.trained(folder, members, info); err != nil {
		return err
	}
	front, err := features.NewFront(c.encoder)
	if err != nil {
		return err
	}
	if front != nil {
		front.Scale(&c.scaler)
		if c.front, err = front.Apply(c.accel.Backend, c.trainer.Store()); err != nil {
			return err
		}
	}
	longest := int(info.Results[longestCaption])
	if longest == 0 { // a run from before this figure was kept
		longest = c.config.Text.MaxLength
	}
	if c.generator, err = decode.New(c.accel.Backend, c.trainer.Store(), c.decoder, c.config.Decoding, longest); err != nil {
		return err
	}
	c.next, err = decode.NewNextTokens(c.accel.Backend, c.trainer.Store(), c.decoder, longest)
	return err
}

// trained is the run's decoder with its weights: its own, or those of an ensemble's members.
func (c *Captioner) trained(folder *runfolder.Folder, members []member, info runfolder.Info) (model.Decoder, *train.Trainer, error) {
	if len(members) == 0 {
		return loadTrained(c.accel, folder, c.config, c.encoder.FeatureShape(), c.tokenizer)
	}
	decoder, trainer, err := assemble(c.accel, members, c.encoder.FeatureShape(), c.config.Training, folder.Path(checkpointsDir))
	if err != nil {
		return nil, nil, err
	}
	for n, kept := range trainer.Members() {
		if err := asBegun(info, memberHash(n), kept.Hash, members[n].otherWeights()); err != nil {
			return nil, nil, err
		}
	}
	return decoder, trainer, nil
}

// isTrained is whether a run has a model: whether an epoch of its training was finished.
func isTrained(folder *runfolder.Folder) bool { return train.HasBest(folder.Path(checkpointsDir)) }

func mustBeTrained(folder *runfolder.Folder) error {
	if !isTrained(folder) {
		return fmt.Errorf("%s: no epoch of its training was finished, so it has no model", folder.Dir)
	}
	return nil
}

// loadTrained is a run's decoder, and the trainer that holds its weights: the chosen epoch's, or the mean of the last ones.
func loadTrained(a *accel.Accel, folder *runfolder.Folder, c config.Config, featureShape []int, t token.Tokenizer) (model.Decoder, *train.Trainer, error) {
	size, err := trainedSize(folder, featureShape, t)
	if err != nil {
		return nil, nil, err
	}
	decoder, err := model.New(c.Decoder, size)
	if err != nil {
		return nil, nil, err
	}
	trainer, err := train.NewBest(a.Backend, decoder, c.Training, folder.Path(checkpointsDir))
	return decoder, trainer, err
}

// Close frees the encoder and the backend. To close it again does nothing.
func (c *Captioner) Close() {
	if c.closed {
		return
	}
	c.closed = true
	if c.next != nil {
		c.next.Finalize()
	}
	if c.front != nil {
		c.front.Finalize()
	}
	if c.extractor != nil {
		_ = c.extractor.Close() // each batch is on disk already
	}
	c.accel.Close()
}

// do carries out a call of a Captioner that is open.
func (c *Captioner) do(call func() error) error {
	if c.closed {
		return errors.New("the captioner is closed")
	}
	return recovered(call)
}

// FeatureShape is the shape of one picture's features: [values], or [height, width, channels] of a grid.
func (c *Captioner) FeatureShape() []int { return slices.Clone(c.encoder.FeatureShape()) }

// Features returns each picture's features as the decoder gets them: of the encoder's layer, pooled, and scaled by the
// statistics of the run's training pictures. A row holds the values of FeatureShape, a grid's location by location from the picture's
// top left, row after row, each with its channels. What no training changes is kept in the run's cache, by the files' bytes. The error names all
// files that can't be opened or, where all can be, all that can't be decoded.
func (c *Captioner) Features(ctx context.Context, paths ...string) (rows [][]float32, err error) {
	err = c.do(func() error {
		rows, err = c.features(ctx, paths)
		return err
	})
	return rows, err
}

func (c *Captioner) features(ctx context.Context, paths []string) ([][]float32, error) {
	rows, err := c.extractor.Files(ctx, paths)
	if err != nil {
		return nil, err
	}
	return c.scaled(ctx, rows)
}

// scaled makes the decoder's features of rows that the extractor gave.
func (c *Captioner) scaled(ctx context.Context, rows [][]float32) ([][]float32, error) {
	if c.front == nil {
		for _, row := range rows {
			c.scaler.Apply(row)
		}
		return rows, nil
	}
	trained := make([][]float32, len(rows))
	return trained, c.front.Rows(ctx, rows, func(n int, row []float32) { trained[n] = slices.Clone(row) })
}

// Caption captions picture files, in their order. Their features are kept in the run's cache, as Features has it.
func (c *Captioner) Caption(ctx context.Context, paths ...string) ([]Captioned, error) {
	return c.caption(ctx, nil, paths)
}

// CaptionImages captions images, in their order, and leaves nothing in the cache: what Caption says of the files that they were
// decoded from, if decoding gave the same pixels. Caption turns a JPEG as its EXIF orientation says, and decodes a lossy WebP's
// colours as libwebp does, where Go's decoders do neither; of a GIF it takes the first picture, in its place on the canvas.
// Transparent parts become white. An image without pixels is an error.
func (c *Captioner) CaptionImages(ctx context.Context, images ...image.Image) (out []Captioned, err error) {
	err = c.do(func() error {
		rows, err := c.extractor.Images(ctx, images)
		if err != nil {
			return err
		}
		if rows, err = c.scaled(ctx, rows); err != nil {
			return err
		}
		out, err = c.say(ctx, nil, rows)
		return err
	})
	return out, err
}

// caption captions picture files, and computes the maps of the best captions if it is given their graph.
func (c *Captioner) caption(ctx context.Context, maps *decode.Attention, paths []string) (out []Captioned, err error) {
	err = c.do(func() error {
		rows, err := c.features(ctx, paths)
		if err != nil {
			return err
		}
		out, err = c.say(ctx, maps, rows)
		for n := range out {
			out[n].Path = paths[n]
		}
		return err
	})
	return out, err
}

// say captions pictures of these features.
func (c *Captioner) say(ctx context.Context, maps *decode.Attention, rows [][]float32) (out []Captioned, err error) {
	all, err := c.generator.Candidates(ctx, rows, nil)
	for _, found := range all {
		var captioned Captioned
		for k, one := range found {
			candidate := Candidate{Caption: c.tokenizer.Decode(one.Tokens), LogProbability: Nats(one.LogProbability)}
			if k == 0 {
				captioned.Candidate = candidate
			} else {
				captioned.Others = append(captioned.Others, candidate)
			}
		}
		out = append(out, captioned)
	}
	if err != nil || maps == nil {
		return out, err
	}
	return out, c.addAttention(ctx, maps, rows, all, out)
}

// Next returns the model's whole next-token distribution after each beginning of a picture's caption: [beginnings][vocabulary],
// the most probable token first, probabilities that add up to one. A beginning is text, cut by the run's tokenizer; the empty one is
// the caption's start. It isn't cleaned as captions are: one in capitals is of unknown words to a run in lower case. One of more
// tokens than the longest training caption is an error. The picture's features are kept as Features has it.
func (c *Captioner) Next(ctx context.Context, path string, beginnings ...string) (out [][]NextToken, err error) {
	err = c.do(func() error {
		rows, err := c.features(ctx, []string{path})
		if err != nil {
			return err
		}
		ids := make([][]int32, len(beginnings))
		for n, text := range beginnings {
			ids[n] = c.tokenizer.Encode(text)
		}
		logs, err := c.next.LogProbabilities(ctx, rows[0], ids)
		for _, row := range logs {
			tokens := make([]NextToken, len(row))
			for id, log := range row {
				tokens[id] = NextToken{c.tokenizer.Token(int32(id)), math.Exp(float64(log))}
			}
			slices.SortStableFunc(tokens, func(a, b NextToken) int {
				switch {
				case a.Probability > b.Probability:
					return -1
				case a.Probability < b.Probability:
					return 1
				}
				return 0
			})
			out = append(out, tokens)
		}
		return err
	})
	return out, err
}

// pictureFiles expands folders to the pictures in them: the files with a picture's ending, without hidden ones, such as the
// "._a.jpg" that macOS leaves beside a.jpg on other file systems.
func pictureFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		stat, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !stat.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		before := len(files)
		for _, e := range entries {
			if !e.IsDir() && !dataset.Hidden(e.Name()) && dataset.IsPicture(e.Name()) {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no picture in that folder (%s)", path, strings.Join(dataset.PictureEndings, ", "))
		}
	}
	return files, nil
}

// CaptionFiles captions picture files, and all pictures of folders, with the model of a run. See OpenCaptioner and
// Captioner.Caption.
func CaptionFiles(ctx context.Context, runDir string, paths, overrides []string, o Options) ([]Captioned, error) {
	return captionFiles(ctx, runDir, paths, overrides, o, (*Captioner).Caption)
}
