"""Makes the reference scores beside this file with pycocoevalcap (which needs Java), sacreBLEU and numpy:

    python3 -m venv venv && venv/bin/pip install pycocoevalcap==1.2 sacrebleu==2.6.0 numpy==2.4.6
    venv/bin/python internal/score/testdata/reference.py [FLICKR8K]

writes synthetic.json.gz (captions that this script makes up, and their scores) and, given the folder of the real
Flickr8k, flickr8k.json.gz (scores alone: its text stays where it is).
"""
import contextlib, gzip, io, json, math, pathlib, random, sys
from collections import Counter

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from sacrebleu.metrics import CHRF

HERE = pathlib.Path(__file__).parent


def plain_cider(references, candidates):
    """CIDEr by equations 2 and 3 of Vedantam et al. 2015, times 10, without stemming: no clipping, no penalty."""
    grams = lambda text, n: Counter(zip(*[text.split()[i:] for i in range(n)]))
    ids, scores = list(references), []
    sums = np.zeros(len(ids))
    for n in range(1, 5):
        df = Counter(g for i in ids for g in set().union(*[grams(r, n) for r in references[i]]))
        vector = lambda text: {g: c * (math.log(len(ids)) - math.log(max(1, df[g]))) for g, c in grams(text, n).items()}
        for at, i in enumerate(ids):
            c = vector(candidates[i][0])
            for r in map(vector, references[i]):
                norm = np.linalg.norm(list(c.values())) * np.linalg.norm(list(r.values())) if c and r else 0
                sums[at] += sum(w * r.get(g, 0) for g, w in c.items()) / norm / len(references[i]) if norm else 0
    scores = 10 * sums / 4
    return scores.mean(), scores


def chrf(images):
    metric = CHRF()
    most = max(len(i["references"]) for i in images)
    streams = [[i["references"][k] if k < len(i["references"]) else None for i in images] for k in range(most)]
    corpus = metric.corpus_score([i["candidate"] for i in images], streams).score / 100
    return corpus, [metric.sentence_score(i["candidate"], i["references"]).score / 100 for i in images]


def scores(images):
    """The corpus' scores and every image's, by the names that captionlab has for them."""
    gts = PTBTokenizer().tokenize({n: [{"caption": c} for c in i["references"]] for n, i in enumerate(images)})
    res = PTBTokenizer().tokenize({n: [{"caption": i["candidate"]}] for n, i in enumerate(images)})
    corpus, single = {}, {}
    with contextlib.redirect_stdout(io.StringIO()):
        bleus, each = Bleu(4).compute_score(gts, res)
    for n in range(4):
        corpus[f"bleu_{n + 1}"], single[f"bleu_{n + 1}"] = bleus[n], each[n]
    for name, scorer in (("meteor", Meteor()), ("rouge_l", Rouge()), ("cider", Cider())):
        corpus[name], single[name] = scorer.compute_score(gts, res)
    corpus["cider_d"], single["cider_d"] = corpus["cider"], single["cider"]  # vrama91/cider's ciderD has the same formula
    corpus["cider_plain"], single["cider_plain"] = plain_cider(gts, res)
    corpus["chrf"], single["chrf"] = chrf(images)
    return {"corpus": {k: float(v) for k, v in corpus.items()}, "images": {k: [float(x) for x in v] for k, v in single.items()}}


def synthetic(r):
    """Captions by a small grammar, some of them nasty; 1 to 6 references an image."""
    who = ["a dog", "the dogs", "two men", "A woman's child", "an old man", "kids", "the U.S. team", "a well-known skater", "Mr. Smith", "a black-and-white cat"]
    does = ["runs", "is running", "jumps over", "don't like", "can't see", "plays with", "jumped on", "cannot find", "sits near", "looks at"]
    what = ["a red ball", "the beach", "1 1/2 cups of water", "$5.50", "an \"open\" door", "the park (at night)", "http://example.com/a?b", "his friends' bikes",
            "snow & ice", "AT&amp;T", "a café", "the 1990s car", "tri-colored flags", "it", "10:30 a.m. light", "the sea..."]
    end = [".", " .", "", "!", " ?!", "...", " -- fast", " , too", " 😀", " :)", " etc."]
    nasty = ["", " ", ".", "...", "\u00a0", "😀😀", "日本語", "a a a a a a a a a a a a", "The THE the", "don't don't don't", "'", "a\u00adb", "x" * 300, "1 1/2 1 1/2"]

    def caption():
        if r.random() < 0.02:
            return r.choice(nasty)
        text = f"{r.choice(who)} {r.choice(does)} {r.choice(what)}"
        if r.random() < 0.3:
            text += f" and {r.choice(who)} {r.choice(does)} {r.choice(what)}"
        return text + r.choice(end)

    images = []
    for n in range(1200):
        subject = [caption() for _ in range(r.choice([1, 3, 5, 5, 5, 5, 6]))]
        words = r.choice(subject).split(" ")
        for _ in range(r.randrange(4)):
            words[r.randrange(len(words))] = r.choice(caption().split(" "))
        candidate = r.choice([" ".join(words), " ".join(words), caption(), subject[0]])
        images.append({"id": f"image {n}", "candidate": candidate, "references": subject})
    return images


def flickr8k(folder):
    """The first captions of the 1,000 test images against the others, and other images' captions against all of them;
    then all 8,092 images."""
    captions = {}
    for row in (folder / "Flickr8k.token.txt").read_text(encoding="utf-8").split("\n"):
        if row:
            key, text = row.split("\t", 1)
            captions.setdefault(key.rsplit("#", 1)[0], []).append(text)
    test = (folder / "Flickr_8k.testImages.txt").read_text().split()
    human = lambda ids: [{"id": i, "candidate": captions[i][0], "references": captions[i][1:]} for i in ids]
    swapped = [{"id": i, "candidate": captions[test[(n + 1) % len(test)]][0], "references": captions[i]} for n, i in enumerate(test)]
    everything = scores(human(list(captions)))
    return {"human": scores(human(test)), "swapped": scores(swapped), "all": {"corpus": everything["corpus"], "images": {}}}


def write(path, value):
    with gzip.GzipFile(path, "wb", mtime=0) as f:
        f.write(json.dumps(value).encode())


if __name__ == "__main__":
    images = synthetic(random.Random(8))
    write(HERE / "synthetic.json.gz", {"captions": images, **scores(images)})
    if len(sys.argv) > 1:
        write(HERE / "flickr8k.json.gz", flickr8k(pathlib.Path(sys.argv[1])))
