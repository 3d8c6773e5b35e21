"""Reads a finished run with the tools whose files it has, each from PyPI, and prints what they see as JSON.

python readers.py tensorboard DIR | mlflow STORE | coco REFERENCES RESULTS | dvc RUN

experiments/testdata/readers.sh installs them and runs the test, TestOtherToolsRead.
"""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys


def tensorboard(folder):
    """Scalars and texts by run and tag, pictures decoded, and what the HPARAMS tab gets, from TensorBoard's own back end."""
    from PIL import Image
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import backend_context, get_experiment, list_session_groups, api_pb2
    from tensorboard.util import tensor_util

    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={"scalars": 0, "images": 0, "text": 0}, purge_orphaned_data=True)
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    runs = {}
    for run in multiplexer.Runs():
        out = runs[run] = {"scalars": {}, "texts": {}, "pictures": {}}
        accumulator = multiplexer.GetAccumulator(run)
        for plugin in ["scalars", "images", "text"]:
            try:
                tags = accumulator.PluginTagToContent(plugin)
            except KeyError:
                continue
            for tag in tags:
                events = [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
                if plugin == "scalars":
                    out["scalars"][tag] = [[step, float(value)] for step, value in events]
                elif plugin == "text":
                    out["texts"][tag] = [value.item().decode() for _, value in events]
                else:
                    pictures = []
                    for _, (width, height, data) in events:
                        picture = Image.open(io.BytesIO(data))
                        picture.load()
                        pictures.append([int(width), int(height), *picture.size])
                    out["pictures"][tag] = {"sizes": pictures, "title": accumulator.SummaryMetadata(tag).display_name}

    provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = RequestContext()
    experiment = get_experiment.Handler(request, context, "", api_pb2.GetExperimentRequest(include_metrics=True)).run()
    groups = list_session_groups.Handler(request, context, "", api_pb2.ListSessionGroupsRequest(
        slice_size=100, include_metrics=True,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING],
        col_params=[api_pb2.ColParams(metric=m.name) for m in experiment.metric_infos])).run()

    def plain(value):
        return getattr(value, value.WhichOneof("kind"))

    sessions = [{
        "hparams": {name: plain(value) for name, value in group.hparams.items()},
        "metrics": {m.name.tag: m.value for m in group.metric_values},
        "statuses": [api_pb2.Status.Name(s.status) for s in group.sessions],
    } for group in groups.session_groups]
    return {"runs": runs, "columns": [m.name.tag for m in experiment.metric_infos], "sessions": sessions}


def mlflow(store):
    """All runs of the store, from MLflow's client."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # from MLflow 3.13 on it wants to be asked
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=pathlib.Path(store).absolute().as_uri())
    out = []
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            artifacts = [a.path for a in client.list_artifacts(run.info.run_id)]
            report = pathlib.Path(client.download_artifacts(run.info.run_id, "report.html")).stat().st_size
            out.append({
                "experiment": experiment.name, "id": run.info.run_id, "name": run.info.run_name, "status": run.info.status,
                "start": run.info.start_time, "end": run.info.end_time, "params": run.data.params, "tags": run.data.tags,
                "metrics": run.data.metrics, "artifacts": artifacts, "report_bytes": report,
                "histories": {name: [[m.step, m.value, m.timestamp] for m in client.get_metric_history(run.info.run_id, name)]
                              for name in run.data.metrics},
            })
    return out


def coco(references, results):
    """What pycocotools' loadRes makes of the results, and pycocoevalcap's BLEU and CIDEr on its tokens."""
    import contextlib

    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(sys.stderr):
        people = COCO(references)
        model = people.loadRes(results)
        gts = {i: people.imgToAnns[i] for i in model.getImgIds()}
        res = {i: model.imgToAnns[i] for i in model.getImgIds()}
        out = {"images": len(model.getImgIds()), "captions": len(model.getAnnIds()), "scores": {}}
        if shutil.which("java"):
            from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
            tokenizer = PTBTokenizer()
            gts, res = tokenizer.tokenize(gts), tokenizer.tokenize(res)
            bleu = Bleu(4).compute_score(gts, res)[0]
            out["scores"] = {f"bleu_{n + 1}": x for n, x in enumerate(bleu)}
            out["scores"]["cider"] = float(Cider().compute_score(gts, res)[0])
    return out


def dvc(run):
    """What `dvc metrics show` and `dvc plots show` print of a copy of a run's files in a repository."""
    run = pathlib.Path(run)

    def show(what):
        command = [os.environ.get("CAPTIONLAB_DVC", "dvc"), what, "show", "--json"]
        return json.loads(subprocess.run(command, cwd=run, check=True, capture_output=True, text=True).stdout)

    subprocess.run([os.environ.get("CAPTIONLAB_DVC", "dvc"), "init", "--no-scm", "--quiet"], cwd=run, check=True, stdout=sys.stderr)
    return {"metrics": show("metrics"), "plots": show("plots")}


if __name__ == "__main__":
    json.dump({"tensorboard": tensorboard, "mlflow": mlflow, "coco": coco, "dvc": dvc}[sys.argv[1]](*sys.argv[2:]), sys.stdout)
