package report

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPublished: the rows stand beside a run on the same data set alone, with the metrics that the run has, and say what
// is otherwise about them.
func TestPublished(t *testing.T) {
	const flickr8k = "[data]\nformat = \"flickr8k\"\nsplit = \"official\"\n"
	own := []System{{Name: "model", Scores: []Score{{Name: "bleu_1", Value: 0.553}, {Name: "chrf", Value: 0.4}, {Name: "cider", Value: 0.363}}}}
	for _, c := range []struct {
		reason, resolved, split string
		systems                 []System
		rows                    int
		want                    map[string]string // of a row, the whole of it
	}{
		{"another data set", "[data]\nformat = \"emojigram\"\n", "validation", own, 0, nil},
		{"nothing scored", flickr8k, "validation", nil, 0, nil},
		{"no metric in common", flickr8k, "validation", []System{{Scores: []Score{{Name: "chrf"}}}}, 0, nil},
		{"no TOML", "= =", "validation", own, 0, nil},
		{"other pictures, encoder and decoding", flickr8k + "[encoder]\nname = \"vgg16\"\nlayer = \"block5_pool\"\n[decoding]\nmethod = \"greedy\"\n", "validation", own, 12, map[string]string{
			"this run":                          "55.3 36.3 – (official validation; vgg16 block5_pool; greedy)",
			"Tanti, init":                       "61.1 48.1 ± 1.0 split (official test), encoder (vgg16 fc2), decoding (beam 3)",
			"Show and Tell (NIC)":               "63 – split (official test), encoder not known, decoding not known",
			"a person against the other four":   "64.7 82.0 split (official test), no model: mean of 5 persons, 4 references",
			"Keras, InceptionV3, 3 LSTM of 300": "61.8 41.5 split (official test), encoder (inceptionv3), decoding not known",
		}},
		{"the same conditions", flickr8k + "[encoder]\nname = \"vgg16\"\nlayer = \"fc2\"\n[decoding]\nmethod = \"beam\"\nbeam_width = 3\n", "test", own, 12, map[string]string{
			"Tanti, init": "61.1 48.1 ± 1.0 nothing",
			"Tanti, par":  "61.1 47.5 ± 0.4 decoding (beam 5)",
		}},
		{"the other direction, too", flickr8k + "[decoding]\nmethod = \"beam\"\nbeam_width = 3\ndirection = \"both\"\n", "test", own, 12, map[string]string{
			"Tanti, init": "61.1 48.1 ± 1.0 encoder (vgg16 fc2), decoding (beam 3)",
		}},
		{"only a metric that few rows have", flickr8k, "validation", []System{{Scores: []Score{{Name: "rouge_l", Value: 0.4}}}}, 6, nil},
	} {
		got, note := publishedTable(Data{Systems: c.systems, CaptionedSplit: c.split}, flatSettings(c.resolved))
		if len(got.Rows) != c.rows || (note != "") != (c.rows > 0) {
			t.Errorf("%s: %d rows, note %q", c.reason, len(got.Rows), note)
		}
		for _, r := range got.Rows {
			if len(r.Cells) != len(got.Columns) {
				t.Errorf("%s: row %q has %d cells of %d", c.reason, r.Cells, len(r.Cells), len(got.Columns))
			}
			if want, ok := c.want[r.Cells[0]]; ok && strings.Join(r.Cells[1:], " ") != want {
				t.Errorf("%s: %s is %q, want %q", c.reason, r.Cells[0], r.Cells[1:], want)
			}
			delete(c.want, r.Cells[0])
		}
		if len(c.want) > 0 {
			t.Errorf("%s: no row of %v", c.reason, c.want)
		}
	}
}

// TestPublishedRows: every score is a percentage of a metric that we know, BLEU falls with its order, and each row has a source.
func TestPublishedRows(t *testing.T) {
	for set, rows := range published {
		for _, r := range rows {
			if r.source == "" || r.references < 1 || len(r.scores) == 0 {
				t.Errorf("%s: %+v", set, r)
			}
			last := 100.0
			for _, name := range []string{"bleu_1", "bleu_2", "bleu_3", "bleu_4"} {
				if text := r.scores[name]; text != "" {
					value, err := strconv.ParseFloat(text, 64)
					if err != nil || value >= last || value < 1 {
						t.Errorf("%s: %s is %q (%v)", r.name, name, text, err)
					}
					last = value
				}
			}
			for name := range r.scores {
				if !slices.Contains([]string{"bleu_1", "bleu_2", "bleu_3", "bleu_4", "meteor", "rouge_l", "cider"}, name) || metricName(name) == name {
					t.Errorf("%s: %s", r.name, name)
				}
			}
		}
	}
}
