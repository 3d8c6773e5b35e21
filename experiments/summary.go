package experiments

import (
	"context"
	"fmt"
	"io"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/token"
)

// LayerRow is one layer of the encoder or the decoder.
type LayerRow = report.LayerRow

// SummaryTable lists a network's layers with their output shapes and parameters.
type SummaryTable struct {
	Title string
	Rows  []LayerRow
}

// Parameters counts the parameters: all, and those that training changes.
func (t *SummaryTable) Parameters() (total, trainable int) {
	for _, r := range t.Rows {
		total += r.Params
		if r.Trainable {
			trainable += r.Params - r.Fixed
		}
	}
	return total, trainable
}

// Encoders lists the encoders by name.
func Encoders() []string { return encoder.Names() }

// EncoderSummary lists an encoder alone, as Keras' summary does: every parameter could be trained but the moving
// statistics of batch normalization. head adds the class layer. weights is the file of an encoder that comes from one
// ("onnx"); others have their layers without, and refuse one.
func EncoderSummary(name, weights string, head bool) (*SummaryTable, error) {
	enc, err := encoder.New(encoder.Settings{Name: name, Weights: weights, Pooling: "none"})
	if err != nil {
		return nil, err
	}
	if weights != "" && name != "onnx" {
		return nil, fmt.Errorf("weights %s: the layers of %s come from no file; only those of onnx do", weights, name)
	}
	t := &SummaryTable{Title: name}
	for _, l := range enc.Layers(head) {
		t.Rows = append(t.Rows, encoderRow(l, true))
	}
	return t, nil
}

// Summary lists the networks of a config: the encoder up to its layer, which stays as it is but for the layers from
// encoder.train_from on, and the decoder, which is trained. The decoder's size depends on the vocabulary, so the captions are read, or generated, unless
// vocabulary gives the number of tokens. So is the file of word vectors, where there is one.
func Summary(ctx context.Context, configPath string, overrides []string, vocabulary int, log io.Writer) (*SummaryTable, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := loadConfig(configPath, overrides)
	if err != nil {
		return nil, err
	}
	enc, err := encoder.New(c.Config.Encoder)
	if err != nil {
		return nil, err
	}
	decoder := featureSize(enc.FeatureShape())
	decoder.Vocabulary = vocabulary
	path := checkout.Find(c.Config.Decoder.Vectors)
	switch {
	case vocabulary > 0 && path != "":
		return nil, fmt.Errorf("vocabulary %d: how many tokens have a word vector depends on the tokens; with decoder.vectors expected 0, for which the captions are read", vocabulary)
	case vocabulary == 0:
		tokens, err := trainTokenizer(ctx, c.Config, log)
		if err != nil {
			return nil, err
		}
		var v *token.Vectors
		if path != "" {
			if v, err = vectors(ctx, path, tokens, log); err != nil {
				return nil, err
			}
		}
		decoder = decoderSize(enc.FeatureShape(), tokens, v)
	}
	dec, err := model.New(c.Config.Decoder, decoder)
	if err != nil {
		return nil, err
	}
	rows, err := summaryRows(enc, dec)
	return &SummaryTable{Title: c.Path, Rows: rows}, err
}

// summaryRows are the layers of a run: the encoder's up to the tapped one, frozen but for those that are trained, then the decoder's.
func summaryRows(enc *encoder.Encoder, dec model.Decoder) ([]LayerRow, error) {
	var rows []LayerRow
	for _, l := range enc.TappedLayers() {
		rows = append(rows, encoderRow(l, enc.IsTrained(l.Name)))
	}
	for _, l := range dec.Layers() {
		rows = append(rows, LayerRow{Part: "decoder", Name: l.Name, Kind: l.Kind, Output: shape(l.Output), Params: l.Params, Trainable: !l.Frozen})
	}
	return rows, nil
}

func encoderRow(l encoder.Layer, trainable bool) LayerRow {
	return LayerRow{Part: "encoder", Name: l.Name, Kind: l.Kind, Output: shape(l.Output), Params: l.Params, Fixed: l.Fixed, Trainable: trainable}
}
