"""The decoders of internal/model in PyTorch, with weights that our benchmarks left."""
import torch
from torch import nn
from torch.nn import functional as F


def Decoder(sizes, weights):
    weights = {k: torch.from_numpy(v) for k, v in weights.items()}
    return (Attention if sizes["decoder"] == "attention" else Recurrent)(sizes, weights)


def linear(weights, name, kernel="kernel", bias="bias"):
    w = weights[f"{name}/{kernel}"]
    layer = nn.Linear(*w.shape, bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(w.T)
        if bias is not None:
            layer.bias.copy_(weights[f"{name}/{bias}"])
    return layer


def embedding(weights):
    return nn.Embedding.from_pretrained(weights["embedding/embeddings"].clone(), freeze=False)


def mean_nats(logits, targets, counts):
    """logits [time, batch, vocabulary], targets and counts [batch, time]; counts None: every target counts."""
    targets = targets.T.flatten().long()
    if counts is None:
        return F.cross_entropy(logits.flatten(0, 1), targets)
    return F.cross_entropy(logits.flatten(0, 1), targets.masked_fill(counts.T.flatten() == 0, -100))


class Recurrent(nn.Module):
    """An LSTM, the picture by sizes["inject"]."""

    def __init__(self, sizes, weights):
        super().__init__()
        self.embedding = embedding(weights)
        self.pre = sizes["inject"] == "pre"
        names = ["image"] if self.pre else ["image_to_hidden", "image_to_cell"]
        self.image = nn.ModuleList(linear(weights, name) for name in names)
        self.lstm = nn.LSTM(sizes["units"], sizes["units"])  # gates i, f, g, o: Keras' order too
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(weights["lstm/kernel"].T)
            self.lstm.weight_hh_l0.copy_(weights["lstm/recurrent_kernel"].T)
            self.lstm.bias_ih_l0.copy_(weights["lstm/bias"])
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)  # one bias, as everywhere else
        self.output = linear(weights, "output")

    def loss(self, features, tokens, targets, counts=None):
        x = self.embedding(tokens.T)
        if self.pre:
            hidden = self.lstm(torch.cat([self.image[0](features)[None], x]))[0][1:]
        else:
            h, c = (layer(features)[None] for layer in self.image)
            hidden = self.lstm(x, (h, c))[0]
        return mean_nats(self.output(hidden), targets, counts)


class Attention(nn.Module):
    """Soft attention (Xu et al. 2015) with the gate and the deep output layer: a loop of cells, all that needs no loop outside it."""

    def __init__(self, sizes, weights):
        super().__init__()
        self.locations, self.penalty = sizes["locations"], sizes["penalty"]
        self.embedding = embedding(weights)
        self.initial = nn.ModuleList(linear(weights, name) for name in ("initial_hidden", "initial_cell"))
        self.grid = linear(weights, "attention", "grid_kernel")
        self.hidden = linear(weights, "attention", "hidden_kernel", None)
        self.score = linear(weights, "attention", "score", None)
        self.gate = linear(weights, "gate")
        units = sizes["units"]
        self.cell = nn.LSTMCell(weights["lstm/kernel"].shape[0], units)
        with torch.no_grad():
            self.cell.weight_ih.copy_(weights["lstm/kernel"].T)
            self.cell.weight_hh.copy_(weights["lstm/recurrent_kernel"].T)
            self.cell.bias_ih.copy_(weights["lstm/bias"])
            self.cell.bias_hh.zero_()
        self.cell.bias_hh.requires_grad_(False)
        self.deep_hidden = linear(weights, "deep_hidden")
        self.deep_context = linear(weights, "deep_context", "kernel", None)
        self.output = linear(weights, "output")

    def loss(self, features, tokens, targets, counts=None):
        grid = features.view(len(features), self.locations, -1)
        projected = self.grid(grid)
        mean = grid.mean(1)
        h, c = (torch.tanh(layer(mean)) for layer in self.initial)
        x = self.embedding(tokens.T)
        hs, zs, alphas = [], [], []
        for xt in x.unbind():
            energies = torch.tanh(projected + self.hidden(h)[:, None])
            alpha = torch.softmax(self.score(energies).squeeze(-1), 1)
            z = torch.sigmoid(self.gate(h)) * torch.bmm(alpha[:, None], grid).squeeze(1)
            h, c = self.cell(torch.cat([xt, z], 1), (h, c))
            hs.append(h)
            zs.append(z)
            alphas.append(alpha)
        out = torch.tanh(x + self.deep_hidden(torch.stack(hs)) + self.deep_context(torch.stack(zs)))
        nats = mean_nats(self.output(out), targets, counts)
        seen = torch.stack(alphas)
        if counts is None:
            return nats + self.penalty * (1 - seen.sum(0)).square().sum() / targets.numel()
        seen = (seen * counts.T[:, :, None]).sum(0)  # padding sees nothing
        missing = (1 - seen).square().sum(1) * counts[:, 0]  # a row that fills up the batch misses nothing
        return nats + self.penalty * missing.sum() / counts.sum()
