"""What the peers of BenchmarkCaptions share: the model and the captions that it left.

Beam is the search of internal/decode/beam.go: 5 captions a picture, a caption that ended keeps its place, no length
penalty, the end forced after max_length tokens, batches of 100 pictures; it stops when no caption that goes on can become the best.
Greedy takes the most probable token at each step, with the same rules.
"""
import json
import sys
import time

import numpy as np

import peer

PAD, START, END, UNKNOWN = range(4)
WIDTH, BATCH = 5, 100
IMPOSSIBLE = -1e9


def load(name):
    with open(f"{peer.ROOT}/{name}/captions.json") as f:
        data = json.load(f)
    weights = {k: np.array(v["values"], np.float32).reshape(v["shape"]) for k, v in data["weights"].items()}
    return weights, np.array(data["features"], np.float32), data["max_length"], data["captions"], data["log_probabilities"]


def measure(name, who, generate, captions, logs, packages):
    """generate() gives token ids [pictures, width, max_length + 1], log-probabilities and ended [pictures, width]."""
    generate()  # compiles and warms up
    began = time.perf_counter()
    tokens, scores, ended = generate()
    seconds = time.perf_counter() - began
    same = 0
    for n in range(len(captions)):
        best = max((s, k) for k, s in enumerate(scores[n]) if ended[n][k])[1]
        ids = tokens[n][best].tolist()
        same += ids[: ids.index(END)] == captions[n] and abs(scores[n][best] - logs[n]) < 1e-3 * max(1, abs(logs[n]))
    if same < 0.99 * len(captions):  # rounding may decide between nearly equal captions
        sys.exit(f"only {same} of {len(captions)} captions are the same as ours")
    log = float(np.mean([max(s for s, e in zip(scores[n], ended[n]) if e) for n in range(len(captions))]))
    peer.report(name, who, seconds / len(captions), "s/caption", {"mean log-probability": log}, packages=packages)
