"""An epoch of Flickr8k in PyTorch, in the batches of BenchmarkFlickr8kEpoch: python torch_epoch.py BENCHMARK"""
import sys
import time

import torch

import peer
from torch_decoder import Decoder

benchmark = sys.argv[1]
sizes, weights, data = peer.load(benchmark)
model = Decoder(sizes, weights)
optimizer = torch.optim.Adam(model.parameters(), sizes["learning_rate"], eps=sizes["epsilon"], fused=True)
data = {k: torch.from_numpy(v) for k, v in data.items()}
losses = []
began = time.perf_counter()
for n in range(sizes["batches"]):
    pictures, tokens, targets, counts = (data[f"{k}.{n}"] for k in ("pictures", "tokens", "targets", "weights"))
    optimizer.zero_grad(set_to_none=True)
    loss = model.loss(data["features"][pictures], tokens, targets, counts)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
seconds = time.perf_counter() - began
peer.report(benchmark, "pytorch", seconds, "s/epoch", {"loss of step 1": losses[0], "loss of step 5": losses[4]}, "the same batches in the same order", ["torch"])
