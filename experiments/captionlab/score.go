package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func scoreCommand() *cobra.Command {
	var o experiments.ScoreOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "score --references REFS --candidates CANDS [--metrics NAME,...] [--json]",
		Short: "Score any system's captions against references",
		Long: `Score computes BLEU-1 to BLEU-4, ROUGE-L, CIDEr, CIDEr-D and chrF, equal to pycocoevalcap and sacreBLEU,
and METEOR through its own Java jar, which is fetched when --metrics names it. Formats are recognised by
the content.

References: COCO captions, Karpathy's dataset_*.json (its test split, or --split), Flickr8k.token.txt, or
  lines of {"image_id": …, "captions": […]}.
Candidates: COCO results [{"image_id": …, "caption": …}], lines of such objects (as predictions/*.jsonl
  of a run), or lines of an image's id, a tab and a caption.

Each image of the references needs one candidate: images that are missing, too many or there twice are an
error. --images scores the images of a list alone, such as Flickr_8k.testImages.txt. Images are named by
number or file name, with or without .jpg. --against compares with a second system on the same images.`,
		Example: `  captionlab score --references captions_val2014.json --candidates results.json
  captionlab score --references dataset_flickr8k.json --candidates a.jsonl --against b.jsonl
  captionlab score --references Flickr8k.token.txt --images Flickr_8k.testImages.txt \
    --candidates captions.tsv --metrics bleu,cider,meteor --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.References == "" || o.Candidates == "":
				return &usageError{c, "captionlab score needs --references and --candidates"}
			case o.Resamples < 0:
				return &usageError{c, "--bootstrap: expected a number of resamples"}
			}
			if err := experiments.CheckMetrics(o.Metrics); err != nil {
				return &usageError{c, "--metrics: " + err.Error()}
			}
			if os.Getenv("GOGC") == "" { // a process of half a second has better things to do than to collect garbage
				debug.SetGCPercent(400)
			}
			o.Stderr = c.ErrOrStderr()
			scores, err := experiments.ScoreFiles(c.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), scores)
			}
			printScores(c.OutOrStdout(), scores)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.References, "references", "", "file of references")
	f.StringVar(&o.Candidates, "candidates", "", "file of the captions to be scored")
	f.StringVar(&o.Against, "against", "", "file of a second system's captions, to compare with")
	f.StringSliceVar(&o.Metrics, "metrics", nil, "metrics, of "+strings.Join(experiments.MetricNames(), ", ")+
		" (default: all but cider_plain; meteor only if it was fetched before)")
	f.StringVar(&o.Split, "split", "", `split of Karpathy's references: train, restval, val, test or all (default "test")`)
	f.StringVar(&o.Images, "images", "", "file that lists the images to be scored, one a line (default: all of the references)")
	f.IntVar(&o.Resamples, "bootstrap", 0, "resamples of the bootstrap over images, for 95 % intervals (default 0; 1000 with --against)")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the bootstrap; 0 is taken for 1")
	f.BoolVar(&asJSON, "json", false, "one JSON object: metrics and each image's scores as fractions, signatures, a note where there are few images")
	return c
}

// printScores prints scores in percent, as papers do, and the signatures that make them comparable.
func printScores(w io.Writer, s *experiments.FileScores) {
	t := newTable(w)
	header := table.Row{"Metric", "Score, %"}
	if s.Intervals != nil {
		header = append(header, "95 % interval")
	}
	if s.Against != nil {
		header = append(header, "Against, %", "Difference", "95 % interval", "p", "Verdict")
	}
	t.AppendHeader(header)
	var columns []table.ColumnConfig
	for n := 2; n <= 7; n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	percent := func(x float64) string { return fmt.Sprintf("%.2f", 100*x) }
	interval := func(i experiments.ScoreInterval) string { return percent(i.Low) + " to " + percent(i.High) }
	between := func(i experiments.ScoreInterval) string { return points(i.Low, 2) + " to " + points(i.High, 2) }
	for _, name := range s.Names {
		row := table.Row{name, percent(s.Metrics[name])}
		if s.Intervals != nil {
			row = append(row, interval(s.Intervals[name]))
		}
		if s.Against != nil {
			d, verdict := s.Against.Differences[name], "different"
			p := fmt.Sprintf("%.3f", d.P)
			if !d.Distinguishable {
				verdict = "not distinguishable"
			}
			if d.Negligible() { // p would be of differences that nobody sees
				p = "–"
			}
			row = append(row, percent(s.Against.Metrics[name]), points(d.Difference, 2), between(d.ScoreInterval), p, verdict)
		}
		t.AppendRow(row)
	}
	t.Render()
	fmt.Fprintln(w, english.Plural(len(s.Images), "image", ""))
	if s.Note != "" {
		fmt.Fprintln(w, s.Note)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Absent)) {
		fmt.Fprintf(w, "%s is absent: %s\n", name, s.Absent[name])
	}
	for _, name := range s.Names {
		fmt.Fprintf(w, "%s: %s\n", name, s.Signatures[name])
	}
}
