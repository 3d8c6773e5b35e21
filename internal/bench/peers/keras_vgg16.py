"""Prints seconds a picture of Keras' VGG16 up to block5_pool, averaged: python keras_vgg16.py BACKEND"""
import os
import sys
import time

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

BATCH, ROUNDS = 8, 4
model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
pictures = np.random.default_rng(1).integers(0, 256, (BATCH, 224, 224, 3)).astype("float32")
model.predict_on_batch(keras.applications.vgg16.preprocess_input(pictures.copy()))
began = time.perf_counter()
for _ in range(ROUNDS):
    model.predict_on_batch(keras.applications.vgg16.preprocess_input(pictures.copy()))
print((time.perf_counter() - began) / (ROUNDS * BATCH))
