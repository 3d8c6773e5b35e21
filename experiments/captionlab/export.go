package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export FORMAT RUN ...",
		Short: "Write runs as other tools read them: mlflow, tensorboard, coco, dvc, inputs",
		Long: `Export writes finished runs in the formats of other tools. New runs have the files of TensorBoard, COCO's
evaluation and DVC in their folder already; export makes them for runs of earlier versions. Inputs are
for programs that train a decoder of their own on the same features and captions.`,
		Example: `  captionlab export mlflow last
  captionlab export tensorboard results/*-quickstart-*`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(exportMLflowCommand(), exportTensorBoardCommand(), exportCOCOCommand(), exportDVCCommand(), exportInputsCommand())
	for _, sub := range c.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	return c
}

// exporter is what the subcommands have in common: runs, and where they are looked for.
func exporter(c *cobra.Command, do func(c *cobra.Command, runs []*experiments.RunFolder) error) *cobra.Command {
	var results string
	c.Long += runHelp
	c.Args = needArg("runs, as in captionlab export "+c.Name()+" last", -1)
	c.RunE = func(c *cobra.Command, args []string) error {
		var runs []*experiments.RunFolder
		for _, name := range args {
			r, err := experiments.OpenRun(results, name)
			if err != nil {
				return err
			}
			runs = append(runs, r)
		}
		return do(c, runs)
	}
	c.Flags().StringVar(&results, "results", "", "folder in which runs are looked for (default: results in the checkout)")
	return c
}

func exportMLflowCommand() *cobra.Command {
	var to, experiment string
	c := exporter(&cobra.Command{
		Use:   "mlflow RUN ... [--to DIR] [--experiment NAME]",
		Short: "Write runs into an MLflow file store",
		Long: `Mlflow writes runs into an MLflow file store: the config as parameters, the curves by training step
(batches) and every figure (final_…) as metrics, what the run was made with as tags, and its files but
for checkpoints as artifacts. Exporting a run again replaces it, and keeps tags that it got in MLflow.

MLflow's newest versions read file stores with MLFLOW_ALLOW_FILE_STORE=true alone; mlflow
migrate-filestore moves one into a database. Artifacts are named by their absolute path, as MLflow does:
where the store was moved, export again.`,
		Example: `  captionlab export mlflow last
  captionlab export mlflow results/*-size-* --to /srv/mlruns --experiment sizes
  MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri mlruns`,
	}, func(c *cobra.Command, runs []*experiments.RunFolder) error {
		if to == "" {
			return &usageError{c, "--to: expected the store's folder"}
		}
		dirs, err := experiments.ExportMLflow(c.Context(), runs, to, experiment)
		for _, dir := range dirs {
			fmt.Fprintln(c.OutOrStdout(), dir)
		}
		return err
	})
	c.Flags().StringVar(&to, "to", "mlruns", "the store's folder")
	c.Flags().StringVar(&experiment, "experiment", experiments.MLflowExperiment, "MLflow's experiment that holds the runs")
	return c
}

func exportTensorBoardCommand() *cobra.Command {
	var to string
	c := exporter(&cobra.Command{
		Use:   "tensorboard RUN ... [--to DIR]",
		Short: "Write TensorBoard's event files of runs that have none",
		Long: `Tensorboard writes event files of runs that were made with runtime.tensorboard = false, or by an earlier
version: the curves by epoch, and what stands at the end. They go into the run folders, or with --to
into a folder with one for each run. Runs that wrote their own, which hold each step's loss besides, are
refused without --to.`,
		Example: `  captionlab export tensorboard last
  captionlab export tensorboard results/*-size-* --to boards
  tensorboard --logdir boards`,
	}, func(c *cobra.Command, runs []*experiments.RunFolder) error {
		for _, r := range runs {
			dir, err := experiments.ExportTensorBoard(r, to)
			if errors.Is(err, experiments.ErrHasEvents) {
				err = fmt.Errorf("%w: --to DIR", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), dir)
		}
		return nil
	})
	c.Flags().StringVar(&to, "to", "", "folder that gets a folder for each run (default: the run's own)")
	return c
}

func exportCOCOCommand() *cobra.Command {
	return exporter(&cobra.Command{
		Use:   "coco RUN ...",
		Short: "Write captions as COCO results, with their references",
		Long: `Coco writes two files for each captioned split into a run's folder: coco/captions_SPLIT_results.json,
[{"image_id", "caption"}], and coco/captions_SPLIT.json, the references that the run was scored against
in the form of COCO's captions. pycocotools' loadRes, pycocoevalcap and captionlab score take them.
COCO's own pictures have their ids, others are numbered from 1; file_name in the references says which
picture it is.`,
		Example: `  captionlab export coco last`,
	}, func(c *cobra.Command, runs []*experiments.RunFolder) error {
		for _, r := range runs {
			paths, err := experiments.ExportCOCO(r)
			if err != nil {
				return err
			}
			for _, path := range paths {
				fmt.Fprintln(c.OutOrStdout(), path)
			}
		}
		return nil
	})
}

func exportDVCCommand() *cobra.Command {
	return exporter(&cobra.Command{
		Use:   "dvc RUN ...",
		Short: "Write dvc.yaml and metrics.json, which DVC shows",
		Long: `Dvc writes dvc.yaml and metrics.json into a run's folder: dvc metrics show and dvc plots show read them.
DVC wants a repository, and overlooks what Git ignores, as it does results: make one of the results
folder (cd results; dvc init --no-scm).`,
		Example: `  captionlab export dvc last
  cd results; dvc init --no-scm; dvc metrics show`,
	}, func(c *cobra.Command, runs []*experiments.RunFolder) error {
		for _, r := range runs {
			path, err := experiments.ExportDVC(r)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), path)
		}
		return nil
	})
}
