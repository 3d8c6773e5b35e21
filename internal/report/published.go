package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// publishedRow is a system's scores in a paper or a tutorial, in percent as printed there. What the source does not say is
// empty.
type publishedRow struct {
	name, source string
	encoder      string // as encoder.name and, where known, encoder.layer
	decoding     string // as decoding.method and width
	references   int
	scores       map[string]string
}

// scoresOf are scores by their metrics' names, in the order BLEU-1 to 4, METEOR, ROUGE-L, CIDEr; "" where none is given.
func scoresOf(values ...string) map[string]string {
	scores := map[string]string{}
	for n, name := range []string{"bleu_1", "bleu_2", "bleu_3", "bleu_4", "meteor", "rouge_l", "cider"} {
		if n < len(values) && values[n] != "" {
			scores[name] = values[n]
		}
	}
	return scores
}

// person stands for encoder and decoding where no model spoke.
const person = "a person"

// The sources of the rows.
const (
	tanti    = "Tanti, Gatt, Camilleri 2018, Where to put the image in an image caption generator (means of 3 runs; CIDEr ± deviation)"
	nic      = "Vinyals et al. 2015, Show and Tell"
	brnn     = "Karpathy, Fei-Fei 2015, Deep visual-semantic alignments"
	sat      = "Xu et al. 2015, Show, Attend and Tell"
	danieljl = "danieljl/keras-image-captioning, README"
	tutorial = "Brownlee 2017, How to develop a deep learning photo caption generator (Keras)"
)

// published are rows by data set: all on 1,000 test pictures of Flickr8k.
var published = map[string][]publishedRow{
	"flickr8k": {
		{"Tanti, init", tanti, "vgg16 fc2", "beam 3", 5, scoresOf("61.1", "42.4", "28.5", "19.1", "19.4", "44.5", "48.1 ± 1.0")},
		{"Tanti, pre", tanti, "vgg16 fc2", "beam 3", 5, scoresOf("60.9", "42.1", "28.5", "19.0", "19.1", "44.4", "46.9 ± 0.9")},
		{"Tanti, par", tanti, "vgg16 fc2", "beam 5", 5, scoresOf("61.1", "42.4", "28.7", "19.1", "19.3", "44.8", "47.5 ± 0.4")},
		{"Tanti, merge", tanti, "vgg16 fc2", "beam 3", 5, scoresOf("60.0", "41.3", "27.3", "17.8", "19.3", "44.4", "46.9 ± 1.5")},
		{"Show and Tell (NIC)", nic, "", "", 5, scoresOf("63", "41", "27")},
		{"Karpathy, BRNN", brnn, "", "", 5, scoresOf("57.9", "38.3", "24.5", "16.0")},
		{"Show, Attend and Tell, soft", sat, "vgg19 block5_conv4", "", 5, scoresOf("67", "44.8", "29.9", "19.5", "18.93")},
		{"Show, Attend and Tell, hard", sat, "vgg19 block5_conv4", "", 5, scoresOf("67", "45.7", "31.4", "21.3", "20.30")},
		{"Keras, InceptionV3, 3 LSTM of 300", danieljl, "inceptionv3", "", 5, scoresOf("61.8", "40.8", "27.8", "19.0", "21.5", "", "41.5")},
		{"Keras merge tutorial", tutorial, "vgg16 fc2", "greedy", 5, scoresOf("57.9", "34.5", "25.2", "13.1")},
		{"a person against the other four", tanti, person, person, 4, scoresOf("64.7", "45.7", "31.4", "21.0", "25.5", "49.5", "82.0")},
	},
}

// conditions are what a run's scores depend on besides the model.
type conditions struct {
	split, encoder, decoding string
	subset                   []string // the keys by which not all of the data is used
}

