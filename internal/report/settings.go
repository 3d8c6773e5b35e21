package report

import (
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// choice is one line of the ledger: something that the paper leaves open, and the keys that decide it.
type choice struct {
	question string
	keys     []string
}

// ledger lists the open choices in the README's order.
var ledger = []choice{
	{"Image encoder and its layer", []string{"encoder.name", "encoder.layer", "encoder.pooling"}},
	{"Scaling of the features", []string{"encoder.normalize"}},
	{"Where the image enters the decoder", []string{"decoder.inject"}},
	{"How long training lasts (“150 iterations”, batch 50)", []string{"training.epochs", "training.batch", "training.patience"}},
	{"Training examples: whole captions or character pairs", []string{"training.examples"}},
	{"Padding in loss and accuracy", []string{"training.padding"}},
	{"What a token and a character are", []string{"text.tokenizer", "text.unit"}},
	{"Captions that are too long", []string{"text.max_length", "text.over_length"}},
	{"Split by picture", []string{"data.split", "data.ratio"}},
	{"Optimiser", []string{"training.optimizer", "training.learning_rate", "training.schedule", "training.clip_norm"}},
	{"Sizes and dropout", []string{"decoder.units", "decoder.embedding", "decoder.dropout"}},
	{"Decoding", []string{"decoding.method", "decoding.beam_width", "decoding.length_penalty"}},
}

// settingsTables reads the resolved config: the ledger's choices, and every key by section. When the text is not
// TOML, raw is the text.
func settingsTables(resolved string) (choices, settings table, raw string) {
	if strings.TrimSpace(resolved) == "" {
		return
	}
	var values map[string]any
	meta, err := toml.Decode(resolved, &values)
	if err != nil {
		return table{}, table{}, resolved
	}
	flat := map[string]string{}
	settings = table{Caption: "Every key as resolved", Columns: []column{{Name: "Key", Code: true}, {Name: "Value", Code: true}}}
	section := ""
	for _, key := range meta.Keys() {
		value, ok := lookup(values, key)
		if !ok {
			continue
		}
		flat[key.String()] = value
		if s := key[:len(key)-1].String(); s != section {
			settings.group("[" + s + "]")
			section = s
		}
		settings.row(key[len(key)-1], value)
	}
	choices = table{Caption: "Choices that the paper leaves open, as this run made them", Columns: []column{
		{Name: "Choice"}, {Name: "Here", Code: true},
	}}
	for _, c := range ledger {
		var made []string
		for _, key := range c.keys {
			if value, ok := flat[key]; ok {
				made = append(made, key+" = "+value)
			}
		}
		if len(made) > 0 {
			choices.row(c.question, strings.Join(made, "\n"))
		}
	}
	return choices, settings, ""
}

// flatSettings are the values of a resolved config by their path, as TOML writes them; none where it is not TOML.
func flatSettings(resolved string) map[string]string {
	settings, _ := runfolder.Flat(resolved)
	return settings
}

// lookup finds a key's value, as TOML writes it; ok is false for tables.
func lookup(values map[string]any, key toml.Key) (text string, ok bool) {
	var v any = values
	for _, name := range key {
		m, isTable := v.(map[string]any)
		if !isTable {
			return "", false
		}
		v = m[name]
	}
	if _, isTable := v.(map[string]any); isTable {
		return "", false
	}
	return runfolder.Literal(v), true
}
