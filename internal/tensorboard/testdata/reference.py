"""Writes reference.tfevents, the file that TestSameBytesAsTensorBoard wants byte for byte, with TensorBoard's own code.

pip install tensorboard==2.20.0 tensorflow-cpu==2.21.0 (which the summaries of the hparams plugin import); python reference.py
"""

import pathlib

from google.protobuf import struct_pb2
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary as hparams
from tensorboard.plugins.image import metadata as image
from tensorboard.plugins.text import metadata as text
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

PNG = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001080000000"
                    "03a7e9b550000000a49444154789c6360000000020001481f0a5a0000000049454e44ae426082")


def event(step, **content):
    return event_pb2.Event(wall_time=1767268800.25, step=step, **content)


def values(step, *values):
    return event(step, summary=summary_pb2.Summary(value=values))


def tensor(tag, metadata, array):
    """A value as TensorBoard's summary operations write it."""
    return summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=array)


def described(metadata, data_class):
    metadata.data_class = data_class
    return metadata


experiment = hparams.experiment_pb(
    hparam_infos=[
        api_pb2.HParamInfo(name="decoder.units", type=api_pb2.DATA_TYPE_FLOAT64, differs=True),
        api_pb2.HParamInfo(name="text.lowercase", type=api_pb2.DATA_TYPE_BOOL,
                           domain_discrete=struct_pb2.ListValue(values=[struct_pb2.Value(bool_value=x) for x in [False, True]])),
        api_pb2.HParamInfo(name="text.tokenizer", type=api_pb2.DATA_TYPE_STRING),
    ],
    metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(tag="results/validation_cider"), display_name="validation_cider",
                                     dataset_type=api_pb2.DATASET_VALIDATION),
                  api_pb2.MetricInfo(name=api_pb2.MetricName(tag="results/best_epoch"), display_name="best_epoch")],
    description="why", time_created_secs=1767268800.25)
start = hparams.session_start_pb({"decoder.units": 256.0, "text.lowercase": False, "text.tokenizer": "wörter"}, start_time_secs=1767268800.25)
end = hparams.session_end_pb(api_pb2.STATUS_SUCCESS, end_time_secs=1767268800.25)
# They are TensorFlow's messages, of a TensorBoard that knew no classes of data yet.
experiment, start, end = (summary_pb2.Summary.FromString(s.SerializeToString()) for s in [experiment, start, end])
for summary in [experiment, start, end]:
    # A map has no order of its own: here it is that of its keys.
    metadata = described(summary.value[0].metadata, summary_pb2.DATA_CLASS_TENSOR)
    content = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
    metadata.plugin_data.content = content.SerializeToString(deterministic=True)

events = [
    event(0, file_version="brain.Event:2"),
    event(7, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    values(0, experiment.value[0], start.value[0]),
    values(7, summary_pb2.Summary.Value(tag="train/loss", simple_value=1 / 3), summary_pb2.Summary.Value(tag="empty", simple_value=0)),
    values(8,
           tensor("config", described(text.create_summary_metadata("", ""), summary_pb2.DATA_CLASS_TENSOR),
                  tensor_util.make_tensor_proto("*emoji* 🎉", shape=())),
           tensor("pictures/a.png", described(image.create_summary_metadata("", "", converted_to_tensor=False), summary_pb2.DATA_CLASS_BLOB_SEQUENCE),
                  tensor_util.make_tensor_proto([b"1", b"1", PNG], shape=(3,))),
           end.value[0]),
]
titled = events[-1].summary.value[1].metadata
titled.display_name, titled.summary_description = "a caption", "- a reference"

with open(pathlib.Path(__file__).with_name("reference.tfevents"), "wb") as out:
    writer = RecordWriter(out)
    for e in events:
        writer.write(e.SerializeToString(deterministic=True))
    writer.flush()
