package experiments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/datacheck"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
)

// DataReport is what CheckData found: counts, every repaired or dropped row, broken and doubled pictures, and the
// findings that follow from them. Its JSON tags are the fields of `captionlab data check --json`.
type DataReport = datacheck.Report

// The parts of a DataReport that its readers name.
type (
	DataFinding = datacheck.Finding // one thing that was found, with its severity
	DataPlace   = datacheck.Place   // a picture with its split
	DataCount   = datacheck.Some    // one thing with its count
)

// DataOptions say how CheckData works.
type DataOptions struct {
	NoPictures bool      // leave the pictures undecoded; files that are missing, empty or equal byte for byte are found all the same
	Out        string    // folder that receives report.json, rows.txt and the histogram; "": check/NAME in the cache
	Stderr     io.Writer // progress and messages; nil is silent
}

// CheckData loads the data set of a config as a run would, and looks for what is wrong with it: rows, captions,
// splits and pictures. The report's Errors make a run's results wrong. An error means that there is no report.
func CheckData(ctx context.Context, configPath string, overrides []string, o DataOptions) (*DataReport, error) {
	c, err := loadConfig(configPath, overrides)
	if err != nil {
		return nil, err
	}
	settings, text := dataSettings(c.Config), c.Config.Text
	data, err := dataset.Load(ctx, settings, text.CleanSettings, text.Unit, checkout.At(c.Config.Runtime.Cache), o.Stderr)
	if err != nil {
		return nil, err
	}
	r, err := datacheck.Check(ctx, datacheck.Request{
		Data: data, Root: settings.Root, Clean: text.CleanSettings, Token: text.Settings, Pictures: !o.NoPictures, Log: o.Stderr,
	})
	if err != nil {
		return nil, err
	}
	r.Config = c.Path
	if err := writeDataReport(r, dataOut(c, o)); err != nil {
		return nil, fmt.Errorf("data check: %w", err)
	}
	return r, nil
}

func dataOut(c *config.Loaded, o DataOptions) string {
	if o.Out != "" {
		return o.Out
	}
	return filepath.Join(checkout.At(c.Config.Runtime.Cache), "check", c.Config.Experiment.Name)
}

// writeDataReport leaves report.json, rows.txt and, where there are captions, lengths.png and lengths.svg.
func writeDataReport(r *DataReport, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var rows bytes.Buffer
	for _, row := range r.Rows {
		fmt.Fprintln(&rows, row)
	}
	type file struct {
		name string
		data []byte
	}
	files := []file{{"rows.txt", rows.Bytes()}}
	if bins := r.Length.Bins; len(bins) > 0 {
		h := report.Histogram{
			Title: "Caption lengths", XLabel: "characters, before text.max_length cuts", YLabel: "captions", Width: bins[0].To - bins[0].From + 1,
			Mark: r.Length.MaxLength, MarkName: fmt.Sprintf("text.max_length = %d", r.Length.MaxLength),
		}
		for _, b := range bins {
			h.Counts = append(h.Counts, b.Count)
		}
		svg, png, err := h.Render()
		if err != nil {
			return err
		}
		files = append(files, file{"lengths.png", png}, file{"lengths.svg", svg})
	}
	for _, f := range append(slices.Clone(files), file{name: "report.json"}) {
		r.Files = append(r.Files, filepath.Join(dir, f.name))
	}
	data, err := r.JSON()
	if err != nil {
		return err
	}
	for _, f := range append(files, file{"report.json", data}) {
		if err := renameio.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
