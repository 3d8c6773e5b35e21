package experiments

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the sizes of thumbnails and plots
	_ "image/png"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/captionlab/captionlab/internal/compare"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/tensorboard"
)

// What an event file shows of a split's captions.
const (
	shownPictures = 8
	shownCaptions = 100
)

// hyperparameters are the keys of a run's config that decide its figures, with their values; those that are not the
// defaults come first in TensorBoard.
func hyperparameters(f *runfolder.Folder) (params []tensorboard.HParam, err error) {
	settings, err := f.Settings()
	if err != nil {
		return nil, err
	}
	defaults, err := defaultSettings()
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !config.Decides(key) {
			continue
		}
		text := settings[key]
		p := tensorboard.HParam{Name: key, Value: text, Differs: text != defaults[key]}
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			p.Value = x
		} else if s, err := strconv.Unquote(text); err == nil {
			p.Value = s
		} else if text == "true" || text == "false" {
			p.Value = text == "true"
		}
		params = append(params, p)
	}
	return params, nil
}

// comparedFigures are the figures with a column in the HPARAMS tab, where a run has them; TensorBoard shows the first five unasked.
// Every other figure stands among the scalars.
var comparedFigures = []string{
	"validation_teacher_forced_loss", "validation_teacher_forced_accuracy", "validation_nats_per_caption", "validation_bleu_4", "validation_cider",
	"validation_nats_per_character", "validation_bleu_1", "validation_bleu_2", "validation_bleu_3", "validation_rouge_l", "validation_meteor",
	"validation_chrf", "validation_cider_d", "validation_distinct_captions_share", "retrieval_recall_at_10",
	"test_teacher_forced_loss", "test_teacher_forced_accuracy", "test_nats_per_character", "test_nats_per_caption", "best_epoch",
}

