"""Writes torch_decoders.json: decoders of PyTorch's own layers on fixed weights, their loss and its gradients.

    pip install torch==2.9.1 numpy
    python torch_decoders.py

Weights go by the names and shapes that captionlab's variables have; decoders.py brings them into PyTorch's order, so that
gradients come back in captionlab's.
"""
import json
import os

import numpy as np
import torch

import decoders

FEATURES, VOCABULARY, BATCH, STEPS = 3, 6, 2, 4
TOKENS = torch.tensor([[1, 4, 5, 3], [1, 5, 4, 0]])
TARGETS = torch.tensor([[4, 5, 3, 2], [5, 4, 2, 0]])
COUNTS = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 0]])
TARGETS_COUNTED = torch.where(COUNTS > 0, TARGETS, decoders.IGNORED)
DEFAULTS = dict(name="lstm", inject="pre", units=3, embedding=4, layers=1, reset_after=True, layer_norm=False, learn_state=False,
                merge="concat", image_activation="none", hidden=0, tied=False, dropout=0, dropout_on=[])


def layer_name(s, n):
    return s["name"] + ("" if n == 0 else f"_{n + 1}")


def shapes(s):
    """The decoder's variables."""
    one = one_way(s)
    if s.get("bidirectional"):
        one |= {f"backward/{name}": shape for name, shape in one.items() if not name.startswith("image/")}
    return one


def one_way(s):
    u, e = s["units"], s["embedding"]
    states = ["hidden", "cell"] if s["name"] == "lstm" else ["hidden"]
    gates = 4 if s["name"] == "lstm" else 3
    image = u if s["inject"] == "merge" and s["merge"] == "add" else e
    v = {"embedding/embeddings": (VOCABULARY, e)}
    if s["inject"] != "init":
        v |= {"image/kernel": (FEATURES, image), "image/bias": (image,)}
    for n in range(s["layers"]):
        name = layer_name(s, n)
        for state in states:
            to = f"image_to_{state}" + ("" if n == 0 else f"_{n + 1}")
            if s["inject"] == "init":
                v |= {f"{to}/kernel": (FEATURES, u), f"{to}/bias": (u,)}
            elif s["learn_state"]:
                v[f"{name}/initial_{state}"] = (1, u)
        reads = u if n > 0 else 2 * e if s["inject"] == "par" else e
        two = s["name"] == "gru" and s["reset_after"]
        v |= {f"{name}/kernel": (reads, gates * u), f"{name}/recurrent_kernel": (u, gates * u),
              f"{name}/bias": (2, gates * u) if two else (gates * u,)}
        if s["layer_norm"]:
            v |= {f"{name}/input_gain": (gates * u,), f"{name}/recurrent_gain": (gates * u,)}
            if s["name"] == "lstm":
                v |= {f"{name}/cell_gain": (u,), f"{name}/cell_bias": (u,)}
    reads = u + image if s["inject"] == "merge" and s["merge"] == "concat" else u
    if s["hidden"]:
        v |= {"hidden/kernel": (reads, s["hidden"]), "hidden/bias": (s["hidden"],)}
        reads = s["hidden"]
    if not s["tied"]:
        v["output/kernel"] = (reads, VOCABULARY)
    v["output/bias"] = (VOCABULARY,)
    return v


class Loss(torch.nn.Module):
    """The training loss of a decoder, a mean a token."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, features):
        total, counted = decoders.training_loss(self.decoder, features, TOKENS, TARGETS_COUNTED)
        return total / counted


def call(module, decoder, v, *arguments):
    """What a module gives with captionlab's weights v in its decoder."""
    return torch.func.functional_call(module, {f"decoder.{name}": w for name, w in decoders.named(decoder, v).items()}, arguments)


def logits(s, v, features):
    decoder = decoders.make(s, [FEATURES], VOCABULARY)
    return torch.func.functional_call(decoder, decoders.named(decoder, v), (features, TOKENS))[0]


def loss(s, v, features):
    decoder = decoders.make(s, [FEATURES], VOCABULARY)
    return call(Loss(decoder), decoder, v, features)


