"""JPEG files to VGG16 features on disk in Keras, files read by tf.data beside the network: python keras_images.py BACKEND"""
import os
import pathlib
import sys
import time

backend = sys.argv[1]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

import peer
from vgg16_peer import MEAN, names

_, weights, _ = peer.load("images")
files = sorted(str(f) for f in pathlib.Path(peer.ROOT, "images").glob("*.jpg"))
model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
for name in filter(None, names()):
    model.get_layer(name).set_weights([weights[name + "/kernel"], weights[name + "/bias"]])


def read(path):
    picture = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")
    picture = tf.image.resize(picture, (224, 224), method="nearest")  # as load_img does
    return tf.cast(picture[..., ::-1], tf.float32) - MEAN  # keras.applications.vgg16.preprocess_input


began = time.perf_counter()
pictures = tf.data.Dataset.from_tensor_slices(files).map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(16).prefetch(tf.data.AUTOTUNE)
features = model.predict(pictures, verbose=0)
np.save(f"{peer.ROOT}/images-{backend}.npy", features)
seconds = time.perf_counter() - began
peer.report("images", "keras-" + backend, seconds / len(files), "s/image", {"mean feature": features.mean(dtype="float64")},
            packages=["keras", *{"jax": ["jax", "tensorflow-cpu"], "tensorflow": ["tensorflow-cpu"]}[backend]])
