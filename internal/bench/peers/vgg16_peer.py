"""What the peers of BenchmarkVGG16Peers share: its pictures, and how a forward pass is timed."""
import time

import numpy as np

import peer

BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]  # convolutions and channels
MEAN = np.array([103.939, 116.779, 123.68], "float32")  # of blue, green and red


def names():
    """The convolutions' names, None where a pool stands."""
    for block, (convolutions, _) in enumerate(BLOCKS):
        yield from (f"block{block + 1}_conv{n + 1}" for n in range(convolutions))
        yield None


def measure(who, forward, sizes, packages):
    """forward() gives the features [batch, 512] of the batch."""
    features = forward()[0]
    check = {"mean feature": features.mean(dtype="float64"), "largest feature": features.max()}
    began = time.perf_counter()
    for _ in range(sizes["rounds"]):
        forward()
    seconds = time.perf_counter() - began
    peer.report("vgg16", who, seconds / (sizes["rounds"] * sizes["batch"]), "s/image", check, packages=packages)
