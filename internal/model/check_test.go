package model

import (
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		reason string
		s      Settings
		key    string // that is blamed first; "" for none
		want   string
	}{
		{"as the tests of old have it", Settings{Name: "lstm", Inject: "pre", Units: 6, Embedding: 5}, "", ""},
		{"tied", Settings{Name: "lstm", Inject: "pre", Units: 5, Embedding: 5, Tied: true}, "", ""},
		{"tied to a projection", Settings{Name: "lstm", Inject: "merge", Units: 6, Embedding: 5, Hidden: 5, Tied: true}, "", ""},
		{"tied, other size", Settings{Name: "lstm", Inject: "pre", Units: 6, Embedding: 5, Tied: true}, "tied", "decoder.units = 6, and decoder.embedding = 5"},
		{"tied, merged", Settings{Name: "lstm", Inject: "merge", Units: 5, Embedding: 5, Tied: true}, "tied", "= 10 (merged by concatenation)"},
		{"tied, hidden of other size", Settings{Name: "lstm", Units: 5, Embedding: 5, Hidden: 4, Tied: true}, "tied", "it reads decoder.hidden = 4"},
		{"nothing to add to", Settings{Name: "lstm", Inject: "par", Merge: "add"}, "merge", `needs decoder.inject = "merge", got "par"`},
		{"two initial states", Settings{Name: "gru", ResetAfter: true, Inject: "init", LearnState: true}, "learn_state", "the image is the initial state"},
		{"no such layer norm", Settings{Name: "gru", LayerNorm: true}, "layer_norm", "expected decoder.reset_after = true"},
		{"both ways", Settings{Name: "gru", ResetAfter: true, Inject: "merge", Layers: 2, Bidirectional: true}, "", ""},
		{"attention both ways", Settings{Name: "attention", Bidirectional: true}, "bidirectional", `not for decoder.name = "attention"`},
		{"dropout of nothing", Settings{Name: "lstm", DropoutOn: []string{}}, "dropout_on", "decoder.dropout = 0 turns it off"},
		{"dropout between layers of one", Settings{Name: "lstm", Layers: 1, Dropout: 0.5, DropoutOn: []string{"layers"}}, "dropout_on", "has nothing of what it names"},
		{"dropout of the initial state", Settings{Name: "lstm", Inject: "init", Dropout: 0.5, DropoutOn: []string{"image"}}, "dropout_on", "has nothing of what it names"},
		{"dropout of one place of two", Settings{Name: "lstm", Inject: "init", Dropout: 0.5, DropoutOn: []string{"image", "output"}}, "", ""},
		{"all weights alike", Settings{Name: "lstm", Initializer: "normal"}, "initializer_scale", "above 0"},
	} {
		problems := c.s.Check()
		switch {
		case c.key == "" && len(problems) > 0:
			t.Errorf("%s: refused: %v", c.reason, problems)
		case c.key == "":
		case len(problems) != 1 || problems[0].Keys[0] != "decoder."+c.key || !strings.Contains(problems[0].Err.Error(), c.want):
			t.Errorf("%s: got %v, want %q at %s", c.reason, problems, c.want, c.key)
		default:
			if _, err := New(c.s, Size{Features: 1, Vocabulary: 9}); err == nil {
				t.Errorf("%s: New accepts it", c.reason)
			}
		}
	}
}

// TestPlacesAreTheDefault: settings made in code drop out where a config does by default.
func TestPlacesAreTheDefault(t *testing.T) {
	if got := (Settings{}).withDefaults().DropoutOn; !slices.Equal(got, []string{"embedding", "image", "layers", "output"}) {
		t.Errorf("dropout acts on %v", got)
	}
}
