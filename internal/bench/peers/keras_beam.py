"""Captions by greedy or beam search in Keras: python keras_beam.py BACKEND greedy|beam"""
import os
import sys

backend, name = sys.argv[1:]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import ops

from beam_peer import BATCH, END, IMPOSSIBLE, PAD, START, UNKNOWN, WIDTH, load, measure

weights, features, LENGTH, captions, logs = load(name)
UNITS = weights["lstm/recurrent_kernel"].shape[0]
cell = keras.layers.LSTMCell(UNITS)
cell.build((None, UNITS))
cell.set_weights([weights["lstm/kernel"], weights["lstm/recurrent_kernel"], weights["lstm/bias"]])
image = keras.layers.Dense(UNITS)
image.build((None, features.shape[1]))
image.set_weights([weights["image/kernel"], weights["image/bias"]])
embedding = keras.layers.Embedding(*weights["embedding/embeddings"].shape)
embedding.build((None,))
embedding.set_weights([weights["embedding/embeddings"]])
output = keras.layers.Dense(weights["output/bias"].shape[0])
output.build((None, UNITS))
output.set_weights([weights["output/kernel"], weights["output/bias"]])
VOCABULARY, ROWS = weights["output/bias"].shape[0], BATCH * WIDTH
forbidden = np.zeros((1, VOCABULARY), "float32")
forbidden[0, [PAD, START, UNKNOWN]] = IMPOSSIBLE
only_end = np.full((1, VOCABULARY), IMPOSSIBLE, "float32")
only_end[0, END] = 0
pad = (np.arange(VOCABULARY) == PAD)[None, None]
offset = (np.arange(BATCH, dtype="int32") * WIDTH)[:, None]


def going(step, fed, ended, tokens, scores, h, c):
    bound = ops.max(ops.where(ended, 3 * IMPOSSIBLE, scores), -1)
    best = ops.max(ops.where(ended, scores, 3 * IMPOSSIBLE), -1)
    return ops.logical_and(step <= LENGTH, ops.any(bound > best))


def body(step, fed, ended, tokens, scores, h, c):
    _, (h, c) = cell(embedding(fed), [h, c])
    log = ops.log_softmax(output(h), -1) + forbidden + ops.where(step == LENGTH, only_end, 0.0)
    candidates = ops.expand_dims(scores, -1) + ops.reshape(log, (BATCH, WIDTH, VOCABULARY))
    done = ops.expand_dims(ended, -1)
    rank = ops.where(done, ops.where(pad, -IMPOSSIBLE, 3 * IMPOSSIBLE), candidates)
    candidates = ops.where(done, ops.expand_dims(scores, -1), candidates)
    _, best = ops.top_k(ops.reshape(rank, (BATCH, -1)), WIDTH)
    best = ops.cast(best, "int32")
    scores = ops.take_along_axis(ops.reshape(candidates, (BATCH, -1)), best, 1)
    index = ops.reshape(best // VOCABULARY + offset, (-1,))
    fed = ops.reshape(best % VOCABULARY, (-1,))
    h, c, tokens = ops.take(h, index, 0), ops.take(c, index, 0), ops.take(tokens, index, 0)
    tokens = ops.slice_update(tokens, [0, step], ops.expand_dims(fed, -1))
    ended = ops.reshape(ops.logical_or(ops.take(ops.reshape(ended, (-1,)), index, 0), fed == END), (BATCH, WIDTH))
    return step + 1, fed, ended, tokens, scores, h, c


def beam(x):
    h, c = start(x)
    first = np.full((BATCH, WIDTH), IMPOSSIBLE, "float32")
    first[:, 0] = 0
    state = (
        ops.convert_to_tensor(0, dtype="int32"), ops.full((ROWS,), START, dtype="int32"), ops.zeros((BATCH, WIDTH), dtype="bool"),
        ops.full((ROWS, LENGTH + 1), PAD, dtype="int32"), ops.convert_to_tensor(first), ops.repeat(h, WIDTH, 0), ops.repeat(c, WIDTH, 0),
    )
    _, _, ended, tokens, scores, _, _ = ops.while_loop(going, body, state)
    return ops.reshape(tokens, (BATCH, WIDTH, -1)), scores, ended


def start(x):
    zeros = ops.zeros((BATCH, UNITS))
    return cell(image(x), [zeros, zeros])[1]


def greedy(x):
    def step(n, fed, ended, tokens, scores, h, c):
        _, (h, c) = cell(embedding(fed), [h, c])
        log = ops.log_softmax(output(h), -1) + forbidden + ops.where(n == LENGTH, only_end, 0.0)
        fed = ops.where(ended, PAD, ops.cast(ops.argmax(log, -1), "int32"))
        scores = scores + ops.where(ended, 0.0, ops.max(log, -1))
        tokens = ops.slice_update(tokens, [0, n], ops.expand_dims(fed, -1))
        return n + 1, fed, ops.logical_or(ended, fed == END), tokens, scores, h, c

    def goes_on(n, fed, ended, *rest):
        return ops.logical_and(n <= LENGTH, ops.logical_not(ops.all(ended)))

    state = (
        ops.convert_to_tensor(0, dtype="int32"), ops.full((BATCH,), START, dtype="int32"), ops.zeros((BATCH,), dtype="bool"),
        ops.full((BATCH, LENGTH + 1), PAD, dtype="int32"), ops.zeros((BATCH,)), *start(x),
    )
    _, _, ended, tokens, scores, _, _ = ops.while_loop(goes_on, step, state)
    return tokens[:, None], scores[:, None], ended[:, None]


search = {"greedy": greedy, "beam": beam}[name]
if backend == "jax":
    import jax

    search = jax.jit(search)
else:
    import tensorflow as tf

    search = tf.function(search)


def generate():
    parts = [search(ops.convert_to_tensor(features[n : n + BATCH])) for n in range(0, len(features), BATCH)]
    return [np.concatenate([np.asarray(p) for p in part]) for part in zip(*parts)]


measure(name, "keras-" + backend, generate, captions, logs, ["keras", {"jax": "jax", "tensorflow": "tensorflow-cpu"}[backend]])
