"""Writes torch_attention.json: soft attention (Xu et al. 2015) by PyTorch, its loss and gradients on fixed weights.

    pip install torch numpy
    python torch_attention.py

The loss is the mean negative log-likelihood of the tokens that count plus the doubly stochastic penalty (equation 14) of
weight PENALTY, summed over captions and divided by those tokens. The decoder is that of decoders.py.
"""
import json
import os

import numpy as np
import torch

import decoders

VOCABULARY, EMBEDDING, UNITS, ATTENTION, LOCATIONS, CHANNELS, PENALTY = 9, 4, 5, 6, 7, 3, 0.7
TOKENS = [[1, 4, 5, 6, 2], [1, 8, 7, 0, 0], [1, 4, 0, 0, 0], [0, 0, 0, 0, 0]]  # padding is 0; the last row fills up a batch
TARGETS = [[4, 5, 6, 2, 3], [8, 7, 3, 0, 0], [4, 3, 0, 0, 0], [0, 0, 0, 0, 0]]
rng = np.random.default_rng(20261125)


def random(*shape):
    return torch.tensor((rng.standard_normal(shape) * 0.5).astype("float32"), requires_grad=True)


def run(deep):
    reads = EMBEDDING if deep else UNITS
    w = {
        "embedding/embeddings": random(VOCABULARY, EMBEDDING),
        "initial_hidden/kernel": random(CHANNELS, UNITS), "initial_hidden/bias": random(UNITS),
        "initial_cell/kernel": random(CHANNELS, UNITS), "initial_cell/bias": random(UNITS),
        "attention/grid_kernel": random(CHANNELS, ATTENTION), "attention/bias": random(ATTENTION),
        "attention/hidden_kernel": random(UNITS, ATTENTION), "attention/score": random(ATTENTION, 1),
        "gate/kernel": random(UNITS, 1), "gate/bias": random(1),
        "lstm/kernel": random(EMBEDDING + CHANNELS, 4 * UNITS), "lstm/recurrent_kernel": random(UNITS, 4 * UNITS), "lstm/bias": random(4 * UNITS),
        "output/kernel": random(reads, VOCABULARY), "output/bias": random(VOCABULARY),
    }
    if deep:
        w |= {"deep_hidden/kernel": random(UNITS, EMBEDDING), "deep_hidden/bias": random(EMBEDDING), "deep_context/kernel": random(CHANNELS, EMBEDDING)}
    grid = random(len(TOKENS), LOCATIONS, CHANNELS)
    tokens = torch.tensor(TOKENS)
    targets = torch.where(tokens != 0, torch.tensor(TARGETS), decoders.IGNORED)
    decoder = decoders.make(dict(name="attention", units=UNITS, embedding=EMBEDDING, attention_units=ATTENTION,
                                 attention_output="deep" if deep else "plain", dropout=0, dropout_on=[]), [1, LOCATIONS, CHANNELS], VOCABULARY)
    output = torch.func.functional_call(decoder, decoders.named(decoder, w), (grid.flatten(1), tokens))
    total, counted = decoders.loss(output, targets, PENALTY)
    loss = total / counted
    loss.backward()
    w["grid"] = grid

    def flat(x):
        return [float(f"{v:.8g}") for v in x.detach().numpy().ravel()]

    return {"output": "deep" if deep else "plain", "shapes": {k: list(v.shape) for k, v in w.items()}, "weights": {k: flat(v) for k, v in w.items()},
            "gradients": {k: flat(v.grad) for k, v in w.items()}, "loss": loss.item(), "alphas": flat(output[1])}


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_attention.json"), "w") as f:
    json.dump({"made_by": f"torch {torch.__version__}, torch_attention.py", "penalty": PENALTY, "units": UNITS, "embedding": EMBEDDING, "attention": ATTENTION,
               "locations": LOCATIONS, "tokens": TOKENS, "targets": TARGETS, "cases": [run(True), run(False)]}, f)
