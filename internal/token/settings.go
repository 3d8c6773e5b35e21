package token

// Settings are the tokenizer keys of the [text] section.
type Settings struct {
	Tokenizer string `toml:"tokenizer" default:"char" oneof:"char word" doc:"what a token is"`
	Unit      string `toml:"unit" default:"grapheme" oneof:"codepoint grapheme" doc:"what a character is: a Unicode code point, or a grapheme cluster, which keeps emoji of several code points whole"`
	MinCount  int    `toml:"min_count" default:"1" min:"1" doc:"tokens seen less often than this in the training split become the unknown token"`
}
