package report

import (
	_ "embed"
	"io"
	"strings"
	"text/template"
)

//go:embed report.md.tmpl
var markdownTemplate string

// writeMarkdown writes the same content for terminals and Git; the plots are linked, the pictures left out.
func writeMarkdown(w io.Writer, v view) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"md":    escapeMarkdown,
		"table": markdownTable,
		"refs": func(s []string) string {
			out := make([]string, len(s))
			for i, r := range s {
				out[i] = escapeMarkdown(r)
			}
			return strings.Join(out, "<br>")
		},
	}).Parse(markdownTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, v)
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;", "|", `\|`, "~", `\~`,
	"#", `\#`, "\r", " ", "\n", " ", "\u2028", " ", "\u2029", " ",
)

// escapeMarkdown makes any text one line that Markdown shows as it is.
func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

// code sets text in a code span; a cell's | must be escaped even there.
func code(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "`", "'"), "|", `\|`)
	return "`" + strings.ReplaceAll(s, "\n", "`<br>`") + "`"
}

// markdownTable renders a table with its caption in bold above it.
func markdownTable(t table) string {
	if len(t.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("**" + escapeMarkdown(t.Caption) + "**\n\n")
	head, rule := "|", "|"
	for _, c := range t.Columns {
		head += " " + c.Name + " |"
		if c.Number {
			rule += " ---: |"
		} else {
			rule += " --- |"
		}
	}
	b.WriteString(head + "\n" + rule + "\n")
	for _, r := range t.Rows {
		if r.Group != "" {
			b.WriteString("| **" + escapeMarkdown(r.Group) + "** |" + strings.Repeat(" |", len(t.Columns)-1) + "\n")
			continue
		}
		b.WriteString("|")
		for i, cell := range r.Cells {
			switch {
			case r.Total && cell != "":
				cell = "**" + escapeMarkdown(cell) + "**"
			case t.Columns[i].Code:
				cell = code(cell)
			default:
				cell = escapeMarkdown(cell)
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
