package experiments

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/captionlab/captionlab/internal/mlflow"
	"github.com/captionlab/captionlab/internal/runfolder"
)

// MLflowExperiment is the name of the MLflow experiment into which runs go where no other is named.
const MLflowExperiment = "captionlab"

// mlflowStatus are the statuses of runs as MLflow has them.
var mlflowStatus = map[runfolder.Status]mlflow.Status{
	runfolder.Running: mlflow.Running, runfolder.Done: mlflow.Finished, runfolder.Failed: mlflow.Failed, runfolder.Interrupted: mlflow.Killed,
}

// notArtifacts are files and folders of a run folder that no export copies: checkpoints are large, and the rest is for
// one tool alone, or for captionlab itself.
var notArtifacts = []string{checkpointsDir, eventsDir, dvcFile, dvcMetrics, ".lock", ".tmp"}

// ExportMLflow writes runs into an MLflow file store, a folder like mlruns: config as parameters, curves and figures as
// metrics, what the run was made with as tags, and its files but for checkpoints as artifacts. experiment is MLflow's name
// for what holds them; "": captionlab. A run that was exported before is replaced. It returns the runs' folders in the store.
func ExportMLflow(ctx context.Context, runs []*RunFolder, store, experiment string) (dirs []string, err error) {
	if store == "" {
		return nil, errors.New("MLflow store: expected a folder, got an empty path")
	}
	if experiment == "" {
		experiment = MLflowExperiment
	}
	for _, r := range runs {
		if err := ctx.Err(); err != nil {
			return dirs, err
		}
		m, err := mlflowRun(r)
		if err != nil {
			return dirs, err
		}
		dir, err := mlflow.Export(store, experiment, m)
		if err != nil {
			return dirs, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

func mlflowRun(r *RunFolder) (m mlflow.Run, err error) {
	if r, err = r.now(); err != nil {
		return m, err
	}
	m = mlflow.Run{
		Key: r.Folder + " " + r.ConfigHash, Name: r.Folder, Status: mlflowStatus[r.Status], Started: r.Started, Ended: r.ended(),
		Metrics: map[string][]mlflow.Point{}, Artifacts: map[string]string{},
		Tags: map[string]string{"mlflow.source.type": "LOCAL"},
	}
	if r.Status == runfolder.Running {
		m.Ended = time.Time{}
	}
	if m.Params, err = r.folder.Settings(); err != nil {
		return m, err
	}
	var earlier []string
	for _, p := range r.Earlier {
		earlier = append(earlier, p.GitCommit)
	}
	for tag, value := range map[string]string{
		"captionlab.earlier_commits": strings.Join(slices.Compact(earlier), " "),
		"mlflow.source.name":         r.Command, "mlflow.source.git.commit": r.GitCommit, "mlflow.note.content": r.Description,
		"captionlab.experiment": r.Name, "captionlab.config_hash": r.ConfigHash, "captionlab.error": r.Error, "captionlab.device": r.Device,
		"captionlab.go_version": r.GoVersion, "captionlab.cpu": r.Host.CPU, "captionlab.data_hash": r.Hashes["data"],
	} {
		if value != "" {
			m.Tags[tag] = value
		}
	}
	rows, err := r.Curve()
	if err != nil {
		return m, err
	}
	last := 0
	for _, row := range rows {
		figures, err := epochFigures(row)
		if err != nil {
			return m, err
		}
		figures["epoch"] = float64(row.Epoch)
		for name, x := range figures {
			m.Metrics[name] = append(m.Metrics[name], mlflow.Point{Time: epochTime(r.RunInfo, row), Step: row.Step, Value: x})
		}
		last = row.Step
	}
	for name, x := range finite(r.Results) {
		// A figure of the best epoch's weights under the name of a curve would be a point of it that no epoch has.
		m.Metrics["final_"+name] = []mlflow.Point{{Time: m.Ended, Step: last, Value: x}}
		if m.Ended.IsZero() {
			m.Metrics["final_"+name][0].Time = r.Started
		}
	}
	dir, err := filepath.EvalSymlinks(r.Dir) // WalkDir doesn't enter a link
	if err != nil {
		return m, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case slices.Contains(notArtifacts, name) && d.IsDir():
			return fs.SkipDir
		case d.Type().IsRegular() && !slices.Contains(notArtifacts, name):
			m.Artifacts[filepath.ToSlash(name)] = path
		}
		return nil
	})
	return m, err
}
