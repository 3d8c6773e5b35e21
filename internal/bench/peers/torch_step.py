"""A training step of the decoder in PyTorch: python torch_step.py BENCHMARK"""
import sys

import torch

import peer
from torch_decoder import Decoder

benchmark = sys.argv[1]
sizes, weights, data = peer.load(benchmark)
model = Decoder(sizes, weights)
optimizer = torch.optim.Adam(model.parameters(), sizes["learning_rate"], eps=sizes["epsilon"], fused=True)


def step():
    features, tokens, targets = (torch.from_numpy(data[k]) for k in ("features", "tokens", "targets"))
    optimizer.zero_grad(set_to_none=True)
    loss = model.loss(features, tokens, targets)
    loss.backward()
    optimizer.step()
    return loss.item()


peer.measure(benchmark, "pytorch", sizes, step, ["torch"])
