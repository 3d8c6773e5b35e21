"""Writes torch_attention.json: soft attention (Xu et al. 2015) by PyTorch, its loss and gradients on fixed weights.

    pip install torch numpy
    python torch_attention.py

The loss is the mean negative log-likelihood of the tokens that count plus the doubly stochastic penalty (equation 14) of
weight PENALTY, summed over captions and divided by those tokens. The attention and the LSTM are torch's own layers and
operations, one step after the other; gates are in torch's order i, f, g, o, which is Keras'.
"""
import json
import os

import numpy as np
import torch

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
    tokens, targets = torch.tensor(TOKENS), torch.tensor(TARGETS)
    counts = (tokens != 0).float()

    mean = grid.mean(1)
    h = torch.tanh(mean @ w["initial_hidden/kernel"] + w["initial_hidden/bias"])
    c = torch.tanh(mean @ w["initial_cell/kernel"] + w["initial_cell/bias"])
    zero = torch.zeros(4 * UNITS)
    nats, alphas = 0, []
    for t in range(tokens.shape[1]):
        x = torch.nn.functional.embedding(tokens[:, t], w["embedding/embeddings"])
        hidden = torch.tanh(grid @ w["attention/grid_kernel"] + (h @ w["attention/hidden_kernel"] + w["attention/bias"])[:, None])
        alpha = torch.softmax((hidden @ w["attention/score"])[:, :, 0], 1)
        z = torch.sigmoid(h @ w["gate/kernel"] + w["gate/bias"]) * (alpha[:, :, None] * grid).sum(1)
        h, c = torch.lstm_cell(torch.cat([x, z], 1), (h, c), w["lstm/kernel"].T, w["lstm/recurrent_kernel"].T, w["lstm/bias"], zero)
        out = torch.tanh(x + h @ w["deep_hidden/kernel"] + w["deep_hidden/bias"] + z @ w["deep_context/kernel"]) if deep else h
        logits = out @ w["output/kernel"] + w["output/bias"]
        nats = nats + (torch.nn.functional.cross_entropy(logits, targets[:, t], reduction="none") * counts[:, t]).sum()
        alphas.append(alpha)
    alphas = torch.stack(alphas)
    seen = (alphas * counts.T[:, :, None]).sum(0)
    penalty = (((1 - seen) ** 2).sum(1) * counts[:, 0]).sum()
    loss = (nats + PENALTY * penalty) / counts.sum()
    loss.backward()
    w["grid"] = grid

    def flat(x):
        return [float(f"{v:.8g}") for v in x.detach().numpy().ravel()]

    return {"output": "deep" if deep else "plain", "shapes": {k: list(v.shape) for k, v in w.items()}, "weights": {k: flat(v) for k, v in w.items()},
            "gradients": {k: flat(v.grad) for k, v in w.items()}, "loss": loss.item(), "alphas": flat(alphas)}


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_attention.json"), "w") as f:
    json.dump({"made_by": f"torch {torch.__version__}, torch_attention.py", "penalty": PENALTY, "units": UNITS, "embedding": EMBEDDING, "attention": ATTENTION,
               "locations": LOCATIONS, "tokens": TOKENS, "targets": TARGETS, "cases": [run(True), run(False)]}, f)
