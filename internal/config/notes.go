package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/study"
)

// Note says of a key that a config gives what its author may not expect: that it has no effect, or that another key loses its own.
// The config can be run.
type Note struct{ Key, Text string }

func (n Note) String() string { return n.Key + ": " + n.Text }

// idle are keys that mean something only beside some values of another key.
type idle struct {
	keys   []string // a section with a dot after it stands for all its keys
	beside string
	when   func(Config) bool // they have no effect
}

// idles follow what the keys' meanings say.
var idles = []idle{
	{[]string{"data.emojigram."}, "data.format", func(c Config) bool { return !emojigram(c) }},
	{[]string{"data.encoding", "data.restval", "data.manifest", "data.language"}, "data.format", emojigram},
	{[]string{"data.restval"}, "data.format", func(c Config) bool { return !slices.Contains([]string{"auto", "karpathy"}, c.Data.Format) }},
	{[]string{"data.restval"}, "data.split", func(c Config) bool { return c.Data.Restval != "drop" && c.Data.Split != "official" }},
	{[]string{"data.manifest"}, "data.format", func(c Config) bool { return !slices.Contains([]string{"auto", "conceptual"}, c.Data.Format) }},
	{[]string{"data.language"}, "data.format", func(c Config) bool { return !slices.Contains([]string{"auto", "stamps"}, c.Data.Format) }},
	{[]string{"data.captions"}, "data.format", func(c Config) bool { return c.Data.Format == "stamps" }},
	{[]string{"data.ratio"}, "data.split", func(c Config) bool { return c.Data.Split != "ratio" }},
	{[]string{"data.split_seed"}, "data.split", func(c Config) bool {
		return c.Data.Split != "ratio" && c.Data.Limit == 0 && c.Data.Fraction == 1 && c.Data.EvalLimit == 0
	}},

	{[]string{"text.min_count", "text.max_vocabulary"}, "text.tokenizer", func(c Config) bool { return c.Text.Tokenizer == "byte" }},
	{[]string{"text.words."}, "text.tokenizer", func(c Config) bool { return c.Text.Tokenizer != "word" && c.Text.Tokenizer != "ptb" }},
	{[]string{"text.words.lowercase"}, "text.tokenizer", func(c Config) bool { return c.Text.Tokenizer == "ptb" }},

	{[]string{"encoder.size", "encoder.blocks", "encoder.channels"}, "encoder.name", func(c Config) bool { return c.Encoder.Name != "cnn" }},
	{[]string{"encoder.sources"}, "encoder.name", func(c Config) bool { return c.Encoder.Name == "cnn" || c.Encoder.Name == "onnx" }},
	{[]string{"encoder.sources"}, "encoder.weights", func(c Config) bool { return c.Encoder.Weights != "" }},

	{[]string{"decoder.reset_after"}, "decoder.name", func(c Config) bool { return c.Decoder.Name != "gru" }},
	{[]string{"decoder.inject"}, "decoder.name", func(c Config) bool { return c.Decoder.Name == "attention" }},
	{[]string{"decoder.attention_units", "decoder.attention_penalty", "decoder.attention_output"}, "decoder.name", func(c Config) bool { return c.Decoder.Name != "attention" }},
	{[]string{"decoder.dropout_on"}, "decoder.dropout", func(c Config) bool { return c.Decoder.Dropout == 0 }},
	{[]string{"decoder.initializer_scale"}, "decoder.initializer", func(c Config) bool { return c.Decoder.Initializer != "uniform" && c.Decoder.Initializer != "normal" }},
	{[]string{"decoder.initializer_clip"}, "decoder.initializer", func(c Config) bool { return c.Decoder.Initializer == "keras" }},

	{[]string{"training.beta1", "training.beta2"}, "training.optimizer", func(c Config) bool { return !strings.HasPrefix(c.Training.Optimizer, "adam") }},
	{[]string{"training.epsilon"}, "training.optimizer", func(c Config) bool { return c.Training.Optimizer == "sgd" }},
	{[]string{"training.momentum"}, "training.optimizer", func(c Config) bool { return strings.HasPrefix(c.Training.Optimizer, "adam") }},
	{[]string{"training.rmsprop_decay"}, "training.optimizer", func(c Config) bool { return c.Training.Optimizer != "rmsprop" }},
	{[]string{"training.weight_decay"}, "training.optimizer", func(c Config) bool { return c.Training.Optimizer != "adamw" }},
	{[]string{"training.schedule_epochs", "training.schedule_factor"}, "training.schedule", func(c Config) bool { return c.Training.Schedule != "step" && c.Training.Schedule != "plateau" }},
	{[]string{"training.min_learning_rate"}, "training.schedule", func(c Config) bool { return c.Training.Schedule == "constant" }},
	{[]string{"training.ema_decay"}, "training.averaging", func(c Config) bool { return c.Training.Averaging != "ema" }},
	{[]string{"training.sampling_constant", "training.sampling_floor"}, "training.scheduled_sampling", func(c Config) bool { return c.Training.Sampling == "none" }},
	{[]string{"training.scst_samples", "training.scst_learning_rate"}, "training.scst_epochs", func(c Config) bool { return c.Training.SCSTEpochs == 0 }},

	{[]string{"decoding.beam_width", "decoding.beam_groups"}, "decoding.method", func(c Config) bool { return c.Decoding.Method != "beam" }},
	{[]string{"decoding.length_penalty"}, "decoding.method", func(c Config) bool { return c.Decoding.Method != "beam" && c.Decoding.Direction != "both" }},
	{[]string{"decoding.diversity"}, "decoding.beam_groups", func(c Config) bool { return c.Decoding.Method != "beam" || c.Decoding.BeamGroups == 1 }},
	{[]string{"decoding.temperature", "decoding.top_k", "decoding.top_p", "decoding.seed"}, "decoding.method", func(c Config) bool { return c.Decoding.Method != "sample" }},
}

