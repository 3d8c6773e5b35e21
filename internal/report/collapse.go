package report

import (
	"fmt"

	"github.com/captionlab/captionlab/internal/score"
)

// Collapse says how varied the model's captions are beside those that people wrote of the same pictures.
type Collapse struct {
	Model, People score.Diversity
	Warnings      []string // of thresholds that are passed
}

// collapseTable shows each figure beside people's, and from where on it is a warning.
func collapseTable(c *Collapse) table {
	t := table{Caption: "How varied the captions are", Columns: []column{
		{Name: "Figure"}, {Name: "Model", Number: true}, {Name: "People", Number: true}, {Name: "Warning", Number: true},
	}}
	if c == nil {
		return t
	}
	m, p := c.Model, c.People
	t.row("Distinct captions", fmt.Sprintf("%s of %s (%s)", comma(m.Distinct), comma(m.Captions), percent(m.DistinctShare())), percent(p.DistinctShare()),
		"below "+percent(score.MinDistinct*p.DistinctShare()))
	t.row("Training vocabulary used (words seen at least 5 times)", percent(m.Vocabulary), percent(p.Vocabulary), "below "+percent(score.MinVocabulary*p.Vocabulary))
	t.row("Training captions, copied word for word", percent(m.Copied), percent(p.Copied), "above "+percent(p.Copied+score.MaxCopied))
	t.row("Captions that say three words in a row twice", percent(m.Repeating), percent(p.Repeating), "above "+percent(p.Repeating+score.MaxRepeating))
	t.row("Words a caption", fixed(m.Words, 1), fixed(p.Words, 1), fmt.Sprintf("below %s, above %s", fixed(score.MinLength*p.Words, 1), fixed(score.MaxLength*p.Words, 1)))
	return t
}
