package experiments_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/model"
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
	for _, path := range recipes(t) {
		overrides, err := emojigramOverrides(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		c, err := config.Load(path, overrides)
		if err != nil || !slices.Contains(overrides, "data.format=emojigram") {
			t.Errorf("%s with %v: %v", path, overrides, err)
			continue
		}
		if !slices.Contains(c.Config.Evaluation.Controls, "zeroed") {
			t.Errorf("%s: its report has no control with zeroed features", path)
		}
	}
}

// TestRecipesAreComparedWithTorch: the numeric checks of package model, loss and gradients against PyTorch's, have each
// recipe's decoder, with smaller sizes.
func TestRecipesAreComparedWithTorch(t *testing.T) {
	var recurrent struct {
		Cases []struct{ Settings model.Settings }
	}
	var attention struct{ Cases []struct{ Output string } }
	for name, into := range map[string]any{"torch_decoders.json": &recurrent, "torch_attention.json": &attention} {
		data, err := os.ReadFile(filepath.Join("../internal/model/testdata", name))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// kind is what makes two decoders the same but for their sizes.
	kind := func(s model.Settings) model.Settings {
		return model.Settings{Name: s.Name, Inject: s.Inject, Layers: s.Layers, ResetAfter: s.Name == "lstm" || s.ResetAfter, LayerNorm: s.LayerNorm,
			LearnState: s.LearnState, Merge: s.Merge, ImageActivation: s.ImageActivation, Hidden: min(s.Hidden, 1), Tied: s.Tied}
	}
	for _, path := range recipes(t) {
		c, err := config.Load(path, []string{"data.root=" + t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		d := c.Config.Decoder
		found := false
		for _, c := range recurrent.Cases {
			found = found || reflect.DeepEqual(kind(c.Settings), kind(d))
		}
		for _, c := range attention.Cases {
			found = found || d.Name == "attention" && c.Output == d.AttentionOutput
		}
		if !found {
			t.Errorf("%s: no such decoder in internal/model/testdata/torch_decoders.py or torch_attention.py", path)
		}
	}
}

// recipes are the paths of all recipes.
func recipes(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../configs/recipes/*.toml")
	if err != nil || len(paths) < 7 {
		t.Fatalf("%d recipes (error %v)", len(paths), err)
	}
	return paths
}

// emojigramOverrides are those that a recipe's head gives for emojigram.
func emojigramOverrides(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, set, found := strings.Cut(string(text), "# Emoji:    make experiment CONFIG=recipes/"+filepath.Base(path)+" SET=\"")
	set, _, closed := strings.Cut(set, "\"\n")
	if !found || !closed {
		return nil, errors.New("its head has no command for emojigram")
	}
	return strings.Fields(set), nil
}
