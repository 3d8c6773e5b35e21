"""Writes torch_decoders.json: decoders of PyTorch's own layers on fixed weights, their loss and its gradients.

    pip install torch==2.9.1 numpy
    python torch_decoders.py

Weights go by the names and shapes that captionlab's variables have; this script brings them into PyTorch's order, so that
gradients come back in captionlab's. nn.LSTM and nn.GRU do the plain layers; PyTorch has none with layer normalisation, nor
a GRU whose reset gate acts before the recurrent product: those are written here step by step from their papers' equations,
with PyTorch's layer_norm and autograd.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

FEATURES, VOCABULARY, BATCH, STEPS = 3, 6, 2, 4
TOKENS = torch.tensor([[1, 4, 5, 3], [1, 5, 4, 0]])
TARGETS = torch.tensor([[4, 5, 3, 2], [5, 4, 2, 0]])
COUNTS = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 0]])
DEFAULTS = dict(Name="lstm", Inject="pre", Units=3, Embedding=4, Layers=1, ResetAfter=True, LayerNorm=False, LearnState=False,
                Merge="concat", ImageActivation="none", Hidden=0, Tied=False)


def layer_name(s, n):
    return s["Name"] + ("" if n == 0 else f"_{n + 1}")


def shapes(s):
    """The decoder's variables."""
    u, e = s["Units"], s["Embedding"]
    states = ["hidden", "cell"] if s["Name"] == "lstm" else ["hidden"]
    gates = 4 if s["Name"] == "lstm" else 3
    image = u if s["Inject"] == "merge" and s["Merge"] == "add" else e
    v = {"embedding/embeddings": (VOCABULARY, e)}
    if s["Inject"] != "init":
        v |= {"image/kernel": (FEATURES, image), "image/bias": (image,)}
    for n in range(s["Layers"]):
        name = layer_name(s, n)
        for state in states:
            to = f"image_to_{state}" + ("" if n == 0 else f"_{n + 1}")
            if s["Inject"] == "init":
                v |= {f"{to}/kernel": (FEATURES, u), f"{to}/bias": (u,)}
            elif s["LearnState"]:
                v[f"{name}/initial_{state}"] = (1, u)
        reads = u if n > 0 else 2 * e if s["Inject"] == "par" else e
        two = s["Name"] == "gru" and s["ResetAfter"]
        v |= {f"{name}/kernel": (reads, gates * u), f"{name}/recurrent_kernel": (u, gates * u),
              f"{name}/bias": (2, gates * u) if two else (gates * u,)}
        if s["LayerNorm"]:
            v |= {f"{name}/input_gain": (gates * u,), f"{name}/recurrent_gain": (gates * u,)}
            if s["Name"] == "lstm":
                v |= {f"{name}/cell_gain": (u,), f"{name}/cell_bias": (u,)}
    reads = u + image if s["Inject"] == "merge" and s["Merge"] == "concat" else u
    if s["Hidden"]:
        v |= {"hidden/kernel": (reads, s["Hidden"]), "hidden/bias": (s["Hidden"],)}
        reads = s["Hidden"]
    if not s["Tied"]:
        v["output/kernel"] = (reads, VOCABULARY)
    v["output/bias"] = (VOCABULARY,)
    return v


def torch_gru_order(m):
    """z, r, g to PyTorch's r, z, n."""
    z, r, g = m.chunk(3, -1)
    return torch.cat([r, z, g], -1)


def library_layer(s, v, x, state):
    """nn.LSTM or nn.GRU; x is [time, batch, in]."""
    w, u, b = v["kernel"], v["recurrent_kernel"], v["bias"]
    if s["Name"] == "lstm":
        module = torch.nn.LSTM(w.shape[0], s["Units"])
        weights = (w.T, u.T, b, torch.zeros_like(b))
        initial = tuple(h[None].contiguous() for h in state)
    else:
        module = torch.nn.GRU(w.shape[0], s["Units"])
        weights = tuple(torch_gru_order(m) for m in (w, u, b[0], b[1]))
        weights = (weights[0].T, weights[1].T, weights[2], weights[3])
        initial = state[0][None].contiguous()
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return torch.func.functional_call(module, dict(zip(names, weights)), (x, initial))[0]


def norm(x, gain):
    return F.layer_norm(x, x.shape[-1:], weight=gain)


def lstm_norm_step(v, x, h, c):
    """Ba, Kiros & Hinton 2016, supplementary material: LSTM."""
    z = norm(x @ v["kernel"], v["input_gain"]) + norm(h @ v["recurrent_kernel"], v["recurrent_gain"]) + v["bias"]
    i, f, g, o = z.chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(F.layer_norm(c, c.shape[-1:], v["cell_gain"], v["cell_bias"])), c


def gru_norm_step(v, x, h):
    """The same, GRU: statistics over both gates together, and over the candidate."""
    units = h.shape[-1]

    def parts(product, gain, bias):
        gates = norm(product[:, :2 * units], gain[:2 * units]) + bias[:2 * units]
        return *gates.chunk(2, -1), norm(product[:, 2 * units:], gain[2 * units:]) + bias[2 * units:]

    xz, xr, xg = parts(x @ v["kernel"], v["input_gain"], v["bias"][0])
    hz, hr, hg = parts(h @ v["recurrent_kernel"], v["recurrent_gain"], v["bias"][1])
    z, r = torch.sigmoid(xz + hz), torch.sigmoid(xr + hr)
    return (z * h + (1 - z) * torch.tanh(xg + r * hg),)