// writeEnd writes what stands at a run's end, at its last step: every figure, captions as text, a few pictures with their
// captions, the curves as the report draws them, and the HPARAMS tab's columns.
func writeEnd(w *tensorboard.Writer, f *runfolder.Folder, info RunInfo, at time.Time) error {
	rows, err := f.Epochs()
	if err != nil {
		return err
	}
	step := 0
	if len(rows) > 0 {
		step = rows[len(rows)-1].Step
	}
	params, err := hyperparameters(f)
	if err != nil {
		return err
	}
	var metrics []tensorboard.Metric
	for _, name := range comparedFigures {
		if _, ok := info.Results[name]; ok {
			metrics = append(metrics, tensorboard.Metric{Tag: "results/" + name, Name: name, Validation: strings.HasPrefix(name, "validation_")})
		}
	}
	values := []tensorboard.Value{tensorboard.Experiment(info.Description, info.Started, params, metrics), tensorboard.SessionEnd(at)}
	figures := finite(info.Results)
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		values = append(values, tensorboard.Scalar("results/"+name, figures[name]))
	}
	if err := w.Write(at, step, values...); err != nil {
		return err
	}
	for _, split := range []string{dataset.Validation, dataset.Test, dataset.Train} {
		predictions, err := f.ReadPredictions(split)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = w.Write(at, step, captionValues(split, predictions)...)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range []string{"loss", "accuracy"} {
		png, err := os.ReadFile(f.Path("plots", name+".png"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a run of one epoch has no curve
		}
		if err != nil {
			return err
		}
		if p, ok := sized(tensorboard.Picture{Tag: "plots/" + name, Encoded: png}); ok {
			if err := w.Write(at, step, tensorboard.Image(p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// captionValues are a split's captions as a table, and some of its pictures, evenly spread. Pictures that can't be read, for
// instance since the run was made on another machine, are left out.
func captionValues(split string, predictions []Prediction) []tensorboard.Value {
	var table strings.Builder
	table.WriteString("| Picture | Caption | References |\n|---|---|---|\n")
	for _, p := range spread(predictions, shownCaptions) {
		var references []string
		for _, r := range p.References {
			references = append(references, plainText(r))
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", plainText(p.ImageID), plainText(p.Caption), strings.Join(references, "<br>"))
	}
	values := []tensorboard.Value{tensorboard.Text("captions/"+split, table.String())}
	for _, p := range spread(predictions, shownPictures) {
		jpeg, err := report.Thumbnail(p.Path)
		if err != nil {
			continue
		}
		shown := tensorboard.Picture{Tag: "pictures_" + split + "/" + p.ImageID, Title: p.Caption, Encoded: jpeg}
		for _, r := range p.References {
			shown.Description += "- " + plainText(r) + "\n"
		}
		if shown, ok := sized(shown); ok {
			values = append(values, tensorboard.Image(shown))
		}
	}
	return values
}

// spread are at most n elements, evenly.
func spread[T any](all []T, n int) (some []T) {
	n = min(n, len(all))
	for k := range n {
		some = append(some, all[k*len(all)/n])
	}
	return some
}

// sized sets a picture's size.
func sized(p tensorboard.Picture) (_ tensorboard.Picture, ok bool) {
	c, _, err := image.DecodeConfig(bytes.NewReader(p.Encoded))
	p.Width, p.Height = c.Width, c.Height
	return p, err == nil
}

// plainText keeps Markdown from taking a text for markup, and a table's cell in one line.
func plainText(s string) string {
	return markdownMarks.Replace(strings.Join(strings.Fields(s), " "))
}

// markdownMarks turns every mark that has a meaning in Markdown into its character reference.
var markdownMarks = func() *strings.Replacer {
	var pairs []string
	for _, mark := range "\\`*_{}[]()<>#+-.!|~&" {
		pairs = append(pairs, string(mark), fmt.Sprintf("&#%d;", mark))
	}
	return strings.NewReplacer(pairs...)
}()

// finite are the figures that are numbers.
func finite(figures map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, x := range figures {
		if x-x == 0 { // neither NaN nor infinite
			out[name] = x
		}
	}
	return out
}

// ErrHasEvents is wrapped by ExportTensorBoard's error for a run that wrote event files itself.
var ErrHasEvents = errors.New("the run has event files already")

// ExportTensorBoard writes event files of a run whose config had them off, or that an earlier version made: the curves by
// epoch and what stands at the end. They go into the run's folder, or with to into to/<the run's folder>/tensorboard, and
// replace what an earlier export wrote there. It returns the folder that tensorboard --logdir takes.
func ExportTensorBoard(r *RunFolder, to string) (dir string, err error) {
	dir = r.Dir
	if to != "" && !compare.SameFolder(filepath.Join(to, r.Folder), r.Dir) {
		dir = filepath.Join(to, r.Folder)
	} else {
		unlock, err := r.folder.Lock()
		if err != nil {
			return "", err
		}
		defer unlock()
		if own, err := fs.Glob(os.DirFS(filepath.Join(dir, eventsDir)), "*.captionlab"); err != nil || len(own) > 0 {
			return "", errors.Join(err, fmt.Errorf("%s: %w; another folder can have a second copy", r.Dir, ErrHasEvents))
		}
	}
	if r, err = r.now(); err != nil {
		return "", err
	}
	rows, err := r.Curve()
	if err != nil {
		return "", err
	}
	target := &runfolder.Folder{Dir: dir}
	defer func() { err = errors.Join(err, target.RemoveTemporary()) }()
	for sub, write := range map[string]func(*tensorboard.Writer) error{
		eventsDir: func(w *tensorboard.Writer) error {
			err := errors.Join(writeStart(w, r.folder, r.RunInfo), writeCurves(w, r.RunInfo, rows, stepValues))
			if err != nil {
				return err
			}
			return writeEnd(w, r.folder, r.RunInfo, r.ended())
		},
		epochEventsDir: func(w *tensorboard.Writer) error { return writeCurves(w, r.RunInfo, rows, epochValues) },
	} {
		if err := writeEventFile(target, sub, r.Started, write); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, eventsDir), nil
}

// writeEventFile writes an event file whole, in place of the one before.
func writeEventFile(f *runfolder.Folder, dir string, at time.Time, write func(*tensorboard.Writer) error) error {
	data, err := tensorboard.Bytes(at, write)
	if err == nil {
		err = tensorboard.Remove(f.Path(filepath.FromSlash(dir)), eventsEnd)
	}
	if err != nil {
		return err
	}
	name, err := tensorboard.NextName(f.Path(filepath.FromSlash(dir)), at)
	if err != nil {
		return err
	}
	return f.WriteFile(dir+"/"+name+eventsEnd, data)
}
