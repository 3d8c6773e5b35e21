"""The PyTorch twin of a run: its decoder in plain PyTorch, trained on the same features and captions by the same config.

    pip install torch==2.9.1 numpy
    captionlab run recipes/tanti-init.toml data.root=path/to/flickr8k
    captionlab export inputs last                      prints inputs/<run>
    python twin.py check inputs/<run>                  with the run's own weights: the same loss, the same captions?
    python twin.py begin inputs/<run>                  of an untrained run: are the initial values distributed alike?
    python twin.py train inputs/<run> --out twin       a twin of its own, from the seed on
    python twin.py train inputs/<run> --out twin --follow initial/weights.npz
                                                       one that takes the run's steps: its initial weights, which a run with
                                                       learning_rate=1e-12 has kept, its order of captions, its dropout masks
    python twin.py row inputs/<run> twin               both sides' scores, a table's row
    python twin.py mean twin-1 twin-2 twin-3           the mean of several rows, ± their standard deviation

twins.sh beside it does all of that for a recipe and a seed. The decoders are those of internal/model/testdata/decoders.py,
which the project's numeric checks use; a config that asks for what isn't written here is refused.
"""

import argparse
import copy
import functools
import hashlib
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "internal/model/testdata"))
import decoders  # noqa: E402

PAD, START, END, UNKNOWN = range(4)
IMPOSSIBLE = -1e9
METRICS = ["cider", "bleu_4", "rouge_l"]


class Inputs:
    """What captionlab export inputs left in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.about = json.loads((self.folder / "inputs.json").read_text(encoding="utf-8"))
        self.config = self.about["config"]
        refuse(self.config)
        self.image_ids = [image["id"] for image in json.loads((self.folder / "references.json").read_text(encoding="utf-8"))["images"]]

    @functools.cached_property
    def features(self):
        return np.load(self.folder / "features.npy", mmap_mode="r")  # grids are gigabytes

    @functools.cached_property
    def captions(self):
        return np.load(self.folder / "captions.npz")

    @functools.cached_property
    def splits(self):
        return {split: Captions(self.features, *(self.captions[f"{split}_{part}"] for part in ("tokens", "lengths", "pictures"))) for split in ("train", "validation")}

    def decoder(self):
        return decoders.make(self.config["decoder"], self.about["feature_shape"], len(self.about["tokens"]))

    def text(self, ids):
        return ("" if self.config["text"]["tokenizer"] == "char" else " ").join(self.about["tokens"][n] for n in ids)


def refuse(config):
    """Stops where the config asks for what the twin doesn't do."""
    can = {
        "text.tokenizer": ["word", "ptb", "char"], "decoder.vectors": [""], "training.examples": ["sequences"], "training.warmup_steps": [0],
        "training.scheduled_sampling": ["none"], "training.averaging": ["none"], "training.average_last": [0], "training.scst_epochs": [0], "training.padding": ["masked"], "training.precision": ["float32"],
        "decoding.method": ["greedy", "beam"], "decoding.beam_groups": [1], "decoding.no_repeat_ngram": [0], "decoding.direction": ["forward"],
    }
    for key, values in can.items():
        section, name = key.split(".")
        if (value := config[section].get(name, values[0])) not in values:  # a run from before a key has what the key's default is
            sys.exit(f"twin.py: {key} is {value!r}; the twin knows {', '.join(map(repr, values))}")


class Captions:
    """The captions of a split, in batches as internal/batch makes them."""

    def __init__(self, features, tokens, lengths, pictures):
        self.features, self.tokens, self.lengths, self.pictures = features, torch.from_numpy(tokens).long(), torch.from_numpy(lengths).long(), pictures

    def batch(self, rows):
        """Features, the tokens that are read, from the start on, and those that follow, up to the end."""
        lengths = self.lengths[rows]
        steps = int(lengths.max()) + 1
        ids = self.tokens[rows, :steps]
        tokens = torch.cat([torch.full((len(rows), 1), START), ids], 1)[:, :steps]
        targets = torch.cat([ids, torch.full((len(rows), 1), PAD)], 1)[:, :steps]
        place = torch.arange(steps)[None]
        targets = targets.masked_fill(place == lengths[:, None], END).masked_fill(place > lengths[:, None], decoders.IGNORED)
        return torch.from_numpy(self.features[self.pictures[rows.numpy()]]), tokens, targets

    def batches(self, size, shuffle=None, bucket=False):
        """The rows of each batch. With bucket captions of similar length go together, within windows of 50 batches."""
        order = torch.arange(len(self.lengths)) if shuffle is None else torch.randperm(len(self.lengths), generator=shuffle)
        if bucket:
            order = torch.cat([window[torch.sort(self.lengths[window], stable=True).indices] for window in order.split(50 * size)])
        parts = list(order.split(size))
        if bucket and shuffle is not None:  # the last batch, which may be a smaller one, stays last
            whole = len(order) // size
            parts = [parts[n] for n in torch.randperm(whole, generator=shuffle)] + parts[whole:]
        return parts


