"""Converts a Keras .h5 weights file to safetensors: python kerash5.py IN.h5 OUT.safetensors

Tensors are named layer/kernel, layer/bias and so on, whatever folders the file nests them in.
"""
import json
import struct
import sys

import h5py
import numpy

BATCH_NORMALIZATION = ("gamma", "beta", "moving_mean", "moving_variance")
KINDS = ("kernel", "bias") + BATCH_NORMALIZATION


def read(source):
    tensors = {}

    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or item.ndim == 0 or item.dtype.kind != "f":
            return
        parts = [p for p in path.split("/") if p not in ("model_weights", "layers")]
        if len(parts) < 2:  # of no layer
            return
        layer, last = parts[0], parts[-1].split(":")[0]
        if parts[-2] == "vars":  # Keras 3: layers/conv2d_1/vars/0, and the layer's own name beside it
            layer = item.parent.attrs.get("name", layer)
            kinds = BATCH_NORMALIZATION if len(item.parent) == 4 else ("kernel", "bias")
            last = kinds[int(last)] if int(last) < len(kinds) else ""
        older = {layer + "_W_1": "kernel", layer + "_b_1": "bias", "depthwise_kernel": "kernel"}
        kind = older.get(last, last)
        if kind not in KINDS:
            return
        tensors[layer + "/" + kind] = numpy.ascontiguousarray(item[()], dtype="<f4")

    with h5py.File(source, "r") as f:
        f.visititems(visit)
    return tensors


def write(tensors, target):
    header, at = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    head = json.dumps(header).encode()
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(head)))
        f.write(head)
        for value in tensors.values():
            f.write(value.tobytes())


try:
    found = read(sys.argv[1])
except Exception as e:  # h5py has many for a damaged file
    sys.exit(f"not a Keras .h5 file, or a damaged one: {e}")
if not found:
    sys.exit("it holds no layers' weights; expected Keras' model or weights file, with float tensors named " + ", ".join(KINDS))
write(found, sys.argv[2])
