package experiments_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestRecipesHaveThePublishedParameters: at the published vocabularies and with the published features, the recipes have
// the counts that Tanti et al.'s code wrote (results/results.txt of github.com/mtanti/where-image2, column num_params), and
// that of Keras' summary in the tutorial.
func TestRecipesHaveThePublishedParameters(t *testing.T) {
	theirs := []string{"data.root=" + t.TempDir(), "encoder.layer=fc2", "encoder.pooling=none", "encoder.normalize=l2", "encoder.sources=hub"}
	for _, c := range []struct {
		name             string
		vocabulary, want int
	}{
		{"tanti-init", 2539, 6_274_539}, {"tanti-pre", 2539, 6_274_539}, {"tanti-par", 2539, 2_942_187}, {"tanti-merge", 2539, 1_600_747},
		{"keras-merge", 7579, 5_527_963},
	} {
		table, err := experiments.Summary(t.Context(), filepath.Join("recipes", c.name+".toml"), theirs, c.vocabulary, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if _, trainable := table.Parameters(); trainable != c.want {
			t.Errorf("%s has %d trainable parameters, published are %d", c.name, trainable, c.want)
		}
	}
}

// TestRecipesRunOnEmojigram: the command that each recipe's head gives for emojigram is a config.
func TestRecipesRunOnEmojigram(t *testing.T) {
	recipes, err := filepath.Glob("../configs/recipes/*.toml")
	if err != nil || len(recipes) < 7 {
		t.Fatalf("%d recipes (error %v)", len(recipes), err)
	}
	for _, path := range recipes {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, set, found := strings.Cut(string(text), "# Emoji:    make experiment CONFIG=recipes/"+filepath.Base(path)+" SET=\"")
		set, _, closed := strings.Cut(set, "\"\n")
		if !found || !closed {
			t.Errorf("%s: its head has no command for emojigram", path)
			continue
		}
		overrides := strings.Fields(set)
		if _, err := experiments.CheckConfig(path, overrides); err != nil || !slices.Contains(overrides, "data.format=emojigram") {
			t.Errorf("%s with %v: %v", path, overrides, err)
		}
	}
}
