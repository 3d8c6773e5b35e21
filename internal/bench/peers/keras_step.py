"""A training step of the decoder in Keras: python keras_step.py BACKEND BENCHMARK"""
import os
import sys

backend, benchmark = sys.argv[1:]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

import peer
from keras_decoder import compiled, lstm, output, parts

sizes, weights, data = peer.load(benchmark)
picture = keras.Input((sizes["features"],))
tokens = keras.Input((data["tokens"].shape[1],), dtype="int32")
x, state = parts(sizes, weights)(picture, tokens)
hidden = lstm(sizes, weights, return_sequences=True)(x, initial_state=state)
if sizes["inject"] == "pre":
    hidden = hidden[:, 1:]
model = compiled(sizes, keras.Model([picture, tokens], output(sizes, weights)(hidden)))


def step():
    return model.train_on_batch([data["features"], data["tokens"]], data["targets"])


peer.measure(benchmark, "keras-" + backend, sizes, step, ["keras", {"jax": "jax", "tensorflow": "tensorflow-cpu"}[backend]])