class Masks:
    """The dropout masks of a run's steps, one after the other: see internal/model/dropout.go. For each, two numbers come from the
    run's random state, the key and the count of a Philox 4x32 generator of ten rounds (Salmon et al. 2011)."""

    def __init__(self, key, count, rate, rows):
        self.key, self.count, self.rate, self.rows, self.taken = key, count, rate, rows, 0

    def __call__(self, x):
        """x [..., batch, width] after dropout; the run's batches have as many rows, and some of the last one are filled up."""
        keys = [int(min(np.float32(word) * np.float32(2**-32), np.nextafter(np.float32(1), np.float32(0))) * 2**24) * 0x9E3779B1 % 2**32
                for word in philox(self.key, self.count + self.taken)[:2]]
        self.taken += 1
        shape = [*x.shape[:-2], self.rows, x.shape[-1]]
        place = np.arange(math.prod(shape), dtype=np.uint32)
        bits = lowbias32(lowbias32(place ^ np.uint32(keys[0])) + np.uint32(keys[1])).reshape(shape)[..., :x.shape[-2], :]
        kept = torch.from_numpy(bits >= np.uint32(round(self.rate * 2**32))).to(x.device)
        return torch.where(kept, x * (1 / (1 - self.rate)), 0)


def philox(key, count):
    """The four words of a count."""
    word = lambda x, n: x >> 32 * n & 0xFFFFFFFF
    c, k = [word(count, n) for n in range(4)], [word(key, n) for n in range(2)]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [word(b, 1) ^ c[1] ^ k[0], word(b, 0), word(a, 1) ^ c[3] ^ k[1], word(a, 0)]
        k = [word(k[0] + 0x9E3779B9, 0), word(k[1] + 0xBB67AE85, 0)]
    return c


def lowbias32(x):
    """https://github.com/skeeto/hash-prospector, of uint32."""
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def follow(inputs, decoder, rows):
    """Gives the decoder the run's dropout masks. The random state that was exported is that after the best epoch, whose steps
    took as many counts each as one step of the twin."""
    if "random_state" not in inputs.about or "train_order" not in inputs.captions:
        sys.exit(f"twin.py: {inputs.folder} tells neither the run's random state nor its order of captions: export the inputs anew")
    d, batches = inputs.config["decoder"], math.ceil(len(inputs.splits["train"].lengths) / rows)
    key, low, high = inputs.about["random_state"]
    masks = Masks(key, 0, d["dropout"], rows)
    for module in decoder.modules():
        if isinstance(module, decoders.Decoder):
            module.dropout = masks
    decoder.train()
    with torch.no_grad():
        features, read, targets = inputs.splits["train"].batch(torch.arange(1))
        decoders.training_loss(decoder, features, read, targets)
    masks.count = (low | high << 64) - int(inputs.about["figures"]["best_epoch"]) * batches * masks.taken
    masks.taken = 0


@torch.inference_mode()
def evaluate(decoder, captions, batch, device, backwards=False):
    """Nats a token under teacher forcing; backwards: by a bidirectional decoder's other direction."""
    decoder.eval()
    total = tokens = 0
    for rows in captions.batches(batch):
        features, read, targets = (x.to(device) for x in captions.batch(rows))
        if backwards:
            read, targets = decoder.turn(read, targets)
        nats, counted = decoders.loss((decoder.backwards if backwards else decoder)(features, read), targets)
        total, tokens = total + nats.double().item(), tokens + counted.double().item()
    return total / tokens


