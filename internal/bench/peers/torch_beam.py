"""Captions by greedy or beam search in PyTorch: python torch_beam.py greedy|beam"""
import sys

import numpy as np
import torch

from beam_peer import BATCH, END, IMPOSSIBLE, PAD, START, UNKNOWN, WIDTH, load, measure

name = sys.argv[1]
weights, features, LENGTH, captions, logs = load(name)
UNITS = weights["lstm/recurrent_kernel"].shape[0]
w = {k: torch.from_numpy(v) for k, v in weights.items()}
features = torch.from_numpy(features)
cell = torch.nn.LSTMCell(UNITS, UNITS)  # gates i, f, g, o: Keras' order too
with torch.no_grad():
    cell.weight_ih.copy_(w["lstm/kernel"].T)
    cell.weight_hh.copy_(w["lstm/recurrent_kernel"].T)
    cell.bias_ih.copy_(w["lstm/bias"])
    cell.bias_hh.zero_()


def start(x):
    return cell(torch.addmm(w["image/bias"], x, w["image/kernel"]))


def logs_of(h, step):
    log = torch.log_softmax(torch.addmm(w["output/bias"], h, w["output/kernel"]), -1)
    log[:, [PAD, START, UNKNOWN]] = IMPOSSIBLE
    if step == LENGTH:
        end = log[:, END].clone()
        log.fill_(IMPOSSIBLE)
        log[:, END] = end
    return log


@torch.inference_mode()
def beam(x):
    pictures, vocabulary = x.shape[0], w["output/bias"].shape[0]
    rows = pictures * WIDTH
    h, c = start(x)
    h, c = h.repeat_interleave(WIDTH, 0), c.repeat_interleave(WIDTH, 0)
    fed = torch.full((rows,), START)
    ended = torch.zeros(pictures, WIDTH, dtype=torch.bool)
    tokens = torch.full((rows, LENGTH + 1), PAD)
    scores = torch.full((pictures, WIDTH), IMPOSSIBLE)
    scores[:, 0] = 0
    offset = (torch.arange(pictures) * WIDTH)[:, None]
    for step in range(LENGTH + 1):
        h, c = cell(w["embedding/embeddings"][fed], (h, c))
        log = logs_of(h, step)
        candidates = scores[:, :, None] + log.view(pictures, WIDTH, vocabulary)
        rank = candidates.masked_fill(ended[:, :, None], 3 * IMPOSSIBLE)
        rank[:, :, PAD] = torch.where(ended, -IMPOSSIBLE, rank[:, :, PAD])
        candidates[:, :, PAD] = torch.where(ended, scores, candidates[:, :, PAD])
        best = rank.view(pictures, -1).topk(WIDTH, -1).indices
        scores = candidates.view(pictures, -1).gather(1, best)
        parents, next_token = best // vocabulary, best % vocabulary
        index = (parents + offset).flatten()
        fed = next_token.flatten()
        h, c, tokens = h[index], c[index], tokens[index]
        tokens[:, step] = fed
        ended = ended.flatten()[index].view(pictures, WIDTH) | (next_token == END)
        bound = scores.masked_fill(ended, 3 * IMPOSSIBLE).amax(-1)
        if not (bound > scores.masked_fill(~ended, 3 * IMPOSSIBLE).amax(-1)).any():
            break
    return tokens.view(pictures, WIDTH, -1), scores, ended


@torch.inference_mode()
def greedy(x):
    h, c = start(x)
    fed = torch.full((len(x),), START)
    ended = torch.zeros(len(x), dtype=torch.bool)
    tokens = torch.full((len(x), LENGTH + 1), PAD)
    scores = torch.zeros(len(x))
    for step in range(LENGTH + 1):
        h, c = cell(w["embedding/embeddings"][fed], (h, c))
        log, fed = logs_of(h, step).max(-1)
        fed = fed.masked_fill(ended, PAD)
        scores += log.masked_fill(ended, 0)
        tokens[:, step] = fed
        ended |= fed == END
        if ended.all():
            break
    return tokens[:, None], scores[:, None], ended[:, None]


def generate():
    parts = [{"greedy": greedy, "beam": beam}[name](x) for x in features.split(BATCH)]
    return [torch.cat(part).numpy() for part in zip(*parts)]


measure(name, "pytorch", generate, captions, logs, ["torch"])
