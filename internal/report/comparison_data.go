package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// writeComparisonCSV writes a row a run: its group, what differs, its seeds and every figure as it was measured.
func writeComparisonCSV(w io.Writer, c *compare.Comparison) error {
	seeds := seedKeys(c)
	header := append([]string{"group", "label", "run"}, c.Keys...)
	header = append(append(header, seeds...), "training_pictures")
	for _, col := range c.Columns {
		header = append(header, col.Name)
	}
	out := csv.NewWriter(w)
	out.Write(header)
	for _, g := range c.Groups {
		for _, r := range g.Runs {
			record := []string{g.Tag, g.Label, r.Name}
			for _, key := range c.Keys {
				record = append(record, compare.Bare(g.Settings[key]))
			}
			for _, key := range seeds {
				record = append(record, r.Settings[key])
			}
			record = append(record, strconv.Itoa(r.TrainPictures))
			for _, col := range c.Columns {
				text := ""
				if x, ok := r.Figures[col.Name]; ok && finite(x) {
					text = strconv.FormatFloat(x, 'g', -1, 64)
				}
				record = append(record, text)
			}
			out.Write(record)
		}
	}
	out.Flush()
	return out.Error()
}

// seedKeys are the seeds in which runs differ.
func seedKeys(c *compare.Comparison) (keys []string) {
	seen := map[string]bool{}
	for _, r := range c.Runs() {
		for key := range c.Seeds(r) {
			seen[key] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

type figureJSON struct {
	Mean float64  `json:"mean"`
	SD   *float64 `json:"standard_deviation,omitempty"`
	N    int      `json:"n"`
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

type runJSON struct {
	Run              string            `json:"run"`
	Dir              string            `json:"dir"`
	Seeds            map[string]string `json:"seeds"`
	TrainingPictures int               `json:"training_pictures"`
	Figures          runfolder.Values  `json:"figures"`
}

type groupJSON struct {
	Tag      string                `json:"tag"`
	Label    string                `json:"label"`
	Settings map[string]string     `json:"settings"`
	Figures  map[string]figureJSON `json:"figures"`
	Runs     []runJSON             `json:"runs"`
}

type differenceJSON struct {
	Group           string  `json:"group"`
	Metric          string  `json:"metric"`
	Difference      float64 `json:"difference"`
	Low             float64 `json:"low"`
	High            float64 `json:"high"`
	P               float64 `json:"p"`
	Distinguishable bool    `json:"distinguishable"`
}

type lawJSON struct {
	Figure    string                      `json:"figure"`
	Label     string                      `json:"label"`
	Groups    []string                    `json:"groups"`
	Points    [][2]float64                `json:"points"` // pictures, value
	Formula   string                      `json:"formula"`
	Parameter map[string]runfolder.Values `json:"parameters"` // value, low, high
}

// writeComparisonJSON writes groups, differences and power laws; scores are fractions.
func writeComparisonJSON(w io.Writer, d ComparisonData) error {
	c := d.Comparison
	out := struct {
		Title       string              `json:"title"`
		Description string              `json:"description,omitempty"`
		Split       string              `json:"split"`
		Baseline    string              `json:"baseline"`
		Resamples   int                 `json:"bootstrap_resamples"`
		Keys        []string            `json:"differing_keys"`
		Signatures  map[string]string   `json:"signatures"`
		Groups      []groupJSON         `json:"groups"`
		Differences []differenceJSON    `json:"differences_from_baseline"`
		SizeCurves  []lawJSON           `json:"learning_curves"`
		LeftOut     []map[string]string `json:"left_out"`
		Notes       []string            `json:"notes"`
	}{d.Title, d.Description, c.Split, c.Groups[c.Baseline].Tag, c.Resamples, append([]string{}, c.Keys...), map[string]string{}, nil, []differenceJSON{}, []lawJSON{},
		[]map[string]string{}, append([]string{}, c.Notes...)}
	for _, col := range c.Columns {
		if col.Signature != "" {
			out.Signatures[col.Name] = col.Signature
		}
	}
	for _, g := range c.Groups {
		row := groupJSON{g.Tag, g.Label, g.Settings, map[string]figureJSON{}, nil}
		for name, f := range g.Figures {
			figure := figureJSON{Mean: f.Mean, N: f.N}
			if f.N > 1 {
				figure.SD = &f.SD
			}
			if f.Interval {
				figure.Low, figure.High = &f.Low, &f.High
			}
			row.Figures[name] = figure
		}
		for _, r := range g.Runs {
			row.Runs = append(row.Runs, runJSON{r.Name, r.Dir, c.Seeds(r), r.TrainPictures, r.Figures})
		}
		out.Groups = append(out.Groups, row)
	}
	for _, x := range c.Differences {
		out.Differences = append(out.Differences, differenceJSON{c.Groups[x.Group].Tag, x.Name, x.Difference.Difference, x.Low, x.High, x.P, x.Distinguishable})
	}
	for _, s := range c.SizeCurves {
		law := lawJSON{Figure: s.Column.Name, Label: s.Label, Groups: s.Tags, Parameter: map[string]runfolder.Values{}}
		for _, p := range s.Points {
			law.Points = append(law.Points, [2]float64{float64(p.Pictures), p.Value})
		}
		if f := s.Fit; f != nil {
			law.Formula = "a*n^(-b)"
			values := []float64{f.A, f.B}
			if f.Limit {
				law.Formula, values = "a*n^(-b)+c", append(values, f.C)
			}
			for k, x := range values {
				low, high := f.Interval(k)
				law.Parameter[string("abc"[k])] = runfolder.Values{"value": x, "low": low, "high": high}
			}
		}
		out.SizeCurves = append(out.SizeCurves, law)
	}
	for _, l := range c.LeftOut {
		out.LeftOut = append(out.LeftOut, map[string]string{"run": l.Name, "dir": l.Dir, "reason": l.Reason})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
