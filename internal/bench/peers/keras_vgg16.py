"""VGG16 up to averaged block5_pool in Keras: python keras_vgg16.py BACKEND"""
import os
import sys

backend = sys.argv[1]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

import peer
from vgg16_peer import measure, names

sizes, weights, data = peer.load("vgg16")
model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
for name in filter(None, names()):
    model.get_layer(name).set_weights([weights[name + "/kernel"], weights[name + "/bias"]])
pixels = data["pixels"].astype("float32")
measure("keras-" + backend, lambda: model.predict_on_batch(keras.applications.vgg16.preprocess_input(pixels.copy())), sizes,
        ["keras", {"jax": "jax", "tensorflow": "tensorflow-cpu"}[backend]])
