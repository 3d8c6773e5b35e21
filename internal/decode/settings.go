package decode

// Settings is the [decoding] section.
type Settings struct {
	Method    string   `toml:"method" default:"greedy" oneof:"greedy beam sample" doc:"how captions are generated: the most probable token at each step, beam search, or sampling"`
	MinLength int      `toml:"min_length" default:"0" min:"0" max:"2000" doc:"shortest generated caption in tokens"`
	MaxLength int      `toml:"max_length" default:"0" min:"0" max:"2000" doc:"longest generated caption in tokens (0: that of the longest training caption)"`
	Batch     int      `toml:"batch" default:"100" min:"1" max:"65536" doc:"pictures a batch"`
	Splits    []string `toml:"splits" default:"[\"validation\", \"test\"]" oneof:"train validation test" doc:"splits whose pictures are captioned"`

	Direction string `toml:"direction" default:"forward" oneof:"forward backward both" hash:"set" doc:"of a decoder with decoder.bidirectional: forward generates from left to right; backward from a caption's end to its start; both does each and takes the caption that its own direction finds more probable (Wang et al. 2016), by length_penalty too"`

	NoRepeat int `toml:"no_repeat_ngram" default:"0" min:"0" max:"20" doc:"no n-gram of this many tokens occurs twice in a caption (0: no such rule)"`

	BeamWidth     int     `toml:"beam_width" default:"3" min:"1" max:"1000" doc:"captions that beam search keeps at each step"`
	LengthPenalty float64 `toml:"length_penalty" default:"0" min:"0" max:"10" doc:"beam search ranks captions by log-probability / length^this (0: by log-probability, 1: by its mean a token)"`
	BeamGroups    int     `toml:"beam_groups" default:"1" min:"1" max:"1000" doc:"diverse beam search (Vijayakumar et al. 2018): groups that the beam is divided into; must divide beam_width"`
	Diversity     float64 `toml:"diversity" default:"0.5" min:"0" max:"100" doc:"diverse beam search: what a token loses for each time that earlier groups chose it at the same step"`

	Temperature float64 `toml:"temperature" default:"1" min:"0.01" max:"100" doc:"sampling: logits are divided by this"`
	TopK        int     `toml:"top_k" default:"0" min:"0" max:"100000" doc:"sampling: only among the k most probable tokens (0: all)"`
	TopP        float64 `toml:"top_p" default:"1" min:"0.001" max:"1" doc:"nucleus sampling (Holtzman et al. 2020): only among the most probable tokens that together reach this probability"`
	Seed        int64   `toml:"seed" default:"1" min:"1" doc:"sampling: seed of the random numbers"`
}
