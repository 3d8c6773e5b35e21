package token

import (
	"fmt"

	"github.com/captionlab/captionlab/internal/setting"
)

// Settings are the tokenizer keys of the [text] section.
type Settings struct {
	Tokenizer string `toml:"tokenizer" default:"char" oneof:"bpe byte char ptb word" doc:"what a token is: a character, a word, a word as coco-caption's Penn Treebank tokenization cuts it (ptb), a byte, or a piece of byte-pair encoding (bpe)"`
	Unit      string `toml:"unit" default:"grapheme" oneof:"codepoint grapheme" doc:"what a character is: a Unicode code point, or a grapheme cluster, which keeps emoji of several code points whole"`
	MinCount  int    `toml:"min_count" default:"1" min:"1" doc:"tokens seen less often than this in the training split become the unknown token; bpe merges no pair seen less often, byte has all 256"`
	MaxSize   int    `toml:"max_vocabulary" default:"0" min:"0" doc:"largest vocabulary, the four special tokens included (0: no limit): the most frequent tokens stay; bpe merges until it has so many (its 256 bytes count)"`

	Words WordSettings `toml:"words"`
}

// WordSettings are the [text.words] section: how the word tokenizers cut.
type WordSettings struct {
	Lowercase   bool   `toml:"lowercase" json:"lowercase" default:"true" doc:"word tokens are in lower case (ptb's always are)"`
	Punctuation string `toml:"punctuation" json:"punctuation" default:"drop" oneof:"drop keep" doc:"punctuation and symbols are left out of word and ptb tokens, or kept, each sign a token"`
	Emoji       string `toml:"emoji" json:"emoji" default:"drop" oneof:"drop keep" doc:"emoji are left out of word tokens, or kept, each a word of its own, whole"`
}

// defaultWords are what the tags say, and what a vocabulary file without settings of words means.
var defaultWords = WordSettings{Lowercase: true, Punctuation: drop, Emoji: drop}

const (
	drop = "drop"
	keep = "keep"
)

// Check refuses settings that don't go together.
func (s Settings) Check() (problems setting.Problems) {
	smallest, what := int(specials)+1, "one token and 4 special ones"
	switch {
	case s.MaxSize == 0 || s.Tokenizer == "byte":
		return nil
	case s.Tokenizer == "bpe":
		smallest, what = byteLevelSize, "256 bytes and 4 special tokens"
	}
	if s.MaxSize < smallest {
		problems.Refuse([]string{"text.max_vocabulary", "text.tokenizer"}, "text.max_vocabulary = %d is too small for tokenizer %q: expected at least %d, %s", s.MaxSize, s.Tokenizer, smallest, what)
	}
	return problems
}

// valid refuses values that a config can't have, in a vocabulary file that was edited.
func (s WordSettings) valid() error {
	for name, value := range map[string]string{"punctuation": s.Punctuation, "emoji": s.Emoji} {
		if value != drop && value != keep {
			return fmt.Errorf("words.%s of the vocabulary is %q; known are drop, keep", name, value)
		}
	}
	return nil
}
