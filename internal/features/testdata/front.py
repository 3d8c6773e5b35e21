"""Writes front.json: two blocks of a small CNN, averaged and scaled, before an LSTM that begins with the picture, by PyTorch:
the loss of two captions and its gradients, on fixed weights.

    pip install torch==2.9.1 numpy
    python front.py

Weights and gradients go by the names and shapes of captionlab's variables; pictures are made by a formula that
front_test.go has too.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
SIDE, UNITS, EMBEDDING, VOCABULARY = 16, 3, 4, 6
TOKENS = torch.tensor([[1, 4, 5, 3], [1, 5, 4, 0]])
TARGETS = torch.tensor([[4, 5, 3, 2], [5, 4, 2, 0]])
COUNTS = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 0]])
MEAN, STD = [0.5, 0.75, 0.25, 0.5], [0.5, 0.25, 2.0, 1.0]
SHAPES = {
    "encoder/block1_conv1/kernel": (3, 3, 3, 2), "encoder/block1_conv1/bias": (2,),
    "encoder/block2_conv1/kernel": (3, 3, 2, 4), "encoder/block2_conv1/bias": (4,),
    "image/kernel": (4, EMBEDDING), "image/bias": (EMBEDDING,), "embedding/embeddings": (VOCABULARY, EMBEDDING),
    "lstm/kernel": (EMBEDDING, 4 * UNITS), "lstm/recurrent_kernel": (UNITS, 4 * UNITS), "lstm/bias": (4 * UNITS,),
    "output/kernel": (UNITS, VOCABULARY), "output/bias": (VOCABULARY,),
}


def front(v, pictures):
    x = pictures.permute(0, 3, 1, 2)
    for block in ("block1_conv1", "block2_conv1"):
        x = F.conv2d(x, v[f"encoder/{block}/kernel"].permute(3, 2, 0, 1), v[f"encoder/{block}/bias"], padding=1)
        x = F.max_pool2d(F.relu(x), 2)
    x = x.mean((2, 3))
    return (x.sign() * x.abs().sqrt() - torch.tensor(MEAN)) / torch.tensor(STD)


def loss(v, pictures):
    image = front(v, pictures) @ v["image/kernel"] + v["image/bias"]
    x = torch.cat([image[None], F.embedding(TOKENS, v["embedding/embeddings"]).transpose(0, 1)])
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = (v["lstm/kernel"].T, v["lstm/recurrent_kernel"].T, v["lstm/bias"], torch.zeros_like(v["lstm/bias"]))
    x = torch.func.functional_call(torch.nn.LSTM(EMBEDDING, UNITS), dict(zip(names, weights)), (x,))[0][1:]
    logits = (x @ v["output/kernel"] + v["output/bias"]).transpose(0, 1)
    each = F.cross_entropy(logits.reshape(-1, VOCABULARY), TARGETS.reshape(-1), reduction="none").reshape(COUNTS.shape)
    return (each * COUNTS).sum() / COUNTS.sum()


def main():
    rng = np.random.default_rng(20261125)
    n = np.arange(2 * SIDE * SIDE * 3)
    pictures = torch.tensor((n * 7919 % 201 / 100 - 1).reshape(2, SIDE, SIDE, 3))
    v = {name: torch.tensor(np.round(rng.standard_normal(shape) * 0.6, 2), requires_grad=True) for name, shape in SHAPES.items()}
    total = loss(v, pictures)
    gradients = dict(zip(v, torch.autograd.grad(total, list(v.values()))))
    assert (front(v, pictures) != 0).all() and all(g.abs().max() > 1e-6 for g in gradients.values())
    flat = lambda t, digits: [float(f"{x:.{digits}g}") for x in t.detach().numpy().ravel()]
    out = {"made_by": f"torch {torch.__version__}, front.py", "mean": MEAN, "std": STD, "tokens": TOKENS.tolist(), "targets": TARGETS.tolist(),
           "counts": COUNTS.tolist(), "shapes": SHAPES, "weights": {k: flat(t, 3) for k, t in v.items()},
           "features": flat(front(v, pictures), 7), "loss": float(f"{total.item():.9g}"), "gradients": {k: flat(t, 7) for k, t in gradients.items()}}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "front.json"), "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": ' + json.dumps(x, separators=(",", ":")) for k, x in out.items()) + "\n}\n")


main()
