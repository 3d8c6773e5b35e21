package report

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"io"
	"regexp"
	"strings"
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed style.css
var styleSheet string

// writeHTML writes the self-contained page: styles, plots and pictures are all inside it.
func writeHTML(w io.Writer, v view) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(styleSheet) },
		"id":    func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "-")) },
		"lines": func(s string) []string { return strings.Split(s, "\n") },
		"wide":  func(t table) bool { return len(t.Columns) > 4 },
	}).Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, v)
}

var svgStart = regexp.MustCompile(`(?s)^.*?<svg width="[^"]*" height="[^"]*" viewBox="([^"]*)"[^>]*>`)

// inlineSVG makes a plot's SVG part of a page: no prolog, scaled to its place, with a name for screen readers.
func inlineSVG(svg []byte, name, alt string) template.HTML {
	id := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
	head := fmt.Sprintf(`<svg viewBox="$1" role="img" aria-labelledby="%[1]s-title %[1]s-desc"><title id="%[1]s-title">%[2]s</title><desc id="%[1]s-desc">%[3]s</desc>`,
		id, literally(name), literally(alt))
	return template.HTML(svgStart.ReplaceAllString(string(svg), head))
}

// literally is text for the replacement of a regular expression in HTML, in which $1 would stand for a group.
func literally(text string) string { return strings.ReplaceAll(html.EscapeString(text), "$", "$$") }
