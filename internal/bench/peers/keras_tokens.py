"""Cleaning and tokenizing the captions of BenchmarkTokens by Keras' TextVectorization, which is TensorFlow's: python keras_tokens.py

It has no min_count: the words that are rare are found in its counts and left out of a second layer, as its users do.
"""
import collections
import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import tensorflow as tf

import peer

MIN_COUNT = 5
with open(f"{peer.ROOT}/tokens/captions.txt", encoding="utf-8") as f:
    raw = f.read().split("\n")


def standardize(text):
    text = tf.strings.regex_replace(text, r"https?://\S+|[#@]\w+", "")
    text = tf.strings.regex_replace(tf.strings.lower(text), r"[^\pL\pN' ]", " ")
    text = tf.strings.regex_replace(text, r"(^|[^\pL\pN])'([\pL\pN]{3,})'?", r"\1\2")  # quotes; endings that stand apart keep theirs
    return tf.strings.regex_replace(text, r"'(\s|$)", r"\1")


began = time.perf_counter()
data = tf.data.Dataset.from_tensor_slices(raw).batch(1024)
counter = keras.layers.TextVectorization(standardize=standardize)
counter.adapt(data)
every = counter.get_vocabulary(include_special_tokens=False)
counts = collections.Counter()
for batch in data:
    found, _, count = tf.unique_with_counts(tf.reshape(counter(batch), [-1]))
    counts.update(dict(zip(found.numpy().tolist(), count.numpy().tolist())))
layer = keras.layers.TextVectorization(standardize=standardize, vocabulary=[w for n, w in enumerate(every) if counts[n + 2] >= MIN_COUNT], ragged=True)
encoded = [layer(batch) for batch in data]
seconds = time.perf_counter() - began
words = sum(int(tf.size(e.flat_values)) for e in encoded)
unknown = sum(int(tf.reduce_sum(tf.cast(e.flat_values == 1, tf.int32))) for e in encoded)
peer.report("tokens", "keras-tensorflow", seconds, "s", {"words": words, "different words": layer.vocabulary_size() - 2, "unknown words": unknown},
            packages=["keras", "tensorflow-cpu"])
