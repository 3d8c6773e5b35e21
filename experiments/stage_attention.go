package experiments

import (
	"context"
	"slices"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/report"
)

// attendedPictures is how many pictures the report shows with their attention.
const attendedPictures = 4

// attend computes where a decoder with attention looked while it said the validation captions. Where the data set knows what
// is where in its pictures, it counts how often that was at what the token names.
func (e *experiment) attend(ctx context.Context) error {
	d, ok := e.decoder.(model.Attender)
	captions := e.generated[dataset.Validation]
	if !ok || len(captions) == 0 {
		return nil
	}
	maps, err := decode.NewAttention(e.accel.Backend, e.trainer.Store(), d, e.generator.MaxLength())
	if err != nil {
		return err
	}
	defer maps.Finalize()
	height, width := e.encoder.Grid()
	e.attention = &report.Attention{Height: height, Width: width}
	rows, pictures := e.splitRows(dataset.Validation), e.data.Splits[dataset.Validation]
	shown := map[int]bool{}
	for n := range attendedPictures {
		shown[n*len(captions)/attendedPictures] = true
	}
	var aim pointing
	bar := progress.New(e.term, "attention", "captions", int64(len(captions)))
	defer bar.Finish()
	for from := 0; from < len(captions); from += attentionChunk { // few maps are in memory at a time
		to := min(from+attentionChunk, len(captions))
		tokens := make([][]int32, 0, attentionChunk)
		for _, c := range captions[from:to] {
			tokens = append(tokens, c.Tokens)
		}
		all, err := maps.Maps(ctx, rows[from:to], tokens)
		if err != nil {
			return err
		}
		for n, weights := range all {
			p := e.data.Examples[pictures[from+n]]
			names := make([]string, len(tokens[n]))
			for step, id := range tokens[n] {
				names[step] = e.tokenizer.Token(id)
				aim.add(p.Objects, names[step], weights[step], height, width)
			}
			if shown[from+n] {
				attended := report.AttendedPicture{ID: p.ID, Path: p.Path}
				for step, name := range append(names, endToken) {
					attended.Tokens = append(attended.Tokens, report.AttendedToken{Text: name, Weights: weights[step]})
				}
				e.attention.Pictures = append(e.attention.Pictures, attended)
			}
		}
		bar.Add(int64(to - from))
	}
	if aim.tokens == 0 {
		return nil
	}
	e.attention.Named = aim.tokens
	e.attention.Pointing, e.attention.Uniform = float64(aim.hits)/float64(aim.tokens), aim.uniform/float64(aim.tokens)
	e.say("attention: %d generated tokens name an object of their picture; of %.1f %% the largest weight is within its box (%.1f %% by chance)",
		aim.tokens, 100*e.attention.Pointing, 100*e.attention.Uniform)
	return e.figures(map[string]float64{"attention_pointing": e.attention.Pointing, "attention_pointing_by_chance": e.attention.Uniform, "attention_named_tokens": float64(aim.tokens)})
}

const attentionChunk = 64

// pointing is how often attention was at what a token names.
type pointing struct {
	tokens  int     // that name something that is in the picture
	hits    int     // of them, whose largest weight is within a box of it
	uniform float64 // summed shares of the grid within those boxes: the hits of attention without aim
}

// add counts a token, if it names one of the picture's objects. A part of the grid is within a box if its centre is.
func (p *pointing) add(objects []dataset.Object, name string, weights []float32, height, width int) {
	var boxes []dataset.Object
	for _, o := range objects {
		if slices.Contains(o.Names, name) {
			boxes = append(boxes, o)
		}
	}
	if len(boxes) == 0 {
		return
	}
	largest, inside, hit := float32(-1), 0, false
	for n, w := range weights {
		x, y := (float64(n%width)+0.5)/float64(width), (float64(n/width)+0.5)/float64(height)
		within := slices.ContainsFunc(boxes, func(o dataset.Object) bool { return o.Covers(x, y) })
		if within {
			inside++
		}
		if w > largest {
			largest, hit = w, within
		}
	}
	p.tokens++
	if hit {
		p.hits++
	}
	p.uniform += float64(inside) / float64(len(weights))
}
