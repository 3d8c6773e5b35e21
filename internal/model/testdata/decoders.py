"""captionlab's decoders in PyTorch: what experiments/testdata/twin/twin.py trains, and what the numeric checks here compare with.

Settings are a config's [decoder] section. Whatever PyTorch has a layer for is that layer: nn.LSTM, nn.GRU, nn.LSTMCell. It
has none with layer normalisation, nor a GRU whose reset gate acts before the recurrent product: those are written here step
by step from their papers' equations. Sequences inside are [time, batch, ...].
"""

import re

import torch
import torch.nn.functional as F
from torch import nn


class LSTM(nn.LSTM):
    """nn.LSTM with one bias, as Keras' and captionlab's: the second one stays zero."""

    def __init__(self, reads, units):
        super().__init__(reads, units)
        self.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, x, state):
        x, state = super().forward(x, tuple(h[None].contiguous() for h in state))
        return x, tuple(h[0] for h in state)


class GRU(nn.GRU):
    def forward(self, x, state):
        x, h = super().forward(x, state[0][None].contiguous())
        return x, (h[0],)


class Steps(nn.Module):
    """A layer that is written step by step; its weights have the names and the layout of nn.LSTM's."""

    def __init__(self, reads, units, gates, biases=1):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(gates * units, reads))
        self.weight_hh_l0 = nn.Parameter(torch.empty(gates * units, units))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(gates * units))
        if biases == 2:
            self.bias_hh_l0 = nn.Parameter(torch.zeros(gates * units))

    def forward(self, x, state):
        outputs = []
        for row in x:
            state = self.step(row, *state)
            outputs.append(state[0])
        return torch.stack(outputs), state


def norm(x, gain):
    return F.layer_norm(x, x.shape[-1:], weight=gain)


class NormLSTM(Steps):
    """Ba, Kiros & Hinton 2016, supplementary material: LSTM."""

    def __init__(self, reads, units):
        super().__init__(reads, units, 4)
        self.input_gain, self.recurrent_gain = nn.Parameter(torch.ones(4 * units)), nn.Parameter(torch.ones(4 * units))
        self.cell_gain, self.cell_bias = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))

    def step(self, x, h, c):
        z = norm(x @ self.weight_ih_l0.T, self.input_gain) + norm(h @ self.weight_hh_l0.T, self.recurrent_gain) + self.bias_ih_l0
        i, f, g, o = z.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(F.layer_norm(c, c.shape[-1:], self.cell_gain, self.cell_bias)), c


class NormGRU(Steps):
    """The same, GRU: statistics over both gates together, and over the candidate. Gates are in the order z, r, g."""

    def __init__(self, reads, units):
        super().__init__(reads, units, 3, biases=2)
        self.input_gain, self.recurrent_gain = nn.Parameter(torch.ones(3 * units)), nn.Parameter(torch.ones(3 * units))

    def parts(self, product, gain, bias):
        both = 2 * product.shape[-1] // 3
        gates = norm(product[:, :both], gain[:both]) + bias[:both]
        return *gates.chunk(2, -1), norm(product[:, both:], gain[both:]) + bias[both:]

    def step(self, x, h):
        xz, xr, xg = self.parts(x @ self.weight_ih_l0.T, self.input_gain, self.bias_ih_l0)
        hz, hr, hg = self.parts(h @ self.weight_hh_l0.T, self.recurrent_gain, self.bias_hh_l0)
        z, r = torch.sigmoid(xz + hz), torch.sigmoid(xr + hr)
        return (z * h + (1 - z) * torch.tanh(xg + r * hg),)


class GRUBefore(Steps):
    """Cho et al. 2014, equations 5 to 8, with an update gate that keeps (z h + (1-z) g). Gates are in the order z, r, g."""

    def __init__(self, reads, units):
        super().__init__(reads, units, 3)

    def forward(self, x, state):
        return super().forward(F.linear(x, self.weight_ih_l0, self.bias_ih_l0), state)  # all steps at once

    def step(self, x, h):
        gates, candidate = x.split([2 * h.shape[-1], h.shape[-1]], -1)
        u_gates, u_candidate = self.weight_hh_l0.split([2 * h.shape[-1], h.shape[-1]])
        z, r = torch.sigmoid(gates + h @ u_gates.T).chunk(2, -1)
        return (z * h + (1 - z) * torch.tanh(candidate + (r * h) @ u_candidate.T),)


