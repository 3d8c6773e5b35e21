package dataset

// Settings is the [data] section: which pictures and captions, and how they are split.
//
// The struct tags are read by package config: `default` is the value when the key is absent, `oneof` the
// values allowed, `min` and `max` the bounds (inclusive), `doc` the meaning shown by `captionlab config keys`.
type Settings struct {
	Format string `toml:"format" default:"emojigram" oneof:"emojigram flickr8k instagram" doc:"data set format: emojigram is made by captionlab itself, flickr8k and instagram are read from data.root"`
	Root   string `toml:"root" default:"" doc:"folder of the data set; unused by emojigram"`

	Split            string    `toml:"split" default:"ratio" oneof:"official ratio" doc:"official split files, or a seeded split by image in the proportions of data.ratio (never by caption: captions of one image would leak)"`
	Ratio            []float64 `toml:"ratio" default:"[0.8, 0.1, 0.1]" doc:"shares of train, validation and test images when data.split is ratio; two values mean train and test, and validation is then the test share"`
	SplitSeed        int64     `toml:"split_seed" default:"1" doc:"seed of the ratio split"`
	Limit            int       `toml:"limit" default:"0" min:"0" doc:"use at most this many training images (0: all); subsets of one seed are nested"`
	EvalLimit        int       `toml:"eval_limit" default:"0" min:"0" doc:"use at most this many images of each of the validation and test splits (0: all)"`
	CaptionsPerImage int       `toml:"captions_per_image" default:"0" min:"0" doc:"use at most this many captions an image (0: all)"`

	Emojigram EmojigramSettings `toml:"emojigram"`
}

// EmojigramSettings is the [data.emojigram] section: the built-in, generated data set.
type EmojigramSettings struct {
	Images int     `toml:"images" default:"1000" min:"10" doc:"pictures to generate; each has five captions"`
	Size   int     `toml:"size" default:"224" min:"64" max:"1024" doc:"side of the square pictures in pixels"`
	Seed   int64   `toml:"seed" default:"1" doc:"seed of pictures and captions"`
	Dirt   float64 `toml:"dirt" default:"0.3" min:"0" max:"1" doc:"share of captions that carry the dirt of real posts: hashtags, @tags, links, repeated punctuation, truncated words"`
}

// CleanSettings are the cleaning keys of the [text] section.
type CleanSettings struct {
	Hashtags   string `toml:"hashtags" default:"remove" oneof:"remove keep" doc:"what happens to #hashtags"`
	UserTags   string `toml:"user_tags" default:"remove" oneof:"remove keep" doc:"what happens to @user tags"`
	Links      string `toml:"links" default:"remove" oneof:"remove keep" doc:"what happens to links"`
	Whitespace string `toml:"whitespace" default:"collapse" oneof:"collapse keep" doc:"collapse runs of whitespace and trim, or keep them"`
	Control    string `toml:"control" default:"remove" oneof:"remove keep" doc:"what happens to control characters"`
	Lowercase  bool   `toml:"lowercase" default:"false" doc:"lower-case the captions"`
	MaxLength  int    `toml:"max_length" default:"80" min:"1" max:"2000" doc:"longest caption in characters (text.unit), for the word tokenizer too"`
	OverLength string `toml:"over_length" default:"truncate" oneof:"truncate drop" doc:"captions over text.max_length are truncated or dropped"`
}
