"""Writes reference.json: what PyTorch's optimisers, schedules and smoothed loss compute from small numbers.

    python reference.py    (PyTorch 2.9.1)

Gradients are given, not computed: step t's gradient of weight n is gradient(t, n).
"""

import json
import math
import os

import torch
from torch.optim import lr_scheduler, swa_utils

STEPS = 8
SHAPES = {"a": (2, 3), "b": (4,)}


def start(shape, offset):
    n = math.prod(shape)
    return torch.tensor([math.sin(1.7 * k + offset) for k in range(n)]).reshape(shape)


def gradient(step, shape, offset):
    n = math.prod(shape)
    return torch.tensor([math.cos(0.9 * k + 2.3 * step + offset) * (0.1 + step % 3) for k in range(n)]).reshape(shape)


def run(optimizer, rates=None, clip_norm=0.0, clip_value=0.0, ema=0.0):
    """The weights after each step, or their average."""
    module = torch.nn.ParameterDict({name: torch.nn.Parameter(start(shape, n)) for n, (name, shape) in enumerate(SHAPES.items())})
    opt = optimizer(module.parameters())
    averaged = swa_utils.AveragedModel(module, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(ema)) if ema else None
    rows = []
    for step in range(STEPS):
        for n, (name, shape) in enumerate(SHAPES.items()):
            module[name].grad = gradient(step, shape, n)
        if clip_value:
            torch.nn.utils.clip_grad_value_(module.parameters(), clip_value)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        if rates:
            opt.param_groups[0]["lr"] = rates[step]
        opt.step()
        if averaged:
            averaged.update_parameters(module)
        shown = averaged.module if averaged else module
        rows.append([x for name in SHAPES for x in shown[name].detach().flatten().tolist()])
    return rows


def optimizers():
    o = torch.optim
    changing = [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.01, 0.01]
    return {
        "adam": run(lambda p: o.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-3)),
        "adam_l2": run(lambda p: o.Adam(p, lr=0.1, eps=1e-7, weight_decay=0.05)),
        "adam_clip_norm": run(lambda p: o.Adam(p, lr=0.1, eps=1e-7), clip_norm=0.5),
        "adamw": run(lambda p: o.AdamW(p, lr=0.1, eps=1e-7, weight_decay=0.05)),
        "adamw_rates": run(lambda p: o.AdamW(p, lr=0.1, eps=1e-7, weight_decay=0.05), rates=changing),
        "rmsprop": run(lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-4)),
        "rmsprop_momentum_clip_value": run(lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-4, momentum=0.7), clip_value=0.3),
        "sgd": run(lambda p: o.SGD(p, lr=0.1)),
        "sgd_momentum_l2": run(lambda p: o.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05)),
        "sgd_momentum_clip_norm": run(lambda p: o.SGD(p, lr=0.1, momentum=0.9), clip_norm=0.5),
        "sgd_clip_both": run(lambda p: o.SGD(p, lr=0.1), clip_norm=0.5, clip_value=0.3),
        "sgd_ema": run(lambda p: o.SGD(p, lr=0.1), ema=0.8),
    }


def rates(make, steps):
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = make(opt)
    rows = []
    for _ in range(steps):
        rows.append(opt.param_groups[0]["lr"])
        opt.step()
        schedule.step()
    return rows


def plateau(losses, patience, factor, least):
    """The rate during each epoch, whose loss the schedule learns at its end. PyTorch's patience is one less than ours."""
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = lr_scheduler.ReduceLROnPlateau(opt, factor=factor, patience=patience - 1, threshold=0, min_lr=least, eps=0)
    rows = []
    for loss in losses:
        rows.append(opt.param_groups[0]["lr"])
        schedule.step(loss)
    return rows


def schedules():
    """5 updates an epoch; step decays every 2 epochs; warm-up is 4 updates."""
    warm = lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 4, total_iters=3)
    losses = [3, 2, 2.5, 2, 1.9, 1.9, 2, 2, 2, 2, 1.8, 2, 2, 2, 2, 2]
    return {
        "step": rates(lambda o: lr_scheduler.StepLR(o, 10, 0.3), 30),
        "step_warmup": rates(lambda o: lr_scheduler.ChainedScheduler([warm(o), lr_scheduler.StepLR(o, 10, 0.3)]), 30),
        "constant_warmup": rates(warm, 30),
        "cosine": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.05), 30),
        "cosine_warmup": rates(lambda o: lr_scheduler.SequentialLR(o, [warm(o), lr_scheduler.CosineAnnealingLR(o, 26, eta_min=0.05)], [4]), 30),
        "plateau_losses": losses,
        "plateau": plateau(losses, 2, 0.3, 0.002),
    }


def smoothing():
    """The mean loss over the tokens that count, and its gradient, with logits [time, batch, vocabulary]."""
    time, batch, vocabulary = 3, 2, 5
    logits = torch.tensor([2 * math.sin(1.3 * k) for k in range(time * batch * vocabulary)]).reshape(time, batch, vocabulary).requires_grad_()
    targets = torch.tensor([[1, 4], [0, 2], [3, 0]])  # [time, batch]
    counts = torch.tensor([[1, 1], [1, 1], [1, 0]])
    masked = torch.where(counts > 0, targets, torch.tensor(-100))
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.15)(logits.reshape(-1, vocabulary), masked.reshape(-1))
    loss.backward()
    return {
        "logits": logits.detach().flatten().tolist(), "targets": targets.T.flatten().tolist(), "weights": counts.T.flatten().tolist(),
        "loss": loss.item(), "gradient": logits.grad.flatten().tolist(),
    }


def flat(make):
    return [make(shape, n).flatten().tolist() for n, shape in enumerate(SHAPES.values())]


reference = {
    "start": flat(start),
    "gradients": [flat(lambda shape, n: gradient(step, shape, n)) for step in range(STEPS)],
    "optimizers": optimizers(),
    "schedules": schedules(),
    "smoothing": smoothing(),
}


def rounded(x):
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return float(f"{x:.8g}") if isinstance(x, float) else x


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json"), "w") as f:
    json.dump(rounded(reference), f)
    f.write("\n")