class Decoder(nn.Module):
    """What all decoders have. forward(features, tokens) gives the logits [batch, time, vocabulary] of the tokens that follow
    tokens [batch, time], and the attention [time, batch, locations], None without. start(features) gives the state with
    which the first token is fed to step, and the context, what a picture adds at each step; step(state, context, tokens)
    gives logits and the next state."""

    def __init__(self, settings, vocabulary):
        super().__init__()
        self.s = settings
        self.embedding = nn.Embedding(vocabulary, settings["embedding"])

    def drops(self, place):
        return self.training and place in self.s["dropout_on"]

    def drop(self, x, place):
        return self.dropout(x) if self.drops(place) else x

    def dropout(self, x):
        return F.dropout(x, self.s["dropout"])

    def join(self, a, place, b, other, axis):
        """Both side by side after dropout of each, which is one mask where both have it, as in internal/model/drop.go."""
        if self.drops(place) and self.drops(other):
            return self.dropout(torch.cat([a, b], axis))
        return torch.cat([self.drop(a, place), self.drop(b, other)], axis)


class Recurrent(Decoder):
    """LSTM or GRU layers; the picture enters by inject, in the terms of Tanti, Gatt & Camilleri 2018."""

    def __init__(self, s, features, vocabulary):
        super().__init__(s, vocabulary)
        units, embedding, inject = s["units"], s["embedding"], s["inject"]
        self.states = ["hidden", "cell"] if s["name"] == "lstm" else ["hidden"]
        layer = {("lstm", False): LSTM, ("lstm", True): NormLSTM, ("gru", False): GRU if s["reset_after"] else GRUBefore, ("gru", True): NormGRU}[s["name"], s["layer_norm"]]
        self.layers = nn.ModuleList(layer(units if n else 2 * embedding if inject == "par" else embedding, units) for n in range(s["layers"]))
        image = units if s["merge"] == "add" else embedding
        reads = units + image if inject == "merge" and s["merge"] == "concat" else units
        if inject == "init":
            self.image_to = nn.ModuleList(nn.ModuleDict({state: nn.Linear(features, units) for state in self.states}) for _ in self.layers)
        else:
            self.image = nn.Linear(features, image)
        if s["learn_state"]:
            self.initial = nn.ModuleList(nn.ParameterDict({state: nn.Parameter(torch.zeros(1, units)) for state in self.states}) for _ in self.layers)
        if s["hidden"]:
            self.hidden = nn.Linear(reads, s["hidden"])
            reads = s["hidden"]
        self.output = nn.Linear(reads, vocabulary)
        if s["tied"]:
            self.output.weight = self.embedding.weight

    def activate(self, x):
        return {"none": lambda x: x, "relu": F.relu, "tanh": torch.tanh}[self.s["image_activation"]](x)

    def begin(self, features):
        """Each layer's initial state, and the projected picture [batch, image], where there is one."""
        if self.s["inject"] == "init":
            return [tuple(self.activate(to[state](features)) for state in self.states) for to in self.image_to], ()
        batch = len(features)
        if self.s["learn_state"]:
            states = [tuple(layer[state].expand(batch, -1) for state in self.states) for layer in self.initial]
        else:
            states = [tuple(features.new_zeros(batch, self.s["units"]) for _ in self.states) for _ in self.layers]
        return states, (self.activate(self.image(features)),)

    def words(self, tokens, context):
        x = self.embedding(tokens)
        return self.join(x, "embedding", self.every(x, context), "image", -1) if self.s["inject"] == "par" else self.drop(x, "embedding")

    def every(self, x, context):
        """The picture at every step."""
        return context[0].expand(len(x), -1, -1)

    def read(self, x, states):
        after = []
        for n, layer in enumerate(self.layers):
            x, state = layer(self.drop(x, "layers") if n else x, states[n])
            after.append(state)
        return x, after

    def say(self, x, context):
        if self.s["inject"] != "merge":
            x = self.drop(x, "output")
        elif self.s["merge"] == "add":
            x = self.drop(x, "output") + self.drop(self.every(x, context), "image")
        else:
            x = self.join(x, "output", self.every(x, context), "image", -1)
        if self.s["hidden"]:
            x = F.relu(self.hidden(x))
        return self.output(x)

    def forward(self, features, tokens):
        states, context = self.begin(self.drop(features, "features"))
        if self.s["inject"] == "pre":
            x, _ = self.read(self.join(context[0][None], "image", self.embedding(tokens.T), "embedding", 0), states)
            x = x[1:]  # the output after the picture predicts nothing
        else:
            x, _ = self.read(self.words(tokens.T, context), states)
        return self.say(x, context).transpose(0, 1), None

    def start(self, features):
        states, context = self.begin(features)
        if self.s["inject"] == "pre":
            _, states = self.read(context[0][None], states)
        return states, context

    def step(self, states, context, tokens):
        x, states = self.read(self.words(tokens[None], context), states)
        return self.say(x, context)[0], states


