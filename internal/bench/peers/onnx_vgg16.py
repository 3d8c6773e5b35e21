"""VGG16 up to averaged block5_pool in ONNX Runtime: python onnx_vgg16.py"""
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import peer
from vgg16_peer import MEAN, measure, names

sizes, weights, data = peer.load("vgg16")
nodes, constants, x = [], [], "x"


def add(kind, inputs, **attributes):
    global x
    nodes.append(helper.make_node(kind, [x, *inputs], [f"x{len(nodes)}"], **attributes))
    x = nodes[-1].output[0]


for name in names():
    if name is None:
        add("MaxPool", [], kernel_shape=[2, 2], strides=[2, 2])
        continue
    kernel = np.ascontiguousarray(weights[name + "/kernel"].transpose(3, 2, 0, 1))
    constants += [numpy_helper.from_array(kernel, name + "_w"), numpy_helper.from_array(weights[name + "/bias"], name + "_b")]
    add("Conv", [name + "_w", name + "_b"], pads=[1, 1, 1, 1])
    add("Relu", [])
add("GlobalAveragePool", [])
add("Flatten", [])
graph = helper.make_graph(nodes, "vgg16", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 224, 224])],
                          [helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, ["n", 512])], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
pixels = data["pixels"].astype("uint8")


def forward():
    batch = np.ascontiguousarray((pixels[..., ::-1] - MEAN).transpose(0, 3, 1, 2))
    return session.run(None, {"x": batch})[0]


measure("onnxruntime", forward, sizes, ["onnxruntime"])
