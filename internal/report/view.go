package report

import (
	"html/template"
	"path/filepath"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// view is what both renderings of a report show, formatted: page.html.tmpl and report.md.tmpl hold no arithmetic.
type view struct {
	Title, Run, Description string
	Status                  runfolder.Status
	Error, Hint             string
	Started                 string
	Figures                 []keyFigure
	Plots                   []plotFigure
	Epochs                  table
	NoEpochs                string // what stands in their place
	Gallery                 []card
	GalleryNote             string
	Controls                table
	Verdict                 string
	Confusions              []plotFigure
	Accuracies              table
	Systems, Gains          table
	SystemsNote             string
	Published               table
	PublishedNote           string
	Collapse                table
	CollapseWarnings        []string
	Emoji                   []table
	EmojiNote               string
	Retrieval               table
	RetrievalNote           string
	Attention               *attentionView
	Model                   table
	ModelNote               string
	Data                    []table
	DataNote                string
	Problems                []string
	ProblemsMore            string // "and 12 more"
	Ledger                  table
	Settings                table
	RawSettings             string // instead of Settings when they can't be parsed
	Times                   table
	TimesNote               string
	Provenance              table
}

// HasData says whether anything about the data was recorded.
func (v view) HasData() bool {
	rows := len(v.Problems)
	for _, t := range v.Data {
		rows += len(t.Rows)
	}
	return rows > 0 || v.DataNote != ""
}

// keyFigure is one of the figures at the head of the page.
type keyFigure struct{ Name, Value, Unit, Meaning string }

// plotFigure is one plot; File is its path in the run folder without extension.
type plotFigure struct {
	Name, File, Alt, Meaning string
	draw                     func() (svg, png []byte, err error)
	SVG                      template.HTML
}

// card is one picture of the gallery.
type card struct {
	ID, Split, Generated string
	References           []string
	Exact                bool // the caption equals a reference
	Alt                  string
	Image                template.URL // data: URI; empty when the picture can't be read
	Problem              string
	path                 string
}

// table is a table of text. An empty one (no rows) is left out.
type table struct {
	Caption string
	Columns []column
	Rows    []tableRow
}

type column struct {
	Name   string
	Number bool // right-aligned
	Code   bool // set in the fixed-width font
}

type tableRow struct {
	Cells []string
	Group string // a heading over the rows that follow; Cells is empty then
	Total bool
}

func (t *table) row(cells ...string)   { t.Rows = append(t.Rows, tableRow{Cells: cells}) }
func (t *table) total(cells ...string) { t.Rows = append(t.Rows, tableRow{Cells: cells, Total: true}) }
func (t *table) group(name string)     { t.Rows = append(t.Rows, tableRow{Group: name}) }

// figures are all that is drawn.
func (v *view) figures() []*plotFigure {
	var all []*plotFigure
	for n := range v.Plots {
		all = append(all, &v.Plots[n])
	}
	for n := range v.Confusions {
		all = append(all, &v.Confusions[n])
	}
	return all
}

// newView lays out a report.
func newView(f *runfolder.Folder, d Data) view {
	i := d.Info
	v := view{
		Title: i.Name, Run: filepath.Base(f.Dir), Description: i.Description, Status: i.Status, Error: i.Error,
		Started: stamp(i.Started),
		Figures: keyFigures(d), Plots: plotFigures(d), Epochs: withMean(epochTable(d), d.Mean),
		Controls: controlTable(d), Verdict: verdict(d.Controls), Confusions: confusionFigures(d.Confusions),
		Times: timesTable(i), TimesNote: timesNote(d), Provenance: provenanceTable(i),
		Problems: d.Problems, NoEpochs: noEpochs(d),
	}
	switch i.Status {
	case runfolder.Interrupted:
		v.Hint = "The run was stopped at a checkpoint. To go on: captionlab resume " + filepath.ToSlash(f.Dir)
	case runfolder.Failed:
		v.Hint = "What happened stands in log.txt. To go on from the last checkpoint: captionlab resume " + filepath.ToSlash(f.Dir)
	}
	v.Systems, v.Gains, v.SystemsNote = systemsTables(d)
	v.Published, v.PublishedNote = publishedTable(d, flatSettings(d.Resolved))
	v.Accuracies, v.Collapse = accuracyTable(d.Accuracies), collapseTable(d.Collapse)
	if d.Collapse != nil {
		v.CollapseWarnings = d.Collapse.Warnings
	}
	v.Emoji, v.EmojiNote = emojiTables(d.Emoji)
	v.Retrieval, v.RetrievalNote = retrievalTable(d)
	v.Gallery, v.GalleryNote = cards(d.Gallery)
	v.Attention = newAttentionView(d.Attention)
	v.Model, v.ModelNote = modelTable(d.Layers)
	v.ModelNote += d.WordVectors.note()
	v.Data, v.DataNote, v.ProblemsMore = dataTables(d)
	v.Ledger, v.Settings, v.RawSettings = settingsTables(d.Resolved)
	return v
}