def optimizer(parameters, t):
    rate, epsilon, momentum = t["learning_rate"], t["epsilon"], t["momentum"]
    betas = t["beta1"], t["beta2"]
    return {
        "adam": lambda: torch.optim.Adam(parameters, rate, betas, epsilon),
        "adamw": lambda: torch.optim.AdamW(parameters, rate, betas, epsilon, weight_decay=t["weight_decay"]),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, rate, t["rmsprop_decay"], epsilon, momentum=momentum),
        "sgd": lambda: torch.optim.SGD(parameters, rate, momentum),
    }[t["optimizer"]]()


class Schedule:
    """The learning rate over time."""

    def __init__(self, opt, t, updates):
        from torch.optim import lr_scheduler

        self.kind, least = t["schedule"], t["min_learning_rate"]
        every, factor = t["schedule_epochs"], t["schedule_factor"]
        if self.kind == "step":
            self.it = lr_scheduler.LambdaLR(opt, lambda epoch: max(factor ** (epoch // every), least / t["learning_rate"]))
        elif self.kind == "plateau":
            self.it = lr_scheduler.ReduceLROnPlateau(opt, factor=factor, patience=every - 1, threshold=0, min_lr=least, eps=0)
        elif self.kind == "cosine":
            self.it = lr_scheduler.CosineAnnealingLR(opt, updates, eta_min=least)

    def after_update(self):
        if self.kind == "cosine":
            self.it.step()

    def after_epoch(self, loss):
        if self.kind == "plateau":
            self.it.step(loss)
        elif self.kind == "step":
            self.it.step()


def take(decoder, path):
    """Gives the decoder the weights that captionlab export inputs left."""
    weights = {name: torch.from_numpy(w) for name, w in np.load(path).items()}
    missing, unexpected = decoder.load_state_dict(decoders.named(decoder, weights), strict=False)
    trained = {name for name, p in decoder.named_parameters() if p.requires_grad}
    if unexpected or trained & set(missing):
        sys.exit(f"twin.py: the weights leave {sorted(trained & set(missing))} open, and {unexpected} aren't the twin's")


def fit(inputs, seed, device, captionlab, initial=None):
    """Trains the decoder as internal/train does; with the initial weights of the run, through its steps. It has the best epoch's
    weights at the end; the rows tell of the epochs."""
    t, d = inputs.config["training"], inputs.config["decoder"]
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    decoder = inputs.decoder()
    decoders.initialise(decoder)
    if initial:
        take(decoder, initial)
        follow(inputs, decoder, t["batch"])
    decoder.to(device)
    parameters = [p for p in decoder.parameters() if p.requires_grad]
    opt = optimizer(parameters, t)
    data, held_out = inputs.splits["train"], inputs.splits["validation"]
    group = max(t["accumulate"], 1)
    schedule = Schedule(opt, t, t["epochs"] * math.ceil(len(data.batches(t["batch"])) / group))
    best, best_epoch, best_weights, log = None, 0, None, []
    orders = torch.from_numpy(inputs.captions["train_order"]).long() if initial else [None] * t["epochs"]
    for epoch, order in enumerate(orders, 1):
        began, nats, tokens = time.perf_counter(), 0.0, 0.0
        decoder.train()
        parts = data.batches(t["batch"], shuffle, t["bucket_by_length"]) if order is None else order.split(t["batch"])
        for at in range(0, len(parts), group):
            opt.zero_grad()
            counted = 0
            for rows in parts[at:at + group]:  # their gradients are added up
                features, read, targets = (x.to(device) for x in data.batch(rows))
                total, count = decoders.training_loss(decoder, features, read, targets, d["attention_penalty"], t["label_smoothing"])
                total.backward()
                counted, nats = counted + count, nats + total.item()
            tokens += counted.item()
            for p in parameters:
                p.grad /= counted
            if t["clip_value"]:
                torch.nn.utils.clip_grad_value_(parameters, t["clip_value"])
            if t["clip_norm"]:
                torch.nn.utils.clip_grad_norm_(parameters, t["clip_norm"])
            for p in parameters if t["l2_regularization"] else []:
                p.grad.add_(p.detach(), alpha=t["l2_regularization"])
            opt.step()
            schedule.after_update()
        loss = evaluate(decoder, held_out, t["batch"], device)
        value = -loss if t["select"] == "loss" else selection(inputs, decoder, device, captionlab)
        if best is None or value > best:
            best, best_epoch, best_weights = value, epoch, copy.deepcopy(decoder.state_dict())
        log.append({"epoch": epoch, "train_loss": nats / tokens, "validation_loss": loss, "selected_by": value, "seconds": time.perf_counter() - began})
        print(f"twin, epoch {epoch}/{t['epochs']}: loss {nats / tokens:.4f} train, {loss:.4f} validation nats a token; {log[-1]['seconds']:.0f} s", file=sys.stderr)
        if not math.isfinite(loss):
            sys.exit(f"twin.py: the loss became {loss}")
        schedule.after_epoch(loss)
        if t["patience"] and epoch - best_epoch >= t["patience"]:
            break
    decoder.load_state_dict(best_weights)
    return decoder, best_epoch, log


def selection(inputs, decoder, device, captionlab):
    """training.select of greedy captions of the validation split."""
    said = generate(inputs, decoder, inputs.config["decoding"] | {"method": "greedy", "min_length": 0, "max_length": 0}, device)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "results.json")
        write_results(path, inputs, said)
        return score(captionlab, inputs, path, [inputs.config["training"]["select"]])[inputs.config["training"]["select"]]


@torch.inference_mode()
def search(decoder, features, width, least, longest, penalty):
    """The token ids of the best caption of each picture, by the beam search of internal/decode: a caption that ended keeps its
    place, at least and at most so many tokens, the end forced after those; captions are ranked by log-probability, at the end
    divided by length^penalty. It stops when no caption that goes on can become the best."""
    pictures = len(features)
    states, context = decoder.start(features)
    states = [tuple(h.repeat_interleave(width, 0) for h in layer) for layer in states]
    context = tuple(x.repeat_interleave(width, 0) for x in context)
    device = features.device
    fed = torch.full((pictures * width,), START, device=device)
    ended = torch.zeros(pictures, width, dtype=torch.long, device=device)  # tokens of a caption that ended, its end counted
    tokens = torch.full((pictures * width, longest + 1), PAD, device=device)
    scores = torch.full((pictures, width), IMPOSSIBLE, device=device)
    scores[:, 0] = 0
    first = (torch.arange(pictures, device=device) * width)[:, None]
    for step in range(longest + 1):
        logits, states = decoder.step(states, context, fed)
        log = torch.log_softmax(logits, -1)
        log[:, [PAD, START, UNKNOWN]] = IMPOSSIBLE
        if step < least:
            log[:, END] = IMPOSSIBLE
        if step == longest:
            end = log[:, END].clone()
            log.fill_(IMPOSSIBLE)
            log[:, END] = end
        vocabulary, done = log.shape[-1], (ended > 0) & (scores > IMPOSSIBLE / 2)  # an impossible one takes no other's place
        candidates = scores[:, :, None] + log.view(pictures, width, vocabulary)
        rank = candidates.masked_fill(done[:, :, None], 3 * IMPOSSIBLE)  # one that ended goes on by padding, before all others
        rank[:, :, PAD] = torch.where(done, -IMPOSSIBLE, rank[:, :, PAD])
        candidates[:, :, PAD] = torch.where(done, scores, candidates[:, :, PAD])
        best = rank.view(pictures, -1).topk(width, -1).indices
        scores = candidates.view(pictures, -1).gather(1, best)
        parents, fed = (best // vocabulary + first).flatten(), (best % vocabulary).flatten()
        states, tokens = [tuple(h[parents] for h in layer) for layer in states], tokens[parents]
        tokens[:, step] = fed
        ended = ended.flatten()[parents].masked_fill(fed == END, step + 1).view(pictures, width)
        goes_on = scores.masked_fill(ended > 0, 3 * IMPOSSIBLE).amax(-1) / (longest + 1) ** penalty
        ranks = (scores / ended.clamp(min=1) ** penalty).masked_fill(ended == 0, 3 * IMPOSSIBLE)
        if not (goes_on > ranks.amax(-1)).any():
            break
    rows = tokens.view(pictures, width, -1)[torch.arange(pictures), ranks.argmax(-1).cpu()].tolist()
    return [row[:row.index(END)] if END in row else [] for row in rows]


def generate(inputs, decoder, d, device):
    """The captions of the validation pictures, in their order."""
    decoder.eval()
    longest = d["max_length"] or inputs.about["longest_training_caption"]
    said = []
    for at in range(len(inputs.about["pictures"]["train"]), len(inputs.features), d["batch"]):
        features = torch.from_numpy(np.array(inputs.features[at:at + d["batch"]])).to(device)
        said += search(decoder, features, d["beam_width"] if d["method"] == "beam" else 1, min(d["min_length"], longest), longest, d["length_penalty"])
    return [inputs.text(ids) for ids in said]


def write_results(path, inputs, said):
    path.write_text(json.dumps([{"image_id": n, "caption": text} for n, text in zip(inputs.image_ids, said, strict=True)], ensure_ascii=False), encoding="utf-8")


def score(captionlab, inputs, results, metrics):
    """Scores of captionlab score, as fractions."""
    command = [captionlab, "score", "--references", inputs.folder / "references.json", "--candidates", results, "--metrics", ",".join(metrics), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)["metrics"]


def check(inputs, device):
    """Loads the run's weights and wants its loss, to 1e-4, and its captions; rounding may decide between nearly equal beams."""
    for name, lacks in {"weights.npz": "finished no epoch", "results.json": "captioned no validation picture"}.items():
        if not (inputs.folder / name).exists():
            sys.exit(f"twin.py: {inputs.folder} has no {name}: the run {lacks}")
    decoder = inputs.decoder()
    take(decoder, inputs.folder / "weights.npz")
    decoder.to(device)
    losses = {}
    for figure, backwards in {"validation_teacher_forced_loss": False, "validation_backward_teacher_forced_loss": True}.items():
        if not backwards or isinstance(decoder, decoders.Bidirectional):
            twins = evaluate(decoder, inputs.splits["validation"], inputs.config["training"]["batch"], device, backwards)
            losses[figure] = inputs.about["figures"][figure], twins
    run = json.loads((inputs.folder / "results.json").read_text(encoding="utf-8"))
    said = generate(inputs, decoder, inputs.config["decoding"], device)
    same = sum(a["caption"] == b for a, b in zip(run, said, strict=True))
    print(json.dumps({"losses": losses, "captions": len(said), "same_captions": same}))
    for figure, (ours, twins) in losses.items():
        if abs(ours - twins) > 1e-4 * max(1, abs(ours)):
            sys.exit(f"twin.py: with the run's weights the twin's {figure} is {twins}, the run's {ours}")
    if same < len(said) - max(1, len(said) // 100):
        sys.exit(f"twin.py: with the run's weights {same} of {len(said)} captions are the run's")


def begin(inputs):
    """Wants the weights of a run that trained by next to nothing to be spread as the twin's initial values are."""
    ours, twins = inputs.decoder(), inputs.decoder()
    take(ours, inputs.folder / "weights.npz")
    decoders.initialise(twins)
    others = dict(twins.named_parameters())
    for name, w in ours.named_parameters():
        if not w.requires_grad:
            continue
        means, spreads = zip(*((x.mean().item(), x.std(correction=0).item()) for x in (w.detach(), others[name].detach())))
        chance = 6 * max(spreads) / math.sqrt(w.numel()) + 1e-6  # standard errors: of a spread less than of a mean
        for what, (a, b) in {"mean": means, "standard deviation": spreads}.items():
            if abs(a - b) > chance:
                sys.exit(f"twin.py: {name} begins with a {what} of {a:.4g} in the run, of {b:.4g} in the twin")


def train(inputs, out, seed, device, captionlab, initial=None):
    decoder, best, log = fit(inputs, seed, device, captionlab, initial)
    out.mkdir(parents=True, exist_ok=True)
    write_results(out / "results.json", inputs, generate(inputs, decoder, inputs.config["decoding"], device))
    about = {"run": inputs.about["run"], "seed": seed, "torch": torch.__version__, "device": device, "threads": torch.get_num_threads(),
             "best_epoch": best, "validation_loss": log[best - 1]["validation_loss"], "epochs": log}
    (out / "twin.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    torch.save(decoder.state_dict(), out / "weights.pt")


SIDES = ["captionlab", "PyTorch"]
HEADER = ["Recipe", "Seeds"] + [f"{name}, {side}" for name in ("CIDEr", "BLEU-4", "ROUGE-L", "Loss") for side in SIDES]


def row(inputs, out, captionlab):
    """Scores both sides' captions and writes row.json."""
    twin = json.loads((out / "twin.json").read_text(encoding="utf-8"))
    figures = {"captionlab": score(captionlab, inputs, inputs.folder / "results.json", METRICS) | {"loss": inputs.about["figures"]["validation_teacher_forced_loss"]},
               "PyTorch": score(captionlab, inputs, out / "results.json", METRICS) | {"loss": twin["validation_loss"]}}
    one = {"recipe": inputs.config["experiment"]["name"], "seeds": [twin["seed"]], "run_seeds": [inputs.config["training"]["seed"]], "settings": settings(inputs),
           "figures": figures}
    (out / "row.json").write_text(json.dumps(one, indent=1) + "\n", encoding="utf-8")
    print_header()
    print(markdown(one))


def settings(inputs):
    """What rows of one mean have in common: the data and all that decides a run but its seed."""
    decisive = {name: section for name, section in inputs.config.items() if name not in ("experiment", "runtime", "slurm")}
    decisive["training"] = {key: value for key, value in decisive["training"].items() if key != "seed"}
    decisive["data"] = inputs.about["hashes"]["data"]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def mean(folders):
    """The mean of several rows of one recipe, and their standard deviation where there are two or more."""
    rows = [json.loads((pathlib.Path(folder) / "row.json").read_text(encoding="utf-8")) for folder in folders]
    if len({r["recipe"] for r in rows}) > 1:
        sys.exit("twin.py: rows of several recipes have no mean")
    if len({r["settings"] for r in rows if "settings" in r}) > 1:  # rows of earlier versions don't tell
        sys.exit("twin.py: rows of other data or settings have no mean")
    if len({tuple(r["seeds"]) for r in rows}) < len(rows):
        sys.exit("twin.py: a seed stands there twice")
    print_header()
    each = {side: {name: [r["figures"][side][name] for r in rows] for name in METRICS + ["loss"]} for side in SIDES}
    over = lambda of: {side: {name: of(values) for name, values in figures.items()} for side, figures in each.items()}
    print(markdown({"recipe": rows[0]["recipe"], "seeds": [s for r in rows for s in r["seeds"]], "figures": over(statistics.fmean)},
                   over(statistics.stdev) if len(rows) > 1 else None))


def print_header():
    """The table's head goes to stderr, so that rows can be collected."""
    print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER), file=sys.stderr)


def markdown(r, deviations=None):
    """A row: percent, and nats a token."""
    cells = [r["recipe"], ", ".join(map(str, r["seeds"]))]
    for name in METRICS + ["loss"]:
        show = lambda value: f"{value:.3f}" if name == "loss" else f"{100 * value:.1f}"
        cells += [" ± ".join(show(f[side][name]) for f in (r["figures"], deviations) if f) for side in SIDES]
    return "| " + " | ".join(cells) + " |"


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = p.add_subparsers(dest="verb", required=True)
    for verb in ("begin", "check", "train", "row"):
        v = verbs.add_parser(verb)
        v.add_argument("inputs", type=Inputs, help="folder of captionlab export inputs")
        if verb == "row":
            v.add_argument("out", type=pathlib.Path, help="the folder that train wrote")
        if verb == "train":
            v.add_argument("--out", type=pathlib.Path, required=True, help="folder for results.json, twin.json and weights.pt")
            v.add_argument("--seed", type=int, help="default: the run's")
            v.add_argument("--follow", metavar="WEIGHTS", help="the run's initial weights, from which to take its steps")
        if verb in ("row", "train"):
            v.add_argument("--captionlab", default=str(ROOT / "bin/captionlab"), help="the command, which scores")
        if verb in ("check", "train"):
            v.add_argument("--device", default="cpu", help="cpu or cuda")
    verbs.add_parser("mean").add_argument("rows", nargs="+", help="folders in which row wrote row.json")
    a = p.parse_args()
    if a.verb == "begin":
        begin(a.inputs)
    elif a.verb == "check":
        check(a.inputs, a.device)
    elif a.verb == "train":
        train(a.inputs, a.out, a.seed or a.inputs.config["training"]["seed"], a.device, a.captionlab, a.follow)
    elif a.verb == "row":
        row(a.inputs, a.out, a.captionlab)
    else:
        mean(a.rows)


if __name__ == "__main__":
    main()
