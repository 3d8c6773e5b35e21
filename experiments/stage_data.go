package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
)

// loadData reads or generates the data set, splits and cleans it, and writes split.json.
func (e *experiment) loadData(ctx context.Context) error {
	text := e.config.Text
	data, err := dataset.Load(ctx, dataSettings(e.config), text.CleanSettings, text.Unit, e.cache, e.term)
	if err != nil {
		return err
	}
	e.data = data
	if slices.Contains(e.config.Evaluation.Metrics, "meteor") {
		if err := javaFound(); err != nil { // said before hours of training
			e.say("warning: evaluation.metrics: %v: it will be left out", err)
		}
	}
	split := runfolder.Split{Hash: data.Hash, Splits: map[string][]string{}}
	for _, name := range []string{dataset.Train, dataset.Validation, dataset.Test} {
		if len(data.Splits[name]) == 0 {
			continue
		}
		e.splits = append(e.splits, name)
		for _, n := range data.Splits[name] {
			split.Splits[name] = append(split.Splits[name], data.Examples[n].ID)
		}
		e.say("%s: %d pictures, %d captions", name, len(data.Splits[name]), e.countCaptions(name))
	}
	for _, required := range []string{dataset.Train, dataset.Validation} {
		if !slices.Contains(e.splits, required) {
			return fmt.Errorf("the data set has no picture in the %s split%s", required, problemTail(data.Problems))
		}
	}
	for _, p := range data.Problems[:min(len(data.Problems), problemsShown)] {
		e.say("data: %s", p)
	}
	if n := len(data.Problems) - problemsShown; n > 0 {
		e.say("data: %d more remarks on rows that were repaired or dropped", n)
	}
	if err := e.unchanged("data", data.Hash, "the data set is not the one"); err != nil {
		return err
	}
	return e.folder.WriteJSON(runfolder.SplitFile, split)
}

// errNotAsBegun says that something which a run is made from has changed since it began.
var errNotAsBegun = errors.New("that this run began with")

// unchanged notes the hash of something that the run is made from, or refuses what is not what a resumed run began with (errNotAsBegun).
func (e *experiment) unchanged(name, hash, refusal string) error {
	info, err := e.folder.Info()
	if err != nil {
		return err
	}
	if err := asBegun(info, name, hash, refusal); err != nil {
		return err
	}
	return e.folder.Update(func(i *runfolder.Info) { i.Hashes[name] = hash })
}

// asBegun refuses a hash that isn't the one that a run noted (errNotAsBegun).
func asBegun(info runfolder.Info, name, hash, refusal string) error {
	if before := info.Hashes[name]; before != "" && before != hash {
		return fmt.Errorf("%s %w: SHA-256 %.16s…, then %.16s…", refusal, errNotAsBegun, hash, before)
	}
	return nil
}

// problemsShown is how many of the data set's problems the terminal and the report list.
const problemsShown = 10

func problemTail(problems []dataset.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf("; first problem: %s", problems[0])
}

func (e *experiment) countCaptions(split string) int {
	n := 0
	for range e.texts(split) {
		n++
	}
	return n
}

// texts yields the cleaned captions of a split.
func (e *experiment) texts(split string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, n := range e.data.Splits[split] {
			for _, c := range e.data.Examples[n].Captions {
				if !yield(c.Text) {
					return
				}
			}
		}
	}
}

// characters counts what nats a character divides by: each caption's characters and one for its end.
func (e *experiment) characters(split string) int {
	n := 0
	for text := range e.texts(split) {
		n += len(token.Units(text, e.config.Text.Unit)) + 1
	}
	return n
}

// tokenize builds the vocabulary from the training split, or loads that of the run being resumed.
func (e *experiment) tokenize(context.Context) error {
	var err error
	e.tokenizer, _, err = readVocabulary(e.folder)
	if errors.Is(err, fs.ErrNotExist) {
		if e.tokenizer, err = token.Train(e.config.Text.Settings, e.texts(dataset.Train)); err != nil {
			return fmt.Errorf("vocabulary: %w", err)
		}
		var b bytes.Buffer
		err = errors.Join(e.tokenizer.Save(&b), e.folder.WriteFile(runfolder.VocabularyFile, b.Bytes()))
	}
	if err != nil {
		return err
	}
	if err := e.unchanged("vocabulary", e.tokenizer.Hash(), runfolder.VocabularyFile+" is not the vocabulary"); err != nil {
		return err
	}
	empty := 0
	for text := range e.texts(dataset.Train) {
		tokens := len(e.tokenizer.Encode(text))
		e.maxTokens = max(e.maxTokens, tokens) // text.max_length counts characters, whatever a token is
		if tokens == 0 {
			empty++
		}
	}
	if err := e.describeTokens(); err != nil {
		return err
	}
	e.say("vocabulary: %d tokens; %.1f tokens a caption, at most %d", e.tokenizer.Size(), e.tokens[0].TokensPerCaption, e.maxTokens)
	if d := e.config.Decoding; d.MaxLength == 0 && d.MinLength > e.maxTokens {
		e.say("warning: decoding.min_length = %d is above %d, the longest training caption's tokens, which captions don't exceed without decoding.max_length", d.MinLength, e.maxTokens)
	}
	if empty > 0 {
		e.say("warning: %d of %d training captions have no token by text.tokenizer = %q, as those of emoji or punctuation alone: they train nothing but the end of a caption",
			empty, e.countCaptions(dataset.Train), e.config.Text.Tokenizer)
	}
	return e.figures(map[string]float64{longestCaption: float64(e.maxTokens)})
}

// longestCaption is the figure that bounds generated captions, also those of other pictures, later.
const longestCaption = "longest_training_caption_tokens"
