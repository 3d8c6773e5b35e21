"""An epoch of the paper's method in Keras, on (picture, first characters) -> next character: python keras_pairs.py BACKEND

Some steps are timed and scaled to the epoch. With our weights, the mean loss of all pairs of the first captions must be our
loss of these captions.
"""
import os
import statistics
import sys
import time

backend = sys.argv[1]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

import peer
from keras_decoder import compiled, lstm, output, parts

sizes, weights, data = peer.load("pairs")
length = data["tokens"].shape[1]
picture = keras.Input((sizes["features"],))
prefix = keras.Input((length,), dtype="int32")
x, _ = parts(sizes, weights)(picture, prefix)
seen = keras.layers.Lambda(lambda ids: keras.ops.pad(ids != 0, [[0, 0], [1, 0]], constant_values=True), output_shape=(length + 1,))(prefix)
model = compiled(sizes, keras.Model([picture, prefix], output(sizes, weights)(lstm(sizes, weights)(x, mask=seen))))

rows, ends = np.nonzero(data["weights"])
prefixes = np.where(np.arange(length) <= ends[:, None], data["tokens"][rows], 0).astype("int32")
targets = data["targets"][rows, ends]


def batch(n):
    at = np.arange(n * sizes["batch"], (n + 1) * sizes["batch"]) % len(rows)
    return [data["features"][rows[at]], prefixes[at]], targets[at]


loss = model.evaluate([data["features"][rows], prefixes], targets, batch_size=sizes["batch"], verbose=0)
times = []
for n in range(peer.WARM + sizes["steps"]):
    began = time.perf_counter()
    model.train_on_batch(*batch(n))
    times.append(time.perf_counter() - began)
steps = sizes["pairs"] / sizes["batch"]
peer.report("pairs", "keras-" + backend, statistics.mean(times[peer.WARM:]) * steps, "s/epoch", {"loss of the first captions": loss},
            f"{sizes['steps']} steps of {sizes['batch']} pairs, scaled to the epoch's {steps:.0f}", ["keras", {"jax": "jax", "tensorflow": "tensorflow-cpu"}[backend]])
