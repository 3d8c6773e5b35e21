package decode

// Settings is the [decoding] section.
type Settings struct {
	Method    string   `toml:"method" default:"greedy" oneof:"greedy" doc:"how captions are generated"`
	MaxLength int      `toml:"max_length" default:"0" min:"0" max:"2000" doc:"longest generated caption in tokens (0: text.max_length)"`
	Batch     int      `toml:"batch" default:"100" min:"1" max:"65536" doc:"pictures a batch"`
	Splits    []string `toml:"splits" default:"[\"validation\", \"test\"]" oneof:"train validation test" doc:"splits whose pictures are captioned"`
}