class Bidirectional(Recurrent):
    """Two decoders of the same captions, of which the other reads them from their end (Wang et al. 2016); the picture's projection
    is shared. This one is the forward one."""

    def __init__(self, s, features, vocabulary):
        super().__init__(s, features, vocabulary)
        self.backwards = Recurrent(s, features, vocabulary)
        if s["inject"] != "init":
            self.backwards.image = self.image

    @staticmethod
    def turn(tokens, targets):
        """Captions the other way round: tokens [batch, time] begin with the start token; targets [batch, time] end with the end
        token, and positions after it are IGNORED."""
        tokens, targets = tokens.clone(), targets.clone()
        for read, follows in zip(tokens, targets):
            words = int((follows != IGNORED).sum()) - 1
            read[1:words + 1] = read[1:words + 1].flip(0)
            follows[:words] = follows[:words].flip(0)
        return tokens, targets


class Attention(Decoder):
    """Soft attention over a grid (Xu et al. 2015) with the gate beta; features are [batch, locations * channels]."""

    def __init__(self, s, locations, channels, vocabulary):
        super().__init__(s, vocabulary)
        units, embedding, attention = s["units"], s["embedding"], s["attention_units"]
        self.locations = locations
        self.initial_hidden, self.initial_cell = nn.Linear(channels, units), nn.Linear(channels, units)
        self.from_grid, self.from_hidden = nn.Linear(channels, attention), nn.Linear(units, attention, bias=False)
        self.score = nn.Linear(attention, 1, bias=False)
        self.gate = nn.Linear(units, 1)
        self.lstm = nn.LSTMCell(embedding + channels, units)
        self.lstm.bias_hh.requires_grad_(False).zero_()  # one bias: see LSTM
        self.deep = s["attention_output"] == "deep"
        if self.deep:
            self.deep_hidden, self.deep_context = nn.Linear(units, embedding), nn.Linear(channels, embedding, bias=False)
        self.output = nn.Linear(embedding if self.deep else units, vocabulary)

    def start(self, features):
        grid = features.unflatten(1, (self.locations, -1))
        mean = grid.mean(1)
        state = torch.tanh(self.initial_hidden(mean)), torch.tanh(self.initial_cell(mean))
        return [state], (grid, self.from_grid(grid))

    def attend(self, x, h, c, grid, projected):
        """One step of the LSTM, which reads x and the gated mean z of the grid under the attention alpha (equations 4, 5, 13)."""
        alpha = torch.softmax(self.score(torch.tanh(projected + self.from_hidden(h)[:, None]))[:, :, 0], 1)
        z = torch.sigmoid(self.gate(h)) * (alpha[:, None] @ grid)[:, 0]
        return *self.lstm(torch.cat([x, z], 1), (h, c)), z, alpha

    def say(self, x, h, z):
        out = self.drop(h, "output")
        if self.deep:
            out = self.drop(torch.tanh(x + self.deep_hidden(out) + self.deep_context(z)), "output")
        return self.output(out)

    def forward(self, features, tokens):
        [(h, c)], context = self.start(self.drop(features, "features"))
        xs, hs, zs, alphas = self.drop(self.embedding(tokens.T), "embedding"), [], [], []
        for x in xs:
            h, c, z, alpha = self.attend(x, h, c, *context)
            hs.append(h), zs.append(z), alphas.append(alpha)
        return self.say(xs, torch.stack(hs), torch.stack(zs)).transpose(0, 1), torch.stack(alphas)

    def step(self, states, context, tokens):
        x = self.embedding(tokens)
        h, c, z, _ = self.attend(x, *states[0], *context)
        return self.say(x, h, z), [(h, c)]


def make(s, shape, vocabulary):
    """The decoder of the settings, for features of a shape: [values], or [height, width, channels]."""
    if s["name"] == "attention":
        return Attention(s, shape[0] * shape[1], shape[2], vocabulary)
    size = 1
    for n in shape:
        size *= n
    return (Bidirectional if s.get("bidirectional") else Recurrent)(s, size, vocabulary)


IGNORED = -100  # the target of a position that doesn't count


def loss(output, targets, penalty=0.0, smoothing=0.0):
    """What training lowers, summed over the targets that count, and their number: negative log-likelihood in nats and, times
    penalty, the doubly stochastic one of attention (Xu et al. 2015, equation 14). output is forward's."""
    logits, alphas = output
    total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing)
    counts = (targets != IGNORED).to(logits.dtype)
    if alphas is not None and penalty:
        seen = torch.einsum("tbl,bt->bl", alphas, counts)
        total = total + penalty * (((1 - seen) ** 2).sum(1) * counts[:, 0]).sum()
    return total, counts.sum()


