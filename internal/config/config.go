// Package config loads one experiment's TOML file strictly and composes the settings of every component.
package config

import (
	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// Config is one run.
type Config struct {
	Extends    string           `toml:"extends" default:"" doc:"another config, relative to this file, whose keys this one overrides"`
	Experiment Experiment       `toml:"experiment"`
	Data       dataset.Settings `toml:"data"`
	Text       Text             `toml:"text"`
	Encoder    encoder.Settings `toml:"encoder"`
	Decoder    model.Settings   `toml:"decoder"`
	Training   train.Settings   `toml:"training"`
	Decoding   decode.Settings  `toml:"decoding"`
	Evaluation Evaluation       `toml:"evaluation"`
	Ensemble   Ensemble         `toml:"ensemble"`
	Runtime    Runtime          `toml:"runtime"`
	Slurm      slurm.Settings   `toml:"slurm"`
}

// Experiment is the [experiment] section.
type Experiment struct {
	Name        string `toml:"name" default:"experiment" doc:"short name; part of the run folder's name (letters, digits, -, _ and .)"`
	Description string `toml:"description" default:"" doc:"the question this run answers; shown in the report"`
}

// Text is the [text] section: cleaning and tokenization.
type Text struct {
	dataset.CleanSettings
	token.Settings
}

// Evaluation is the [evaluation] section.
type Evaluation struct {
	Controls   []string `toml:"controls" default:"[\"zeroed\", \"shuffled\"]" oneof:"zeroed shuffled blind" doc:"teacher-forced controls: the trained model with zeroed features, with another picture's features (shuffled), and blind: a second model trained without the picture"`
	Gallery    int      `toml:"gallery" default:"24" min:"0" max:"500" doc:"pictures in the report's gallery"`
	Confusion  int      `toml:"confusion_tokens" default:"30" min:"2" max:"200" doc:"tokens with a row of their own in the confusion matrix of tokens, the most frequent ones"`
	Retrieval  int      `toml:"retrieval" default:"100" min:"0" max:"5000" doc:"validation pictures among which captions look for theirs by likelihood; the work grows with its square (0: none)"`
	Metrics    []string `toml:"metrics" default:"[\"bleu\", \"rouge_l\", \"cider\", \"chrf\"]" oneof:"bleu meteor rouge_l cider cider_d cider_plain chrf" doc:"metrics of the validation captions (decoding.splits) and of the captions beside them; meteor needs Java and fetches its jar (68 MB)"`
	References string   `toml:"references" default:"raw" oneof:"raw cleaned" doc:"what captions are scored against: the captions as the data set has them, or cleaned and cut as the model saw them; training.select and scst_epochs go by these, too"`
}

// Ensemble is the [ensemble] section: nothing is trained, finished runs are decoded together.
type Ensemble struct {
	Runs []string `toml:"runs" default:"[]" hash:"set" doc:"run folders whose models are decoded together instead of training one: the probability of a token is the mean of theirs at every step; they must have the same vocabulary, features and splits (captionlab ensemble fills this in); of [decoder] and [training] nothing is used then"`
}

// Runtime is the [runtime] section.
type Runtime struct {
	accel.Settings
	Cache       string `toml:"cache" default:".cache" doc:"folder for downloads, generated pictures and features, relative to the checkout"`
	Results     string `toml:"results" default:"results" doc:"folder that receives the run folders, relative to the checkout"`
	TensorBoard bool   `toml:"tensorboard" default:"true" doc:"write TensorBoard event files into the run folder, as the run goes"`
}