// emojigram tells that the data set is the one that captionlab makes itself.
func emojigram(c Config) bool {
	return c.Data.Format == "emojigram" || c.Data.Format == "auto" && c.Data.Root == ""
}

// notes are of the keys that the config itself, an override or a study gives, in their order. What a config extends may hold keys for
// other settings than its own.
func (l *loader) notes() (notes []Note) {
	c := l.config
	for _, f := range l.fields {
		from, given := l.origin[f.Path()]
		if !given || from.source.file && from.source.rank > 0 || literal(l.value(f).Interface()) == f.Default {
			continue
		}
		for _, i := range idles {
			named := slices.ContainsFunc(i.keys, func(key string) bool {
				return key == f.Path() || strings.HasSuffix(key, ".") && strings.HasPrefix(f.Path(), key)
			})
			if named && i.when(c) {
				notes = append(notes, Note{f.Path(), fmt.Sprintf("has no effect beside %s = %s", i.beside, literal(l.value(l.byPath[i.beside]).Interface()))})
				break
			}
		}
	}
	add := func(key, format string, args ...any) { notes = append(notes, Note{key, fmt.Sprintf(format, args...)}) }
	t := c.Training
	if t.EncoderFromEpoch > t.TotalEpochs() { // checkTrained has seen that there are layers to train
		add("training.encoder_from_epoch", "is after the last epoch, %d: the encoder is not trained", t.TotalEpochs())
	}
	if (t.Schedule == "step" || t.Schedule == "plateau") && t.ScheduleEpochs >= t.Epochs {
		add("training.schedule_epochs", "with %d epochs in all the learning rate never falls", t.Epochs)
	}
	if !slices.Contains(c.Decoding.Splits, "validation") {
		add("decoding.splits", "lacks validation, whose captions evaluation.metrics and the report's warnings are of: there will be none")
	}
	return notes
}

// Notes are of the axes that change nothing in some cells, and of other keys where they are given in vain in every one.
func (s *Study) Notes() (notes []string) {
	cells, ofKey := map[Note]int{}, map[string]int{}
	for _, c := range s.Configs {
		for _, n := range c.Notes {
			cells[n]++
			ofKey[n.Key]++
		}
	}
	for n, count := range cells {
		isAxis := slices.ContainsFunc(s.Axes, func(a study.Axis) bool { return a.Key == n.Key })
		switch {
		case isAxis || ofKey[n.Key] == len(s.Configs) && count < len(s.Configs):
			notes = append(notes, fmt.Sprintf("%s, in %d of %d cells", n, count, len(s.Configs)))
		case count == len(s.Configs):
			notes = append(notes, n.String())
		}
	}
	slices.Sort(notes)
	return notes
}
