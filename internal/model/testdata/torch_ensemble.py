"""Writes torch_ensemble.json: several of torch_decoders.py's decoders as one, by the mean of their probabilities; loss and gradients.

    pip install torch==2.9.1 numpy
    python torch_ensemble.py
"""
import json
import os

import numpy as np
import torch

from torch_decoders import BATCH, COUNTS, DEFAULTS, FEATURES, STEPS, TARGETS, TOKENS, go_names, logits, shapes, text

MEMBERS = [dict(name="lstm", inject="pre"), dict(name="gru", inject="par", layers=2), dict(name="lstm", inject="merge", merge="add", image_activation="tanh")]


def main():
    rng = np.random.default_rng(20261126)
    draw = lambda shape: np.round(rng.standard_normal(shape) * 0.6, 2).astype("float32")
    features = draw((BATCH, FEATURES))
    torch.set_default_dtype(torch.float64)
    members = []
    for changes in MEMBERS:
        s = DEFAULTS | changes
        members.append((s, {name: torch.tensor(draw(shape), dtype=torch.float64, requires_grad=True) for name, shape in shapes(s).items()}))
    mean = sum(torch.softmax(logits(s, v, torch.tensor(features, dtype=torch.float64)), -1) for s, v in members) / len(members)
    nats = -torch.log(torch.gather(mean, 2, TARGETS[:, :, None])[:, :, 0])
    total = (nats * COUNTS).sum() / COUNTS.sum()
    total.backward()
    assert nats.shape == (BATCH, STEPS)
    out = {"made_by": f"torch {torch.__version__}, torch_ensemble.py", "features": features.tolist(), "tokens": TOKENS.tolist(),
           "targets": TARGETS.tolist(), "counts": COUNTS.tolist(), "loss": float(f"{total.item():.9g}"),
           "members": [{"settings": go_names(s), "shapes": {k: list(t.shape) for k, t in v.items()},
                        "weights": {k: [round(float(x), 2) for x in t.detach().numpy().ravel()] for k, t in v.items()},
                        "gradients": {k: text(t.grad) for k, t in v.items()}} for s, v in members]}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_ensemble.json"), "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": ' + json.dumps(x, separators=(",", ":")) for k, x in out.items() if k != "members") + ',\n"members": [\n')
        f.write(",\n".join(json.dumps(m, separators=(",", ":")) for m in out["members"]) + "\n]}\n")


main()
