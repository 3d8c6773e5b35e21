package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNotes: a key that a config or an override gives in vain is named with the one that makes it so. A key at its default, one that
// has its effect, and what the config extends say nothing.
func TestNotes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "base.toml"), "[decoding]\nbeam_width = 7\n[training]\nmomentum = 0.9\n")
	for _, c := range []struct {
		text      string
		overrides []string
		want      []string
	}{
		{"", nil, nil},
		{"extends = 'base.toml'", nil, nil},
		{"[decoding]\nbeam_width = 5", nil, []string{`decoding.beam_width: has no effect beside decoding.method = "greedy"`}},
		{"[decoding]\nbeam_width = 5", []string{"decoding.method=beam"}, nil},
		{"[decoding]\nmethod = 'beam'", []string{"decoding.method=greedy", "decoding.beam_width=5"}, []string{`decoding.beam_width: has no effect beside decoding.method = "greedy"`}},
		{"[training]\nmomentum = 0.9", nil, []string{`training.momentum: has no effect beside training.optimizer = "adam"`}},
		{"[text]\ntokenizer = 'byte'\nmin_count = 5", nil, []string{`text.min_count: has no effect beside text.tokenizer = "byte"`}},
		{"[text.words]\nemoji = 'keep'", nil, []string{`text.words.emoji: has no effect beside text.tokenizer = "char"`}},
		{"[data.emojigram]\nimages = 50", []string{"data.root=" + dir}, []string{`data.emojigram.images: has no effect beside data.format = "auto"`}},
		{"[training]\nschedule = 'step'", []string{"training.epochs=5"}, []string{"training.schedule_epochs: with 5 epochs in all the learning rate never falls"}},
		{"[encoder]\nname = 'cnn'", []string{"training.encoder_from_epoch=21"}, []string{"training.encoder_from_epoch: is after the last epoch, 20: the encoder is not trained"}},
		{"[decoding]\nsplits = ['test']", nil, []string{"decoding.splits: lacks validation, whose captions evaluation.metrics and the report's warnings are of: there will be none"}},
	} {
		loaded, err := Load(write(t, filepath.Join(dir, "x.toml"), c.text), c.overrides)
		if err != nil {
			t.Errorf("%q %q: %v", c.text, c.overrides, err)
			continue
		}
		var got []string
		for _, n := range loaded.Notes {
			got = append(got, n.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q %q: notes %q, want %q", c.text, c.overrides, got, c.want)
		}
	}
}

// TestIdleKeysExist: the keys that notes speak of are keys.
func TestIdleKeysExist(t *testing.T) {
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range idles {
		for _, key := range append(slices.Clone(i.keys), i.beside) {
			if s.byPath[key] == nil && !(strings.HasSuffix(key, ".") && s.sections[strings.TrimSuffix(key, ".")]) {
				t.Errorf("%s is no key", key)
			}
		}
	}
}
