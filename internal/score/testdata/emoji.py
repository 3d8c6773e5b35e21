"""Prints emoji.json: captions with emoji and their figures by other people's code.

    pip install regex==2026.11.19 scikit-learn==1.9.1 scipy==1.17.1 && python emoji.py > emoji.json

Emoji are found by the regular expression of UTS #51 over the whole text, with presentation checked afterwards; precision,
recall and F1 are scikit-learn's for multi-label data, the n-th copy of an emoji being a label of its own; the divergence is
SciPy's. The best reference is the one whose F1 is highest by scikit-learn, of several the one with the fewest labels wrong.
"""
import json
import random
from collections import Counter

import numpy as np
import regex
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import precision_recall_fscore_support

POSSIBLE = regex.compile(r"""
    \p{RI}\p{RI}
  | [0-9\#*]\ufe0f?\u20e3
  | (?!\p{RI})\p{Emoji}(?:\p{EMod}|\ufe0f\u20e3?|[\U000E0020-\U000E007E]+\U000E007F|\ufe0e)?
    (?:\u200d(?!\p{RI})\p{Emoji}(?:\p{EMod}|\ufe0f)?)*""", regex.VERBOSE)


def emoji(text):
    found = []
    for m in POSSIBLE.finditer(text):
        e = m.group()
        if e.endswith("\ufe0e") or regex.fullmatch(r"\P{Emoji_Presentation}", e):
            continue  # shown as text
        found.append(e.replace("\ufe0f", ""))
    return found


def labels(found):
    seen = Counter()
    out = set()
    for e in found:
        out.add((e, seen[e]))
        seen[e] += 1
    return out


def scores(pairs, average):
    vocabulary = sorted(set().union(*(a | b for a, b in pairs))) or ["none"]
    truth = np.array([[l in r for l in vocabulary] for _, r in pairs], dtype=int)
    said = np.array([[l in c for l in vocabulary] for c, _ in pairs], dtype=int)
    p, r, f, _ = precision_recall_fscore_support(truth, said, average=average, zero_division=0)
    return [float(p), float(r), float(f)]


def best(candidate, references):
    def key(r):
        return (1.0 if not candidate and not r else scores([(candidate, r)], "micro")[2], -len(candidate ^ r))
    return max(references, key=key)  # the first of equals


def measure(images):
    out = {}
    said = [labels(emoji(i["candidate"])) for i in images]
    refs = [[labels(emoji(r)) for r in i["references"]] for i in images]
    for name, pick in (("best", best), ("union", lambda _, r: set().union(*r))):
        pairs = [(c, pick(c, r)) for c, r in zip(said, refs)]
        pairs = [(c, r) for c, r in pairs if c or r]
        out[name] = {"captions": len(pairs), "micro": scores(pairs, "micro"), "macro": scores(pairs, "samples")}
    p = Counter(e for i in images for e in emoji(i["candidate"]))
    q = Counter(e for i in images for r in i["references"] for e in emoji(r))
    keys = sorted(p | q)
    out["divergence"] = float(jensenshannon([p[k] for k in keys], [q[k] for k in keys], base=2) ** 2)
    out["generated"], out["references"] = dict(p), dict(q)
    out["with"] = [sum(bool(s) for s in said), sum(bool(x) for r in refs for x in r)]
    return out


# Whole emoji and plain text alone: what a fragment is, is our own definition.
pieces = ["🐱", "🐱", "🍕", "❤️", "👍🏽", "👍", "🇩🇪", "🇫🇷", "👨‍👩‍👧‍👦", "👩🏾‍🚀", "🏳️‍🌈", "🏳‍🌈", "1️⃣", "#⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☝🏻", "⭐", "☀️", "©️",
          "©", "™", "7", "❤", "☀", "☀︎", "word", "café", "日本", "x", "क्‍ष", "𝒳", "e\u0301"]
sets = []
for seed, size in ((1, 4), (2, 12), (3, 60)):
    rng = random.Random(seed)

    def caption():
        return "".join(rng.choice(pieces) + rng.choice(["", " "]) for _ in range(rng.randrange(0, 6)))

    images = [{"id": str(n), "candidate": caption(), "references": [caption() for _ in range(rng.randrange(1, 6))]} for n in range(size)]
    sets.append({"images": images, "want": measure(images)})
print(json.dumps(sets, ensure_ascii=False, indent=None, separators=(",", ":")))
