"""Makes keras.json and the weight files beside it: python reference.py (Keras 3.15.1 on JAX 0.10.2, h5py 3.14.0,
onnx 1.23.2, safetensors 0.8.0).

keras.json: samples of VGG16's activations with weights made by a formula (weights below), on the picture
x[h, w, c] = (3h + 5w + 7c) mod 256, c counting blue, green, red; and of Keras' preprocessing.
The weight files hold one layer, block1_conv1: the .h5 files in the three ways that Keras has kept weights, the others
as PyTorch names and transposes it, and under Keras' names.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import keras
import numpy
import onnx
import safetensors.numpy

here = os.path.dirname(os.path.abspath(__file__))


def noise(count, seed):
    """Values in [-0.5, 0.5), exact in float32."""
    x = (numpy.arange(count, dtype="uint64") + seed * 1000003) & 0xFFFFFFFF
    x = x * 2654435761 & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 2246822519 & 0xFFFFFFFF
    x ^= x >> 13
    return ((x >> 8).astype("float32") * numpy.float32(2**-24) - numpy.float32(0.5)).astype("float32")


def weights(shape, seed):
    """A kernel uniform in ±√(6/inputs), which keeps activations of one size; a bias in ±0.5."""
    count = int(numpy.prod(shape))
    if len(shape) == 1:
        return noise(count, seed)
    return noise(count, seed).reshape(shape) * numpy.float32(2 * numpy.sqrt(6 / numpy.prod(shape[:-1])))


def main():
    model = keras.applications.VGG16(weights=None)
    seed = 0
    for layer in model.layers:
        if layer.weights:
            made = [weights(w.shape, seed + n) for n, w in enumerate(layer.weights)]
            if layer.name == "predictions":
                made[0] *= numpy.float32(2**-7)  # else one class takes all
            layer.set_weights(made)
            seed += 2
    h, w, c = numpy.mgrid[0:224, 0:224, 0:3]
    bgr = ((3 * h + 5 * w + 7 * c) % 256).astype("float32")
    x = keras.applications.vgg16.preprocess_input(bgr[..., ::-1].copy())[None]
    layers = ["block3_conv1", "flatten", "fc1", "fc2", "predictions"]
    outputs = keras.Model(model.input, [model.get_layer(l).output for l in layers]).predict(x, verbose=0)
    golden = {}
    for name, out in zip(layers, outputs):
        flat = numpy.asarray(out[0], "float64").ravel()
        at = numpy.linspace(0, flat.size - 1, 9).astype(int)
        golden[name] = {"shape": list(out.shape[1:]), "rms": float(numpy.sqrt((flat**2).mean())), "mean": float(flat.mean()),
                        "at": at.tolist(), "values": [float(v) for v in flat[at]]}
    pixel = numpy.array([[[200, 100, 50], [0, 255, 128]]], "float32")
    preprocessing = {mode: keras.applications.imagenet_utils.preprocess_input(pixel.copy(), mode=mode).ravel().tolist() for mode in ("caffe", "torch")}
    with open(os.path.join(here, "keras.json"), "w") as f:
        json.dump({"layers": golden, "preprocessing": preprocessing}, f, indent=1)
        f.write("\n")

    small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(64, 3, name="block1_conv1")])
    kernel, bias = weights((3, 3, 3, 64), 0), weights((64,), 1)
    small.layers[0].set_weights([kernel, bias])
    small.save(os.path.join(here, "model.h5"))
    small.save_weights(os.path.join(here, "keras3.weights.h5"))
    with h5py.File(os.path.join(here, "keras2.h5"), "w") as f:  # as the released vgg16_weights_tf_dim_ordering_tf_kernels.h5
        group = f.create_group("block1_conv1")
        f.create_group("block1_pool")
        group["block1_conv1_W_1:0"], group["block1_conv1_b_1:0"] = kernel, bias
    oihw = numpy.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    safetensors.numpy.save_file({"features.0.weight": oihw, "features.0.bias": bias}, os.path.join(here, "torch.safetensors"), {"format": "pt"})
    safetensors.numpy.save_file({"block1_conv1/kernel": kernel, "block1_conv1/bias": bias}, os.path.join(here, "keras.safetensors"))
    raw = onnx.numpy_helper.from_array(oihw, "features.0.weight")
    listed = onnx.helper.make_tensor("features.0.bias", onnx.TensorProto.FLOAT, [64], bias.tolist())
    node = onnx.helper.make_node("Conv", ["x", "features.0.weight", "features.0.bias"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, c, 8, 8]) for n, c in (("x", 3), ("y", 64)))
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one layer", [x], [y], [raw, listed]))
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(here, "torch.onnx"))


if __name__ == "__main__":
    main()