def gru_before_step(v, x, h):
    """Cho et al. 2014, equations 5 to 8, with an update gate that keeps (z h + (1-z) g)."""
    wz, wr, wg = v["kernel"].chunk(3, -1)
    uz, ur, ug = v["recurrent_kernel"].chunk(3, -1)
    bz, br, bg = v["bias"].chunk(3, -1)
    z, r = torch.sigmoid(x @ wz + h @ uz + bz), torch.sigmoid(x @ wr + h @ ur + br)
    return (z * h + (1 - z) * torch.tanh(x @ wg + (r * h) @ ug + bg),)


def recurrent_layer(s, v, x, state):
    if s["LayerNorm"]:
        step = lstm_norm_step if s["Name"] == "lstm" else gru_norm_step
    elif s["Name"] == "gru" and not s["ResetAfter"]:
        step = gru_before_step
    else:
        return library_layer(s, v, x, state)
    outputs = []
    for row in x:
        state = step(v, row, *state)
        outputs.append(state[0])
    return torch.stack(outputs)


def logits(s, v, features):
    """[batch, time, vocabulary]"""
    activate = dict(none=lambda x: x, relu=F.relu, tanh=torch.tanh)[s["ImageActivation"]]

    def project(name):
        return activate(F.linear(features, v[f"{name}/kernel"].T, v[f"{name}/bias"]))

    table = v["embedding/embeddings"]
    x = F.embedding(TOKENS, table).transpose(0, 1)  # [time, batch, embedding]
    image = None if s["Inject"] == "init" else project("image")
    if s["Inject"] == "pre":
        x = torch.cat([image[None], x])
    if s["Inject"] == "par":
        x = torch.cat([x, image[None].expand(STEPS, -1, -1)], -1)
    for n in range(s["Layers"]):
        name = layer_name(s, n)
        state = []
        for kind in ["hidden", "cell"] if s["Name"] == "lstm" else ["hidden"]:
            if s["Inject"] == "init":
                state.append(project(f"image_to_{kind}" + ("" if n == 0 else f"_{n + 1}")))
            elif s["LearnState"]:
                state.append(v[f"{name}/initial_{kind}"].expand(BATCH, -1))
            else:
                state.append(torch.zeros(BATCH, s["Units"]))
        own = {k.split("/")[1]: t for k, t in v.items() if k.startswith(name + "/")}
        x = recurrent_layer(s, own, x, state)
    if s["Inject"] == "pre":
        x = x[1:]
    if s["Inject"] == "merge":
        every = image[None].expand(STEPS, -1, -1)
        x = x + every if s["Merge"] == "add" else torch.cat([x, every], -1)
    if s["Hidden"]:
        x = F.relu(F.linear(x, v["hidden/kernel"].T, v["hidden/bias"]))
    kernel = table if s["Tied"] else v["output/kernel"].T
    return F.linear(x, kernel, v["output/bias"]).transpose(0, 1)


def loss(s, v, features):
    each = F.cross_entropy(logits(s, v, features).reshape(-1, VOCABULARY), TARGETS.reshape(-1), reduction="none").reshape(BATCH, STEPS)
    return (each * COUNTS).sum() / COUNTS.sum()


def cases():
    for inject in ("pre", "init", "par", "merge"):
        yield dict(Name="lstm", Inject=inject)
        yield dict(Name="gru", Inject=inject)
    yield dict(Name="gru", Inject="init", ResetAfter=False)
    yield dict(Name="gru", Inject="par", ResetAfter=False, LearnState=True)
    yield dict(Name="lstm", Inject="init", Layers=2)
    yield dict(Name="gru", Inject="par", Layers=2)
    yield dict(Name="gru", Inject="pre", Layers=2, ResetAfter=False)
    yield dict(Name="lstm", Inject="pre", Tied=True, Embedding=3)
    yield dict(Name="gru", Inject="merge", Tied=True, Hidden=4)
    yield dict(Name="lstm", Inject="merge", Merge="add", Hidden=4, ImageActivation="relu", LearnState=True)
    yield dict(Name="lstm", Inject="pre", LayerNorm=True)
    yield dict(Name="lstm", Inject="init", LayerNorm=True, Layers=2, ImageActivation="tanh")
    yield dict(Name="gru", Inject="merge", LayerNorm=True)
    yield dict(Name="gru", Inject="par", LayerNorm=True, Layers=2)


def text(values):
    return [float(f"{x:.7g}") for x in np.asarray(values, dtype="float64").ravel()]


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
        out["cases"].append({"settings": s, "shapes": {k: list(t.shape) for k, t in v.items()},
                             "weights": {k: [round(float(x), 2) for x in t.detach().numpy().ravel()] for k, t in v.items()},
                             "loss": float(f"{total.item():.9g}"),
                             "gradients": {k: text(g) for k, g in zip(v, gradients)}})
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_decoders.json"), "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": ' + json.dumps(x, separators=(",", ":")) for k, x in out.items() if k != "cases") + ',\n"cases": [\n')
        f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in out["cases"]) + "\n]}\n")


if __name__ == "__main__":
    main()