class Backwards(Loss):
    """Logits [batch, time, vocabulary] of the backward direction, in the order in which it reads."""

    def forward(self, features):
        tokens, _ = self.decoder.turn(TOKENS, TARGETS_COUNTED)
        return self.decoder.backwards(features, tokens)[0]


def backward_logits(s, v, features):
    decoder = decoders.make(s, [FEATURES], VOCABULARY)
    return call(Backwards(decoder), decoder, v, features)


def cases():
    for inject in ("pre", "init", "par", "merge"):
        yield dict(name="lstm", inject=inject)
        yield dict(name="gru", inject=inject)
    yield dict(name="gru", inject="init", reset_after=False)
    yield dict(name="gru", inject="par", reset_after=False, learn_state=True)
    yield dict(name="lstm", inject="init", layers=2)
    yield dict(name="gru", inject="par", layers=2)
    yield dict(name="gru", inject="pre", layers=2, reset_after=False)
    yield dict(name="lstm", inject="pre", tied=True, embedding=3)
    yield dict(name="gru", inject="merge", tied=True, hidden=4)
    yield dict(name="lstm", inject="merge", merge="add", hidden=4, image_activation="relu", learn_state=True)
    yield dict(name="lstm", inject="pre", layer_norm=True)
    yield dict(name="lstm", inject="init", layer_norm=True, layers=2, image_activation="tanh")
    yield dict(name="gru", inject="merge", layer_norm=True)
    yield dict(name="gru", inject="par", layer_norm=True, layers=2)
    # What configs/recipes has besides; experiments/recipes_test.go wants every recipe here.
    yield dict(name="gru", inject="pre", reset_after=False)
    yield dict(name="gru", inject="merge", reset_after=False, learn_state=True)
    yield dict(name="lstm", inject="merge", merge="add", hidden=4, image_activation="relu")
    yield dict(name="lstm", inject="pre", bidirectional=True)
    yield dict(name="lstm", inject="init", layers=2, bidirectional=True)
    yield dict(name="gru", inject="par", bidirectional=True)
    yield dict(name="gru", inject="merge", reset_after=False, learn_state=True, hidden=4, tied=True, bidirectional=True)


def text(values):
    return [float(f"{x:.7g}") for x in np.asarray(values, dtype="float64").ravel()]


def go_names(s):
    """Settings as Go has them."""
    return {"".join(map(str.capitalize, k.split("_"))): x for k, x in s.items() if not k.startswith("dropout")}


def main():
    rng = np.random.default_rng(20261125)
    draw = lambda shape: np.round(rng.standard_normal(shape) * 0.6, 2).astype("float32")
    features = draw((BATCH, FEATURES))
    out = {"made_by": f"torch {torch.__version__}, torch_decoders.py", "features": features.tolist(), "tokens": TOKENS.tolist(),
           "targets": TARGETS.tolist(), "counts": COUNTS.tolist(), "cases": []}
    for changes in cases():
        s = DEFAULTS | changes
        v = {name: torch.tensor(draw(shape), dtype=torch.float64, requires_grad=True) for name, shape in shapes(s).items()}
        torch.set_default_dtype(torch.float64)
        total = loss(s, v, torch.tensor(features, dtype=torch.float64))
        gradients = torch.autograd.grad(total, list(v.values()))
        out["cases"].append({"settings": go_names(s), "shapes": {k: list(t.shape) for k, t in v.items()},
                             "weights": {k: [round(float(x), 2) for x in t.detach().numpy().ravel()] for k, t in v.items()},
                             "loss": float(f"{total.item():.9g}"),
                             "gradients": {k: text(g) for k, g in zip(v, gradients)}})
        if s.get("bidirectional"):
            out["cases"][-1]["backward_logits"] = text(backward_logits(s, v, torch.tensor(features, dtype=torch.float64)).detach())
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_decoders.json"), "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": ' + json.dumps(x, separators=(",", ":")) for k, x in out.items() if k != "cases") + ',\n"cases": [\n')
        f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in out["cases"]) + "\n]}\n")


if __name__ == "__main__":
    main()
