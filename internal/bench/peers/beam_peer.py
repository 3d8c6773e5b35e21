"""What the peers' beam searches share: the model and the captions that BenchmarkBeam5 left in a folder.

The search is that of internal/decode/beam.go: 5 captions a picture, a caption that ended keeps its place, no length
penalty, the end forced after max_length tokens, batches of 100 pictures; it stops when no caption that goes on can become the best.
"""
import json
import sys
import time

import numpy as np

PAD, START, END, UNKNOWN = range(4)
PICTURES, WIDTH, BATCH = 1000, 5, 100
IMPOSSIBLE = -1e9


def load(folder):
    with open(f"{folder}/beam.json") as f:
        data = json.load(f)
    weights = {k: np.array(v["values"], np.float32).reshape(v["shape"]) for k, v in data["weights"].items()}
    return weights, np.array(data["features"], np.float32), data["max_length"], data["captions"], data["log_probabilities"]


def measure(generate, captions, logs):
    """generate() gives token ids [PICTURES, WIDTH, max_length + 1], log-probabilities and ended [PICTURES, WIDTH]."""
    generate()  # compiles and warms up
    began = time.perf_counter()
    tokens, scores, ended = generate()
    seconds = time.perf_counter() - began
    same = 0
    for n in range(PICTURES):
        best = max((s, k) for k, s in enumerate(scores[n]) if ended[n][k])[1]
        ids = tokens[n][best].tolist()
        same += ids[: ids.index(END)] == captions[n] and abs(scores[n][best] - logs[n]) < 1e-3 * max(1, abs(logs[n]))
    if same < 0.99 * PICTURES:  # rounding may decide between nearly equal beams
        sys.exit(f"only {same} of {PICTURES} captions are the same as ours")
    print(seconds / PICTURES)
