package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
)

// Tokenization is how a tokenizer cuts texts.
type Tokenization struct {
	Tokenizer  string          `json:"tokenizer"` // as text.tokenizer names it
	Vocabulary int             `json:"vocabulary"`
	Hash       string          `json:"hash"`     // of the vocabulary, as in run.json
	Lossless   bool            `json:"lossless"` // text without unknown tokens comes back byte for byte
	Texts      []TokenizedText `json:"texts"`
}

// TokenizedText is one text on its way to ids and back.
type TokenizedText struct {
	Text      string      `json:"text"`
	Cleaned   string      `json:"cleaned"` // what the config's cleaning leaves of it
	Tokens    []TextToken `json:"tokens"`
	Unknown   int         `json:"unknown"`    // tokens that are not in the vocabulary
	Decoded   string      `json:"decoded"`    // the tokens as text
	RoundTrip bool        `json:"round_trip"` // Decoded is Cleaned
}

// TextToken is one token.
type TextToken struct {
	ID   int32  `json:"id"`
	Text string `json:"text"` // bytes that are no whole characters as <0xF0>
}

// Tokenize shows how texts are cleaned and cut. The vocabulary is built from the training split of a config, found as Run
// finds it; or it is that of a run, found as OpenRun finds it, which takes no overrides. A name that fits both is the config's.
func Tokenize(ctx context.Context, configOrRun string, overrides, texts []string, log io.Writer) (*Tokenization, error) {
	c, tokenizer, err := findTokenizer(ctx, configOrRun, overrides, log)
	if err != nil {
		return nil, err
	}
	out := &Tokenization{Tokenizer: tokenizer.Kind(), Vocabulary: tokenizer.Size(), Hash: tokenizer.Hash(), Lossless: tokenizer.Lossless(),
		Texts: make([]TokenizedText, len(texts))}
	for n, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := TokenizedText{Text: strings.ToValidUTF8(text, "\uFFFD")}
		t.Cleaned, _ = dataset.Clean(text, c.Text.CleanSettings, c.Text.Unit)
		ids := tokenizer.Encode(t.Cleaned)
		t.Tokens = make([]TextToken, len(ids))
		for k, id := range ids {
			t.Tokens[k] = TextToken{id, tokenizer.Token(id)}
			if id == token.Unknown {
				t.Unknown++
			}
		}
		t.Decoded = tokenizer.Decode(ids)
		t.RoundTrip = t.Decoded == t.Cleaned
		out.Texts[n] = t
	}
	return out, nil
}

// findTokenizer loads a run's tokenizer, or makes that of a config.
func findTokenizer(ctx context.Context, configOrRun string, overrides []string, log io.Writer) (config.Config, token.Tokenizer, error) {
	path, noConfig := ConfigPath(configOrRun)
	if stat, err := os.Stat(configOrRun); noConfig != nil || err == nil && stat.IsDir() {
		run, err := OpenRun("", configOrRun)
		switch {
		case noConfig != nil && errors.Is(err, fs.ErrNotExist):
			return config.Config{}, nil, noConfig
		case err != nil:
			return config.Config{}, nil, err
		case len(overrides) > 0:
			return config.Config{}, nil, fmt.Errorf("%s is a run, whose vocabulary overrides can't change: %s", configOrRun, overrides[0])
		}
		return runTokenizer(run.folder)
	}
	c, err := config.Load(path, overrides)
	if err != nil {
		return config.Config{}, nil, err
	}
	t, err := trainTokenizer(ctx, c.Config, log)
	return c.Config, t, err
}

// runTokenizer is the tokenizer that a run saved.
func runTokenizer(folder *runfolder.Folder) (config.Config, token.Tokenizer, error) {
	c, err := ownConfig(folder, withoutVectors...)
	if err != nil {
		return config.Config{}, nil, err
	}
	t, _, err := readVocabulary(folder)
	return c.Config, t, err
}

// readVocabulary is the tokenizer that a run saved, and the file of it.
func readVocabulary(folder *runfolder.Folder) (token.Tokenizer, []byte, error) {
	path := folder.Path(runfolder.VocabularyFile)
	saved, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("the run has no vocabulary yet: %w", err)
	case err != nil:
		return nil, nil, fmt.Errorf("vocabulary: %w", err)
	}
	t, err := token.Load(bytes.NewReader(saved))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, saved, nil
}

// trainTokenizer makes the tokenizer of a config's training captions, which are read, or generated.
func trainTokenizer(ctx context.Context, c config.Config, log io.Writer) (token.Tokenizer, error) {
	settings := dataSettings(c)
	if err := dataset.Present(settings); err != nil {
		return nil, err
	}
	data, err := dataset.Load(ctx, settings, c.Text.CleanSettings, c.Text.Unit, checkout.At(c.Runtime.Cache), log)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil { // data that are at hand are loaded all the same
		return nil, err
	}
	t, err := token.Train(c.Text.Settings, (&experiment{data: data}).texts(dataset.Train))
	if err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	return t, nil
}

// describeTokens measures the tokenizer on the captions it was made of and on those it was not, for the report and run.json.
func (e *experiment) describeTokens() error {
	figures := map[string]float64{"vocabulary": float64(e.tokenizer.Size())}
	e.tokens = nil
	for _, split := range e.splits {
		s := token.Describe(e.tokenizer, e.texts(split))
		e.tokens = append(e.tokens, report.TokenRow{Split: split, TokensPerCaption: s.TokensPerCaption, Fertility: s.Fertility, UnknownRate: s.UnknownRate})
		figures[split+"_tokens_per_caption"], figures[split+"_tokens_per_word"] = s.TokensPerCaption, s.Fertility
		figures[split+"_unknown_rate"] = s.UnknownRate
	}
	return e.figures(figures)
}
