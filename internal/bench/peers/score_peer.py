"""Scoring 5,000 candidates against 25,000 references: ours beside pycocoevalcap, both with BLEU, ROUGE-L and CIDEr.

    python score_peer.py make [FLICKR8K]            writes references and candidates: real captions, each image with
                                                    another image's, or made-up ones where no folder is given
    python score_peer.py ours BINARY                reports the seconds of captionlab score, process start and output included
    python score_peer.py pycocoevalcap              reports its seconds, imports not included; stops if scores differ from ours
"""
import contextlib
import io
import json
import pathlib
import random
import subprocess
import sys
import time

import peer

IMAGES, EACH = 50 if peer.QUICK else 5000, 5


def make(folder, flickr8k=None):
    images = {}
    if flickr8k:
        for row in (pathlib.Path(flickr8k) / "Flickr8k.token.txt").read_text(encoding="utf-8").split("\n"):
            if row:
                key, text = row.split("\t", 1)
                images.setdefault(key.rsplit("#", 1)[0], []).append(text)
    else:
        r = random.Random(1)
        words = [f"{a}{b}" for a in "bcdfghjklmnpqrstvw" for b in ("an", "ed", "ing", "or", "ulty", "ips", "eather")]
        weights = [1 / (n + 1) for n in range(len(words))]
        for n in range(IMAGES):
            images[f"{n}.jpg"] = [" ".join(r.choices(words, weights, k=r.randint(5, 18))).capitalize() + " ." for _ in range(EACH)]
    ids = [i for i, captions in images.items() if len(captions) == EACH][:IMAGES]
    with open(folder / "references.jsonl", "w", encoding="utf-8") as f:
        for i in ids:
            f.write(json.dumps({"image_id": i, "captions": images[i]}) + "\n")
    with open(folder / "candidates.json", "w", encoding="utf-8") as f:
        json.dump([{"image_id": i, "caption": images[ids[(n + 1) % len(ids)]][n % EACH]} for n, i in enumerate(ids)], f)


def ours(binary, folder):
    began = time.perf_counter()
    done = subprocess.run([binary, "score", "--references", folder / "references.jsonl", "--candidates", folder / "candidates.json",
                           "--metrics", "bleu,rouge_l,cider", "--json"], check=True, capture_output=True)
    seconds = time.perf_counter() - began
    (folder / "ours.json").write_bytes(done.stdout)
    peer.report("score", "ours", seconds, "s", json.loads(done.stdout)["metrics"], child=True)


def pycocoevalcap(folder):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    began = time.perf_counter()
    with open(folder / "references.jsonl", encoding="utf-8") as f:
        references = {r["image_id"]: [{"caption": c} for c in r["captions"]] for r in map(json.loads, f)}
    with open(folder / "candidates.json", encoding="utf-8") as f:
        candidates = {r["image_id"]: [r] for r in json.load(f)}
    candidates = {i: candidates[i] for i in references}
    scores = {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        tokenizer = PTBTokenizer()
        gts, res = tokenizer.tokenize(references), tokenizer.tokenize(candidates)
        bleu, _ = Bleu(4).compute_score(gts, res)
        scores.update({f"bleu_{n + 1}": b for n, b in enumerate(bleu)})
        scores["rouge_l"], _ = Rouge().compute_score(gts, res)
        scores["cider"], _ = Cider().compute_score(gts, res)
    seconds = time.perf_counter() - began
    mine = json.loads((folder / "ours.json").read_text())["metrics"]
    for name, value in scores.items():
        if abs(mine[name] - value) > 1e-9 * abs(value):
            sys.exit(f"{name}: ours is {mine[name]!r}, pycocoevalcap's {float(value)!r}")
    peer.report("score", "pycocoevalcap", seconds, "s", scores, "imports not counted; memory without Java's", ["pycocoevalcap"])


if __name__ == "__main__":
    shared = pathlib.Path(peer.ROOT) / "score"
    if sys.argv[1] == "make":
        make(shared, *sys.argv[2:])
    elif sys.argv[1] == "ours":
        ours(sys.argv[2], shared)
    else:
        pycocoevalcap(shared)
