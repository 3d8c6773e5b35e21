// Package report turns one run's folder into plots, a Markdown report and a self-contained web page.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/score"
)

// Data is what a report shows besides what the run folder holds. Every part may be empty: a run that was stopped while it
// trained gets a report too.
type Data struct {
	Info     runfolder.Info    // read from the folder when its Name is empty
	Epochs   []runfolder.Epoch // read from the folder when nil
	Mean     *runfolder.Epoch  // how the mean of the last epochs' weights did; read from the folder, with Epochs; nil for none
	Resolved string            // the resolved config, TOML; read from the folder when empty

	Members  int       // of an ensemble, which has no epochs; 0 for a run that was trained
	Floor    *Floor    // nil where the true distribution of the captions is unknown
	Controls []Control // the model itself, named "model", comes first in each split; the validation split comes first

	Confusions []Confusion
	Accuracies []Accuracy
	Systems    []System  // the model first
	Emoji      *Emoji    // nil where no reference has emoji
	Collapse   *Collapse // nil when it was not measured
	NoMETEOR   string    // why METEOR, which was asked for, is absent
	// CaptionedSplit is the split that Systems, Collapse and the free-running Accuracies are of.
	CaptionedSplit string
	Retrieval      *score.Retrieval // nil when it was not measured
	RetrievalBoth  *score.Retrieval // by both directions of a bidirectional decoder; nil for others

	Splits       []SplitRow
	Cleaning     []NamedCount
	Problems     []string // formatted, the first few
	ProblemTotal int

	Vocabulary int    // tokens, special ones included
	Tokenizer  string // as text.tokenizer names it
	Lossless   bool   // whether text comes back from its tokens byte for byte
	Tokens     []TokenRow

	Layers      []LayerRow
	WordVectors *WordVectors // nil for none
	Gallery     []Picture
	Attention   *Attention // nil for a decoder without

	FeatureSeconds  float64 // extraction in this run; 0 when every picture's features were cached
	ImagesPerSecond float64
}

// Floor is the entropy of the validation captions given the picture: the lowest loss any model can reach.
type Floor struct{ NatsPerToken, NatsPerCharacter float64 }

// Control is a teacher-forced result with something taken away from the model, or of the model itself.
type Control struct {
	Name, Meaning, Split             string
	Loss, NatsPerCharacter, Accuracy float64 // loss in nats a token, accuracy a share of tokens
	NatsPerCaption                   float64
}

// Confusion is a confusion matrix to be drawn; File is its name among the plots, without extension.
type Confusion struct {
	Name, File, Meaning string
	Matrix              *score.Confusion
}

// SplitRow is one split of the data.
type SplitRow struct {
	Name             string
	Images, Captions int
	MeanCharacters   float64 // of a cleaned caption
}

// NamedCount is one line of the cleaning statistics.
type NamedCount struct {
	Name  string
	Count int
}

// LayerRow is one layer of the encoder or the decoder; Part names which.
type LayerRow struct {
	Part, Name, Kind, Output string
	Params                   int
	Fixed                    int // of Params, those that no training changes
	Trainable                bool
}

// Picture is one picture of the gallery.
type Picture struct {
	ID, Path, Split string
	References      []string
	Generated       string
}

// Write writes plots/*.{svg,png}, report.md and report.html into the run folder, each whole or not at
// all. A gallery picture that can't be read is shown as such; it does not stop the report.
func Write(f *runfolder.Folder, d Data) error {
	if err := complete(f, &d); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	v := newView(f, d)
	for _, p := range v.figures() {
		svg, png, err := p.draw()
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		p.SVG = inlineSVG(svg, p.Name, p.Alt)
		if err := errors.Join(f.WriteFile(p.File+".svg", svg), f.WriteFile(p.File+".png", png)); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	for i := range v.Gallery {
		v.Gallery[i].thumbnail()
	}
	var page, text bytes.Buffer
	if err := writeHTML(&page, v); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	if err := writeMarkdown(&text, v); err != nil {
		return fmt.Errorf("report.md: %w", err)
	}
	if err := errors.Join(f.WriteFile("report.md", text.Bytes()), f.WriteFile("report.html", page.Bytes())); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// complete reads from the folder what the caller left out.
func complete(f *runfolder.Folder, d *Data) (err error) {
	if d.Info.Name == "" {
		if d.Info, err = f.Info(); err != nil {
			return err
		}
	}
	if d.Epochs == nil {
		if d.Epochs, err = f.Epochs(); err != nil {
			return err
		}
		mean, found, err := f.Mean()
		if err != nil {
			return err
		}
		if found {
			d.Mean = &mean
		}
	}
	if d.Resolved == "" {
		text, err := os.ReadFile(f.Path(runfolder.ResolvedFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		d.Resolved = string(text)
	}
	return nil
}
