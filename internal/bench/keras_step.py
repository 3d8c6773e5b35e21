"""Prints seconds a training step of the baseline's decoder in Keras: python keras_step.py BACKEND"""
import os
import sys
import time

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

BATCH, STEPS, UNITS, VOCABULARY, FEATURES, ROUNDS = 50, 80, 256, 100, 4096, 20
picture = keras.Input((FEATURES,))
tokens = keras.Input((STEPS - 1,), dtype="int32")
image = keras.layers.Reshape((1, UNITS))(keras.layers.Dense(UNITS)(picture))
embedded = keras.layers.Embedding(VOCABULARY, UNITS)(tokens)
hidden = keras.layers.LSTM(UNITS, return_sequences=True)(keras.layers.Concatenate(axis=1)([image, embedded]))
logits = keras.layers.Dense(VOCABULARY)(hidden[:, 1:])
model = keras.Model([picture, tokens], logits)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
rng = np.random.default_rng(1)
x = rng.random((BATCH, FEATURES), dtype="float32")
ids = rng.integers(0, VOCABULARY, (BATCH, STEPS - 1)).astype("int32")
for _ in range(3):
    model.train_on_batch([x, ids], ids)
began = time.perf_counter()
for _ in range(ROUNDS):
    model.train_on_batch([x, ids], ids)
print((time.perf_counter() - began) / ROUNDS)
