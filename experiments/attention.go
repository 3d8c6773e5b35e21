package experiments

import (
	"context"
	"fmt"
	"image"

	"github.com/dustin/go-humanize"

	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/report"
)

// Attention is where a model with attention looked in a picture while it said its caption: a grid of Height times Width
// equal parts of the picture.
type Attention struct {
	Height int              `json:"height"`
	Width  int              `json:"width"`
	Tokens []TokenAttention `json:"tokens"` // of the caption, and its end
}

// TokenAttention is one token and the weights [Height*Width], row after row from the picture's top, with which the parts of
// the picture went into it. They add up to one.
type TokenAttention struct {
	Token   string    `json:"token"` // "<end>" ends the caption
	Weights []float32 `json:"weights"`
}

// largestMap is the longest side of maps: each is a picture of its own in memory.
const largestMap = 4096

// Maps are the captioned picture, its longest side so many pixels long (at most 4,096), and for each token of Attention the same picture as bright
// as the token's weights: the part with the largest one stays as it is. A Captioned without Attention has no maps.
func (c Captioned) Maps(longest int) (picture image.Image, maps []image.Image, err error) {
	if c.Attention == nil {
		return nil, nil, fmt.Errorf("the caption of %s comes without attention: Captioner.Attend has it", c.Path)
	}
	if longest < 1 || longest > largestMap {
		return nil, nil, fmt.Errorf("maps of %d pixels: expected 1 to %s", longest, humanize.Comma(largestMap))
	}
	weights := make([][]float32, len(c.Attention.Tokens))
	for n, t := range c.Attention.Tokens {
		weights[n] = t.Weights
	}
	return report.AttentionMaps(c.Path, longest, c.Attention.Height, c.Attention.Width, weights)
}

// Attend is Caption that also says where the model looked at each token of the best captions, in Captioned.Attention. The run's
// decoder must be one with attention. Each call compiles the graph of the maps, so that many pictures are better given at once.
func (c *Captioner) Attend(ctx context.Context, paths ...string) ([]Captioned, error) {
	d, ok := c.decoder.(model.Attender)
	if !ok {
		return nil, fmt.Errorf("decoder %q has no attention to show; train a run with decoder.name = \"attention\"", c.config.Decoder.Name)
	}
	maps, err := decode.NewAttention(c.accel.Backend, c.trainer.Store(), d, c.generator.MaxLength())
	if err != nil {
		return nil, err
	}
	defer maps.Finalize()
	return c.caption(ctx, maps, paths)
}

func (c *Captioner) addAttention(ctx context.Context, maps *decode.Attention, rows [][]float32, captions [][]decode.Caption, out []Captioned) error {
	best := make([][]int32, len(captions))
	for n, found := range captions {
		best[n] = found[0].Tokens
	}
	all, err := maps.Maps(ctx, rows, best)
	if err != nil {
		return err
	}
	height, width := c.encoder.Grid()
	for n, weights := range all {
		a := &Attention{Height: height, Width: width}
		for step, w := range weights {
			text := endToken
			if step < len(best[n]) {
				text = c.tokenizer.Token(best[n][step])
			}
			a.Tokens = append(a.Tokens, TokenAttention{text, w})
		}
		out[n].Attention = a
	}
	return nil
}

const endToken = "<end>"

// AttendFiles is CaptionFiles with where the model looked. See Captioner.Attend.
func AttendFiles(ctx context.Context, runDir string, paths, overrides []string, o Options) ([]Captioned, error) {
	return captionFiles(ctx, runDir, paths, overrides, o, (*Captioner).Attend)
}

func captionFiles(ctx context.Context, runDir string, paths, overrides []string, o Options, how func(*Captioner, context.Context, ...string) ([]Captioned, error)) ([]Captioned, error) {
	run, err := OpenRun("", runDir)
	if err != nil {
		return nil, err
	}
	files, err := pictureFiles(paths)
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	c, err := OpenCaptioner(ctx, run.Dir, overrides, o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return how(c, ctx, files...)
}