def training_loss(decoder, features, tokens, targets, penalty=0.0, smoothing=0.0):
    """The loss of a batch; of a bidirectional decoder the mean of both directions'."""
    total, counted = loss(decoder(features, tokens), targets, penalty, smoothing)
    if isinstance(decoder, Bidirectional):
        tokens, targets = decoder.turn(tokens, targets)
        total = (total + loss(decoder.backwards(features, tokens), targets, penalty, smoothing)[0]) / 2
    return total, counted


def initialise(decoder):
    """Initial values by decoder.initializer and decoder.recurrent_initializer. They are drawn in PyTorch's layout, where a kernel [in, out] is [out, in]."""
    s = decoder.s
    scale, clip = s["initializer_scale"], s["initializer_clip"]
    draw = {
        "keras": nn.init.xavier_uniform_, "xavier_uniform": nn.init.xavier_uniform_, "xavier_normal": nn.init.xavier_normal_,
        "uniform": lambda w: nn.init.uniform_(w, -scale, scale), "normal": lambda w: nn.init.normal_(w, std=scale),
    }[s["initializer"]]
    keras = s["initializer"] == "keras"
    with torch.no_grad():
        for module in decoder.modules():
            for name, w in module.named_parameters(recurse=False):
                if isinstance(module, nn.Linear) and any(w is d.embedding.weight for d in decoder.modules() if isinstance(d, Decoder)):
                    continue  # the output layer's, tied
                if "gain" in name:
                    w.fill_(1)
                elif w.dim() == 1:
                    w.zero_()
                elif keras and isinstance(module, nn.Embedding):
                    w.uniform_(-0.05, 0.05)
                elif keras and isinstance(module, nn.ParameterDict):  # an initial state
                    w.zero_()
                elif s.get("recurrent_initializer") == "orthogonal" and name.startswith("weight_hh"):
                    nn.init.orthogonal_(w)
                else:
                    draw(w)
                    if clip and not keras:
                        w.clamp_(-clip, clip)
            units = s["units"]
            if isinstance(module, (LSTM, NormLSTM, nn.LSTMCell)):  # the forget gate: Jozefowicz et al. 2015
                (module.bias_ih if isinstance(module, nn.LSTMCell) else module.bias_ih_l0)[units:2 * units] = 1
            if isinstance(module, GRUBefore):  # TensorFlow 1's GRUCell
                module.bias_ih_l0[:2 * units] = 1


def named(decoder, weights):
    """captionlab's weights under the names and in the layout of the decoder's own. Gradients flow through it."""
    attention = isinstance(decoder, Attention)
    out = {}
    if isinstance(decoder, Bidirectional):
        back = {path.removeprefix("backward/"): w for path, w in weights.items() if path.startswith("backward/")}
        weights = {path: w for path, w in weights.items() if not path.startswith("backward/")}
        out = {f"backwards.{name}": w for name, w in named(decoder.backwards, back).items()}
    for path, w in weights.items():
        module, name = path.split("/")
        if name in ("kernel", "grid_kernel", "hidden_kernel", "score", "recurrent_kernel"):
            w = w.T
        number = re.fullmatch(r"(\w+?)(?:_(\d+))?", module)
        base, n = number[1], int(number[2] or 1) - 1
        recurrent = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih"}
        if attention and module == "lstm":
            out["lstm." + recurrent[name]] = w
        elif attention and module == "attention":
            out[{"grid_kernel": "from_grid.weight", "bias": "from_grid.bias", "hidden_kernel": "from_hidden.weight", "score": "score.weight"}[name]] = w
        elif base in ("lstm", "gru") and name.startswith("initial_"):
            out[f"initial.{n}.{name.removeprefix('initial_')}"] = w
        elif base in ("lstm", "gru"):
            layer, prefix = decoder.layers[n], f"layers.{n}."
            if isinstance(layer, GRU):  # z, r, g to r, z, n
                z, r, g = w.chunk(3, -1 if w.dim() == 2 and name == "bias" else 0)
                w = torch.cat([r, z, g], -1 if name == "bias" else 0)
            if name == "bias" and w.dim() == 2:
                out[prefix + "bias_ih_l0"], out[prefix + "bias_hh_l0"] = w
            else:
                out[prefix + (recurrent[name] + "_l0" if name in recurrent else name)] = w
        elif base.startswith("image_to_"):
            out[f"image_to.{n}.{base.removeprefix('image_to_')}." + ("weight" if name == "kernel" else name)] = w
        else:
            out[f"{module}." + ("weight" if name in ("kernel", "embeddings") else name)] = w
    return out
