package experiments

import (
	"errors"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// DVC's files in a run folder. dvcMetrics has every figure that the run measured, by name.
const (
	dvcFile    = "dvc.yaml"
	dvcMetrics = "metrics.json"
)

// dvcPlot is an entry of the plots of dvc.yaml: curves of a table, or, without them, a picture.
type dvcPlot struct {
	X        string              `yaml:"x"`
	Y        map[string][]string `yaml:"y"`
	XLabel   string              `yaml:"x_label"`
	YLabel   string              `yaml:"y_label"`
	Title    string              `yaml:"title"`
	Template string              `yaml:"template"`
}

// dvcCurves are the curves that DVC draws of metrics.csv, by name.
var dvcCurves = []struct {
	name, x, xLabel, yLabel string
	y                       []string
}{
	{"loss", "step", "training steps (batches)", "nats a token", []string{"train_teacher_forced_loss", "validation_teacher_forced_loss"}},
	{"accuracy", "step", "training steps (batches)", "share of tokens", []string{"train_teacher_forced_accuracy", "validation_teacher_forced_accuracy"}},
	{"loss by epoch", "epoch", "epochs", "nats a token", []string{"train_teacher_forced_loss", "validation_teacher_forced_loss"}},
	{"accuracy by epoch", "epoch", "epochs", "share of tokens", []string{"train_teacher_forced_accuracy", "validation_teacher_forced_accuracy"}},
}

// writeDVC writes metrics.json, which is flat, and dvc.yaml, which names it and the plots: `dvc metrics show` and
// `dvc plots show` read them.
func writeDVC(f *runfolder.Folder, info RunInfo) error {
	if err := f.WriteJSON(dvcMetrics, finite(info.Results)); err != nil {
		return err
	}
	plots := []any{}
	curves := dvcCurves
	if _, err := os.Stat(f.Path(runfolder.MetricsCSV)); errors.Is(err, fs.ErrNotExist) {
		curves = nil // an ensemble trained nothing
	}
	for _, c := range curves {
		plots = append(plots, map[string]dvcPlot{c.name: {X: c.x, Y: map[string][]string{runfolder.MetricsCSV: c.y},
			XLabel: c.xLabel, YLabel: c.yLabel, Title: c.name + ", teacher-forced", Template: "linear"}})
	}
	pictures, err := fs.Glob(os.DirFS(f.Path("plots")), "confusion_*.png")
	if err != nil {
		return err
	}
	for _, p := range pictures {
		plots = append(plots, "plots/"+p)
	}
	text, err := yaml.Marshal(map[string]any{"metrics": []string{dvcMetrics}, "plots": plots})
	if err != nil {
		return err
	}
	return f.WriteFile(dvcFile, append([]byte("# captionlab writes this file: what DVC shows of the run.\n"), text...))
}

// ExportDVC writes DVC's files into the folder of a run that an earlier version made, and returns the path of dvc.yaml.
func ExportDVC(r *RunFolder) (path string, err error) {
	unlock, err := r.folder.Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if r, err = r.now(); err != nil {
		return "", err
	}
	if _, err := os.Stat(r.folder.Path(runfolder.MetricsCSV)); err != nil && r.Status != runfolder.Done {
		return "", errors.Join(errors.New("no epoch has ended yet"), err)
	}
	return r.folder.Path(dvcFile), writeDVC(r.folder, r.RunInfo)
}
