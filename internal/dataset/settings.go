package dataset

// Settings is the [data] section: which pictures and captions, and how they are split.
//
// The struct tags are read by package config: `default` is the value when the key is absent, `oneof` the
// values allowed, `min` and `max` the bounds (inclusive), `doc` the meaning shown by `captionlab config keys`.
type Settings struct {
	Format   string `toml:"format" default:"auto" oneof:"auto emojigram flickr8k flickr30k karpathy coco instagram instapic conceptual csv jsonl folder stamps" doc:"data set format; auto recognises it from the files below data.root, and is emojigram, which captionlab makes itself, when data.root names nothing"`
	Root     string `toml:"root" default:"" doc:"folder of the data set, or one of its caption files; unused by emojigram"`
	Captions string `toml:"captions" default:"" doc:"file with the captions, when it is not where its format has it; relative to data.root"`
	Images   string `toml:"images" default:"" doc:"folder of the pictures, when they are not where the format has them; relative to data.root"`
	Encoding string `toml:"encoding" default:"auto" oneof:"auto utf-8 cp949 windows-1252" doc:"encoding of the caption files; auto is UTF-8, UTF-16 with its byte order mark, or CP949 for lines that can only be that"`
	Restval  string `toml:"restval" default:"train" oneof:"train validation test drop" doc:"where Karpathy's JSON of COCO puts its split restval: most papers train on it too"`
	Manifest string `toml:"manifest" default:"" doc:"file of lines url<TAB>picture for Conceptual Captions; empty: manifest.tsv in data.root"`
	Language string `toml:"language" default:"en" doc:"language of the captions of stamps, which have many: de, fr, ja, pt_BR and so on"`

	Split            string    `toml:"split" default:"ratio" oneof:"official ratio file" refused:"caption: captions of one picture would fall into several splits, and what is measured would have been seen in training; split by picture" doc:"the data set's own split, a seeded split by image in the proportions of data.ratio, or the split that data.split_file names (never by caption: captions of one image would leak)"`
	SplitFile        string    `toml:"split_file" default:"" doc:"split.json of an earlier run, or a text or CSV file of picture,split, when data.split is file; relative to the working folder, to the checkout, or to data.root"`
	Ratio            []float64 `toml:"ratio" default:"[0.8, 0.1, 0.1]" doc:"shares of train, validation and test images when data.split is ratio; two values mean train and test, and validation is then the test share"`
	SplitSeed        int64     `toml:"split_seed" default:"1" doc:"seed of the ratio split, and of the subsets of data.limit, data.fraction and data.eval_limit"`
	Limit            int       `toml:"limit" default:"0" min:"0" doc:"use at most this many training images (0: all); subsets of one seed are nested"`
	Fraction         float64   `toml:"fraction" default:"1" min:"0" max:"1" doc:"use this share of the training images, in the same nested order as data.limit; of both, the smaller counts"`
	EvalLimit        int       `toml:"eval_limit" default:"0" min:"0" doc:"use at most this many images of each of the validation and test splits (0: all)"`
	CaptionsPerImage int       `toml:"captions_per_image" default:"0" min:"0" doc:"use at most this many captions an image, of every split: the references, too (0: all)"`

	Emojigram EmojigramSettings `toml:"emojigram"`
}

// EmojigramSettings is the [data.emojigram] section: the built-in, generated data set.
type EmojigramSettings struct {
	Images int     `toml:"images" default:"1000" min:"10" max:"1000000" doc:"pictures to generate; each has five captions"`
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