// differs names what a published row has otherwise; what its source does not say is named too.
func (c conditions) differs(r publishedRow) string {
	var what []string
	add := func(name, theirs, mine string) {
		switch {
		case theirs == "":
			what = append(what, name+" not known")
		case theirs != mine:
			what = append(what, fmt.Sprintf("%s (%s)", name, theirs))
		}
	}
	add("split", officialTest, c.split)
	if r.encoder == person {
		what = append(what, "no model: mean of 5 persons")
	} else {
		add("encoder", r.encoder, c.encoder)
		add("decoding", r.decoding, c.decoding)
	}
	for _, key := range c.subset {
		what = append(what, key+" (all)")
	}
	if r.references != 5 {
		what = append(what, english.Plural(r.references, "reference", ""))
	}
	if len(what) == 0 {
		return "nothing"
	}
	return strings.Join(what, ", ")
}

// officialTest is the split of the published rows.
const officialTest = "official test"

// publishedTable holds the run's scores against published ones on the same data, where there are any.
func publishedTable(d Data, settings map[string]string) (table, string) {
	t := table{Caption: "Published scores on the same data set (in percent)", Columns: []column{{Name: "System"}}}
	rows := published[strings.Trim(settings["data.format"], `"`)]
	if len(d.Systems) == 0 || len(rows) == 0 {
		return t, ""
	}
	var names []string
	for _, s := range d.Systems[0].Scores {
		if slices.ContainsFunc(rows, func(r publishedRow) bool { return r.scores[s.Name] != "" }) {
			names = append(names, s.Name)
			t.Columns = append(t.Columns, column{Name: metricName(s.Name), Number: true})
		}
	}
	if len(names) == 0 {
		return t, ""
	}
	t.Columns = append(t.Columns, column{Name: "What differs from this run"})
	c := runConditions(d, settings)
	cells := []string{"this run"}
	for _, s := range d.Systems[0].Scores {
		if slices.Contains(names, s.Name) {
			cells = append(cells, fixed(100*s.Value, 1))
		}
	}
	t.row(append(cells, fmt.Sprintf("– (%s; %s; %s)", c.split, c.encoder, c.decoding))...)
	note := addPublished(&t, rows, names, c)
	return t, note
}

// addPublished adds the rows that have one of the metrics, and returns the note that goes with them.
func addPublished(t *table, rows []publishedRow, names []string, c conditions) string {
	var sources []string
	for _, r := range rows {
		cells, any := []string{r.name}, false
		for _, name := range names {
			value := r.scores[name]
			any = any || value != ""
			if value == "" {
				value = missing
			}
			cells = append(cells, value)
		}
		if !any {
			continue
		}
		t.row(append(cells, c.differs(r))...)
		if !slices.Contains(sources, r.source) {
			sources = append(sources, r.source)
		}
	}
	return "Published rows are of the 1,000 official test pictures. Tanti et al.'s seeds deviate by 0.4 to 1.5 points of CIDEr, other models' by more: " +
		"single runs that differ by less than three deviations say nothing. Sources: " + strings.Join(sources, "; ") + "."
}

// runConditions are this run's.
func runConditions(d Data, settings map[string]string) conditions {
	return settingsConditions(d.CaptionedSplit, settings)
}

// settingsConditions are those of the captions of a split.
func settingsConditions(split string, settings map[string]string) conditions {
	value := func(key string) string { return strings.Trim(settings[key], `"`) }
	c := conditions{split: split, encoder: strings.TrimSpace(value("encoder.name") + " " + value("encoder.layer")), decoding: value("decoding.method")}
	if value("data.split") != "" {
		c.split = value("data.split") + " " + c.split
	}
	if c.decoding == "beam" {
		c.decoding += " " + settings["decoding.beam_width"]
	}
	for _, k := range []struct{ key, all string }{{"data.captions_per_image", "0"}, {"data.eval_limit", "0"}, {"data.fraction", "1.0"}, {"data.limit", "0"}} {
		if given, ok := settings[k.key]; ok && given != k.all {
			c.subset = append(c.subset, k.key)
		}
	}
	switch direction := value("decoding.direction"); direction {
	case "backward":
		c.decoding += ", backward"
	case "both":
		c.decoding += ", both directions"
	}
	return c
}
