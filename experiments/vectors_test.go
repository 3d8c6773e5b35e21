package experiments_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// TestRunWithVectorsAndEmoji: a run whose embedding starts with vectors and whose captions have emoji records both, and does
// not go on with another file of vectors.
func TestRunWithVectorsAndEmoji(t *testing.T) {
	data := crashData(t)
	var rows, vectors strings.Builder
	for n := range 30 {
		fmt.Fprintf(&rows, "p%02d.jpg#0\ta cat 🐱❤️\np%02d.jpg#1\ta dog\n", n, n)
	}
	for _, letter := range []string{"a", "c", "d", "x"} { // of the vocabulary a, c, d, g, o, t, space and two emoji
		fmt.Fprintln(&vectors, letter+strings.Repeat(" 0.25", 16))
	}
	file := filepath.Join(t.TempDir(), "vectors.txt")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(data, "Flickr8k.token.txt"), rows.String())
	write(file, vectors.String())
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Rel(working, data) // a relative folder, as DATA=../flickr8k
	if err != nil {
		t.Fatal(err)
	}
	config, _ := crashFolder(t, root)
	overrides := []string{"decoder.vectors=" + file, "training.epochs=1", "evaluation.retrieval=0"}
	r, err := experiments.Run(t.Context(), config, overrides, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := runfolder.Open(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := folder.Info()
	if err != nil {
		t.Fatal(err)
	}
	// Of the 9 tokens 3 have vectors; of the 8 + 5 running ones of each picture a, c, a and a, d.
	if len(info.Hashes["vectors"]) != 64 || info.Results["vectors_tokens"] != 3 || info.Results["vectors_vocabulary_coverage"] != 3./9 ||
		info.Results["vectors_running_coverage"] != 5./13 {
		t.Errorf("hashes %v, figures %v", info.Hashes, info.Results)
	}
	var emoji struct {
		Split             string
		ReferenceCaptions string `json:"reference_captions"`
		References        struct {
			Captions, Emoji, Sequences int
			With                       int `json:"captions_with_emoji"`
		}
		Cleaning struct{ Raw, Kept int }
	}
	text, err := os.ReadFile(folder.Path("scores/emoji.json"))
	if err == nil {
		err = json.Unmarshal(text, &emoji)
	}
	ref := emoji.References
	if err != nil || emoji.Split != "validation" || emoji.ReferenceCaptions != "raw" || ref.Captions != 2*ref.With || ref.Emoji != 2*ref.With ||
		ref.Sequences != ref.With || ref.With == 0 || emoji.Cleaning.Raw != 60 || emoji.Cleaning.Kept != 60 {
		t.Errorf("error %v in %s", err, text)
	}
	if info.Results["validation_emoji_reference_coverage"] != 0.5 || info.Results["emoji_kept_by_cleaning"] != 1 {
		t.Errorf("figures %v", info.Results)
	}
	page, err := os.ReadFile(r.ReportHTML)
	for _, want := range []string{`<h2 id="emoji">Emoji</h2>`, "red heart", "The token embedding started with word vectors (GloVe text, 4 words of 16 values)"} {
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("the report lacks %q (error %v)", want, err)
		}
	}

	table, err := experiments.Summary(t.Context(), config, overrides, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	encoder := 0
	for _, row := range table.Rows {
		if row.Part == "encoder" {
			encoder += row.Params
		}
	}
	if total, trainable := table.Parameters(); total-trainable != encoder+3*16 {
		t.Errorf("%d parameters are not trainable, want the encoder's %d and 3 vectors of 16", total-trainable, encoder)
	}
	if _, err := experiments.Summary(t.Context(), config, overrides, 100, nil); err == nil {
		t.Error("a number of tokens was taken for the tokens")
	}

	write(file, strings.Replace(vectors.String(), "0.25", "0.75", 1))
	if _, err := experiments.Resume(t.Context(), r.Dir, nil, experiments.Options{}); err == nil || !strings.Contains(err.Error(), "is not the file that this run began with") {
		t.Errorf("resumed with other vectors: error %v", err)
	}

	// The run's model is in its folder: it captions as it did though the file is gone.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	predictions, err := folder.ReadPredictions("validation")
	if err != nil {
		t.Fatal(err)
	}
	if path := predictions[0].Path; !filepath.IsAbs(path) {
		t.Errorf("the run names a picture as %s, which another folder doesn't have", path)
	}
	c, err := experiments.OpenCaptioner(t.Context(), r.Dir, nil, experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Caption(t.Context(), predictions[0].Path)
	if err != nil || got[0].Caption != predictions[0].Caption || math.Abs(float64(got[0].LogProbability)-predictions[0].LogProbability) > 1e-4 {
		t.Errorf("captioned %+v (error %v), the run has %+v", got, err, predictions[0])
	}
}
