"""The beginning of a Keras program that trains the baseline's decoder: python keras_start.py BACKEND PICTURES FEATURES

VGG16's weights are random ones here, which take the same time.
"""
import json
import os
import pathlib
import re
import sys

backend, folder, cached = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

UNITS, LENGTH, BATCH = 256, 80, 50
with open(folder / "captions.jsonl", encoding="utf-8") as f:
    rows = [json.loads(line) for line in f]
removed = re.compile(r"https?://\S+|[#@]\w+")
captions = [[" ".join(removed.sub("", text).split())[: LENGTH - 2] for text in row["captions"]] for row in rows]
ids = {c: n + 4 for n, c in enumerate(sorted({c for each in captions for text in each for c in text}))}
if cached.exists():
    features = np.load(cached)
else:
    files = sorted((folder / "images").iterdir())
    model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    load = keras.utils.load_img
    pixels = np.stack([np.asarray(load(f, target_size=(224, 224)), "float32") for f in files])
    features = model.predict(keras.applications.vgg16.preprocess_input(pixels), batch_size=16, verbose=0)
    np.save(cached, features)
tokens = np.zeros((BATCH, LENGTH), "int32")
for n in range(BATCH):
    text = captions[n // 5][n % 5]
    tokens[n, : len(text) + 2] = [1] + [ids[c] for c in text] + [2]
picture = keras.Input((features.shape[1],))
words = keras.Input((LENGTH - 1,), dtype="int32")
image = keras.layers.Reshape((1, UNITS))(keras.layers.Dense(UNITS)(picture))
x = keras.layers.Concatenate(axis=1)([image, keras.layers.Embedding(len(ids) + 4, UNITS)(words)])
hidden = keras.layers.LSTM(UNITS, return_sequences=True)(x)[:, 1:]
model = keras.Model([picture, words], keras.layers.Dense(len(ids) + 4)(hidden))
model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0))
model.train_on_batch([features[np.arange(BATCH) // 5], tokens[:, :-1]], tokens[:, 1:])
print("first step done", flush=True)
