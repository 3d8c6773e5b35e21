"""Makes cnn_first.onnx, cnn_last.onnx and onnx_networks.json: python onnx_networks.py (onnx 1.23.2, onnxruntime 1.32.0).

One small network of what ONNX files of image models hold, as PyTorch writes it (channels first, any batch) and as
tf2onnx does (channels last outside, batch of 2, weights among the inputs), and what ONNX Runtime makes of the picture.
"""
import json
import os

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import formula

here = os.path.dirname(os.path.abspath(__file__))


def network(first, batch):
    """A convolution, a depthwise one, a 1×1 one, batch normalization, a shortcut, pools and a dense layer."""
    made = {"stem.weight": (8, 3, 3, 3), "stem.bias": (8,), "depth.weight": (8, 1, 5, 5), "point.weight": (8, 8, 1, 1), "fc.weight": (5, 8), "fc.bias": (5,),
            "bn.gamma": (8,), "bn.beta": (8,), "bn.mean": (8,), "bn.var": (8,)}
    tensors = {}
    for seed, (name, shape) in enumerate(made.items()):
        around = 1 if name in ("bn.gamma", "bn.var") else 0
        tensors[name] = formula.weights(shape, seed, int(numpy.prod(shape[1:])), around)
    tensors["low"], tensors["high"] = numpy.float32(0), numpy.float32(6)
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "stem.weight", "stem.bias"], ["stem"], strides=[2, 2], pads=[0, 0, 1, 1]),
        node("Relu", ["stem"], ["stem_relu"]),
        node("MaxPool", ["stem_relu"], ["pool"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Conv", ["pool", "depth.weight"], ["depth"], group=8, pads=[2, 2, 2, 2]),
        node("Clip", ["depth", "low", "high"], ["depth_relu6"]),
        node("Conv", ["depth_relu6", "point.weight"], ["point"]),
        node("BatchNormalization", ["point", "bn.gamma", "bn.beta", "bn.mean", "bn.var"], ["bn"], epsilon=1e-3),
        node("Add", ["bn", "pool"], ["grid"]),
        node("GlobalAveragePool", ["grid"], ["pooled"]),
        node("Flatten", ["pooled"], ["features"]),
        node("Gemm", ["features", "fc.weight", "fc.bias"], ["logits"], transB=1),
    ]
    size, value = [28, 36], helper.make_tensor_value_info
    if not first:
        nodes[0].input[0] = "x_first"
        nodes = [node("Transpose", ["x"], ["x_first"], perm=[0, 3, 1, 2])] + nodes + [node("Transpose", ["grid"], ["grid_last"], perm=[0, 2, 3, 1])]
    shape = [batch, 3, *size] if first else [batch, *size, 3]
    inputs = [value("x", TensorProto.FLOAT, shape)]
    if not first:  # as files before IR version 4
        inputs += [value(n, TensorProto.FLOAT, t.shape) for n, t in tensors.items()]
    outputs = [value("logits", TensorProto.FLOAT, [batch, 5])] + ([] if first else [value("grid_last", TensorProto.FLOAT, [batch, 7, 9, 8])])
    graph = helper.make_graph(nodes, "small CNN", inputs, outputs, [numpy_helper.from_array(t, n) for n, t in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8 if first else 3)
    onnx.checker.check_model(model)
    return model


def main():
    reference = {}
    rgb = formula.picture()[:28, :36] / 255  # preprocessing "unit"
    for name, first, batch in (("cnn_first", True, "n"), ("cnn_last", False, 2)):
        model = network(first, batch)
        onnx.save(model, os.path.join(here, name + ".onnx"))
        taps = ["stem_relu", "pool", "depth_relu6", "grid", "features", "logits"] + ([] if first else ["grid_last"])
        tapped = onnx.ModelProto()
        tapped.CopyFrom(model)
        tapped.ir_version = 8
        del tapped.graph.output[:]
        tapped.graph.output.extend(helper.make_tensor_value_info(t, TensorProto.FLOAT, None) for t in taps)
        pictures = numpy.stack([rgb, rgb[::-1]]).astype("float32")
        session = onnxruntime.InferenceSession(tapped.SerializeToString())
        outputs = session.run(taps, {"x": pictures.transpose(0, 3, 1, 2) if first else pictures})
        reference[name] = {t: formula.sample(out[0].transpose(1, 2, 0) if out.ndim == 4 and t != "grid_last" else out[0]) for t, out in zip(taps, outputs)}
    with open(os.path.join(here, "onnx_networks.json"), "w") as f:
        f.write(json.dumps(reference, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
