package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	texttemplate "text/template"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// ComparisonFile is the name of the page among a comparison's files.
const ComparisonFile = "comparison.html"

//go:embed comparison.html.tmpl
var comparisonTemplate string

//go:embed comparison.md.tmpl
var comparisonMarkdown string

//go:embed comparison.css
var comparisonStyle string

//go:embed sort.js
var sortScript string

// ComparisonData is what a page of a comparison shows.
type ComparisonData struct {
	Title, Description string
	Comparison         *compare.Comparison
	Pictures           int // shown with all runs' captions
}

// WriteComparison writes comparison.html, .md, .csv and .json and the plots as SVG and PNG into a folder, which is made
// where it is missing, each whole or not at all. A picture that can't be read is shown as such.
func WriteComparison(dir string, d ComparisonData) error {
	f := &runfolder.Folder{Dir: dir}
	v := newComparisonView(d)
	for _, p := range v.figures() {
		svg, png, err := p.draw()
		if err != nil {
			return fmt.Errorf("comparison: %w", err)
		}
		p.SVG = inlineSVG(svg, p.Name, p.Alt)
		if err := errors.Join(f.WriteFile(p.File+".svg", svg), f.WriteFile(p.File+".png", png)); err != nil {
			return fmt.Errorf("comparison: %w", err)
		}
	}
	for n := range v.Pictures {
		v.Pictures[n].thumbnail()
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"comparison.csv", func(w io.Writer) error { return writeComparisonCSV(w, d.Comparison) }},
		{"comparison.json", func(w io.Writer) error { return writeComparisonJSON(w, d) }},
		{"comparison.md", func(w io.Writer) error { return writeComparisonMarkdown(w, v) }},
		{ComparisonFile, func(w io.Writer) error { return writeComparisonHTML(w, v) }}, // last: it stands for all
	} {
		var b bytes.Buffer
		if err := file.write(&b); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		if err := f.WriteFile(file.name, b.Bytes()); err != nil {
			return fmt.Errorf("comparison: %w", err)
		}
	}
	return f.RemoveTemporary()
}

func writeComparisonHTML(w io.Writer, v comparisonView) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(styleSheet + comparisonStyle) },
		"script": func() template.JS { return template.JS(sortScript) },
		"id":     func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "-")) },
		"lines":  func(s string) []string { return strings.Split(s, "\n") },
		"wide":   func(t table) bool { return len(t.Columns) > 4 },
	}).Parse(pageTemplate) // it defines "table"
	if err != nil {
		return err
	}
	if t, err = t.New("comparison").Parse(comparisonTemplate); err != nil {
		return err
	}
	return t.Execute(w, v)
}

func writeComparisonMarkdown(w io.Writer, v comparisonView) error {
	t, err := texttemplate.New("comparison").Funcs(texttemplate.FuncMap{"md": escapeMarkdown, "table": markdownTable}).Parse(comparisonMarkdown)
	if err != nil {
		return err
	}
	return t.Execute(w, v)
}
