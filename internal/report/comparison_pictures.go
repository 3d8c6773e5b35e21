package report

import (
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/compare"
)

// comparedPicture is a picture with what every run says of it.
type comparedPicture struct {
	card
	Captions []comparedCaption
}

// comparedCaption is a caption and the runs that gave it.
type comparedCaption struct {
	Text, By string
	Exact    bool // it equals a reference
}

// comparedPictures are some of the split's pictures, evenly spread, with all runs' captions.
func comparedPictures(c *compare.Comparison, count int) (pictures []comparedPicture, note string) {
	all := c.Groups[0].Runs[0].Predictions
	count = min(count, len(all))
	for k := range count {
		at := k * len(all) / count
		references, _ := all[at].Scored()
		p := comparedPicture{card: card{ID: all[at].ImageID, References: references, path: all[at].Path, Alt: "picture " + all[at].ImageID}}
		if len(references) > 0 {
			p.Alt = "picture described as: " + references[0]
		}
		p.Captions = comparedCaptions(c, at)
		pictures = append(pictures, p)
	}
	if count > 0 {
		note = fmt.Sprintf("%s of the %s split, the same for every run. Runs that say the same stand together.", english.Plural(count, "picture", ""), c.Split)
	}
	return pictures, note
}

// comparedCaptions are the captions of the picture at a place, each once, in the groups' order.
func comparedCaptions(c *compare.Comparison, at int) (captions []comparedCaption) {
	place := map[string]int{}
	for _, g := range c.Groups {
		for n, r := range g.Runs {
			by := g.Tag
			if len(g.Runs) > 1 {
				by = fmt.Sprintf("%s%d", g.Tag, n+1)
			}
			prediction := r.Predictions[at]
			known, ok := place[prediction.Caption]
			if ok {
				captions[known].By += ", " + by
				continue
			}
			place[prediction.Caption] = len(captions)
			said := comparedCaption{Text: prediction.Caption, By: by}
			for _, reference := range prediction.References { // cleaned, as the model's captions are
				said.Exact = said.Exact || reference == said.Text && said.Text != ""
			}
			captions = append(captions, said)
		}
	}
	return captions
}
