"""Makes keras_vgg19.json and keras_resnet50.json: python keras_networks.py [vgg19|resnet50|files] (Keras 3.15.1 on JAX
0.10.2, h5py 3.14.0). files are stem.h5 and stem.weights.h5: a convolution and its batch normalization as Keras keeps them.

Each has Keras' summary table, the names and shapes of the weights, and samples of the activations with weights made by
a formula (formula.py).
"""
import json
import math
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras

import formula

here = os.path.dirname(os.path.abspath(__file__))


def files():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(32, 3, use_bias=False, name="stem_conv"), keras.layers.BatchNormalization(name="stem_bn")])
    model.set_weights([formula.weights(w.shape, seed, math.prod(w.shape[:-1]), 0) for seed, w in enumerate(model.weights)])
    model.save(os.path.join(here, "stem.h5"))
    model.save_weights(os.path.join(here, "stem.weights.h5"))


def main():
    if "files" in (sys.argv[1:] or ["files"]):
        files()
    applications = keras.applications
    for name, build, preprocess, layers, calm in (
        ("vgg19", applications.VGG19, applications.vgg19.preprocess_input, ["block5_conv4", "block5_pool", "fc2", "predictions"], 2**-7),
        ("resnet50", applications.ResNet50, applications.resnet50.preprocess_input,
         ["conv1_relu", "conv2_block1_0_bn", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out", "avg_pool", "predictions"], 2**-19),
    ):
        if name not in (sys.argv[1:] or [name]):
            continue
        model = build(weights=None)
        made, names = [], []
        for seed, w in enumerate(model.weights):
            value = formula.weights(w.shape, seed, math.prod(w.shape[:-1]), 1 if w.path.endswith(("gamma", "variance")) else 0)
            if w.path == "predictions/kernel":
                value = value * value.dtype.type(calm)  # else one class takes all
            made.append(value)
            names.append([w.path, list(w.shape)])
        model.set_weights(made)
        outputs = keras.Model(model.input, [model.get_layer(l).output for l in layers]).predict(preprocess(formula.picture())[None], verbose=0)
        count = lambda ws: sum(math.prod(w.shape) for w in ws)
        reference = {
            "calm": calm,
            "counts": [model.count_params(), count(model.trainable_weights), count(model.non_trainable_weights)],
            "table": [[l.name, type(l).__name__, list((l.output if not isinstance(l.output, list) else l.output[0]).shape[1:]), l.count_params()] for l in model.layers],
            "weights": names,
            "layers": {l: formula.sample(out[0]) for l, out in zip(layers, outputs)},
        }
        with open(os.path.join(here, f"keras_{name}.json"), "w") as f:
            f.write(json.dumps(reference, separators=(",", ":")) + "\n")
        print(name, reference["counts"], {l: round(s["rms"], 5) for l, s in reference["layers"].items()})


if __name__ == "__main__":
    main()
